"""Stripe's own SDK against a server that speaks its wire format, and orders that are paid through it."""

import datetime as dt
import logging
import uuid
from collections.abc import Iterator

import pytest
import stripe as sdk

from node.bootstrap.till import Desk
from node.kernel.clock import SystemClock
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.db.unit_of_work import Database
from node.kernel.money import Amount
from node.services.gateway.errors import CallbackForged, CallbackMalformed, GatewayAway, GatewayRefused
from node.services.gateway.provider import Ask, Callback, Status
from node.services.gateway.providers.stripe import StripeProvider, from_wire, to_wire
from node.services.gateway.registry import Gateways, Method
from node.services.gateway.service import GatewayService
from node.services.order.states import Action, Rail
from node.services.payment.models import Intent
from tests.shop import Shop
from tests.stack import DatabaseUrls
from tests.stripe_server import CREATED, KEY, WEBHOOK_SECRET, StripeServer, running_stripe
from tests.till import EUR, PRICE, Till

pytestmark = pytest.mark.pg

AT = dt.datetime.fromtimestamp(CREATED, dt.UTC)


@pytest.fixture
def server() -> Iterator[StripeServer]:
    with running_stripe() as running:
        yield running


@pytest.fixture
def provider(server: StripeServer) -> Iterator[StripeProvider]:
    found = StripeProvider(KEY, WEBHOOK_SECRET, url=server.url, timeout_s=1.0)
    yield found
    found.http.close()


def an_ask(payment_id: uuid.UUID, cents: int = 500) -> Ask:
    return Ask(payment_id, Amount(EUR, cents), "Tea", "https://shop.test", "https://node.test")


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, seconds_ago: int = 0) -> Callback:
    now = SystemClock().now()
    stamp = int(now.timestamp()) - seconds_ago
    header = sdk.WebhookSignature.generate_signature_header(body.decode(), secret, stamp)
    return Callback({"stripe-signature": header}, body, now)


def test_a_payment_is_begun_once_and_looked_at(server: StripeServer, provider: StripeProvider) -> None:
    payment_id = uuid.uuid4()
    assert provider.look(payment_id, None) is None
    begun, again = (provider.begin(an_ask(payment_id)) for _ in range(2))
    assert begun == again
    assert begun.action["client_secret"].startswith(f"{begun.reference}_secret_")
    for reference in (begun.reference, None):
        seen = provider.look(payment_id, reference)
        assert seen is not None
        assert (seen.status, seen.amount, seen.currency) == (Status.REQUIRES_ACTION, 500, "EUR")
    server.pay(begun.reference, status="requires_capture")
    seen = provider.look(payment_id, begun.reference)
    assert seen is not None
    assert (seen.status, seen.amount) == (Status.AUTHORISED, 500)
    captured = provider.capture(seen, key="capture")
    assert (captured.status, captured.amount) == (Status.CAPTURED, 500)
    with pytest.raises(GatewayRefused) as refused:
        provider.void(captured, key="void")
    assert refused.value.fields["reason"] == "payment_intent_unexpected_state"


def test_refunds_are_made_once(server: StripeServer, provider: StripeProvider) -> None:
    payment_id = uuid.uuid4()
    reference = provider.begin(an_ask(payment_id)).reference
    server.pay(reference)
    for _ in range(3):
        provider.refund(reference, Amount(EUR, 200), key="one")
        server.kept.clear()  # Stripe forgets keys in time
    provider.refund(reference, Amount(EUR, 300), key="two")
    with pytest.raises(GatewayRefused):
        provider.refund(reference, Amount(EUR, 1), key="three")
    assert [(entry.payment_id, entry.amount, entry.at) for entry in provider.report(AT)] == [
        (payment_id, 500, AT),
        (payment_id, -200, AT),
        (payment_id, -300, AT),
    ]


def test_who_does_not_answer_and_who_refuses(server: StripeServer, provider: StripeProvider) -> None:
    payment_id = uuid.uuid4()
    server.silent = True
    with pytest.raises(GatewayAway):
        provider.begin(an_ask(payment_id))
    server.silent = False
    assert provider.look(payment_id, None) is not None  # it was done all the same
    for status in (500, 503, 429):
        server.fail = status
        with pytest.raises(GatewayAway):
            provider.look(payment_id, None)
    server.fail = 402
    with pytest.raises(GatewayRefused):
        provider.begin(an_ask(payment_id))


def test_secrets_stay_out_of_logs_and_errors(
    server: StripeServer, provider: StripeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reference = provider.begin(an_ask(uuid.uuid4())).reference
    stranger = StripeProvider("sk_test_wrong", WEBHOOK_SECRET, url=server.url, timeout_s=1.0)
    said = []
    for ask in (
        lambda: provider.refund(reference, Amount(EUR, 9_999), key="x"),
        lambda: stranger.refund(reference, Amount(EUR, 1), key="x"),
    ):
        with pytest.raises(GatewayRefused) as refused:
            ask()
        said.append(f"{refused.value.message} {refused.value.fields} {refused.value.__cause__}")
    stranger.http.close()
    said.append(caplog.text)
    assert not [text for text in said for secret in (KEY, "_secret_", "sk_test_wrong") if secret in text]


def test_webhooks_are_believed_when_stripe_signed_them(
    server: StripeServer, provider: StripeProvider
) -> None:
    payment_id = uuid.uuid4()
    reference = provider.begin(an_ask(payment_id)).reference
    server.pay(reference)
    body = server.event(reference, "payment_intent.succeeded", "evt_1")
    told = provider.read_callback(signed(body))
    assert told.event_id == "evt_1"
    assert told.seen is not None
    assert (told.seen.payment_id, told.seen.status) == (payment_id, Status.CAPTURED)
    assert provider.read_callback(signed(server.event(reference, "charge.updated"))).seen is None
    for callback in (
        signed(body, secret="whsec_other"),
        signed(body, seconds_ago=301),
        Callback({}, body, AT),
    ):
        with pytest.raises(CallbackForged):
            provider.read_callback(callback)
    with pytest.raises(CallbackMalformed):
        provider.read_callback(signed(b"no json"))


def test_amounts_go_in_stripes_own_smallest_unit() -> None:
    def wire(code: str, value: int) -> tuple[int, str]:
        return to_wire(Amount(fiat_asset(code), value))

    assert [wire(*money) for money in (("EUR", 1), ("JPY", 7), ("ISK", 7), ("MGA", 700), ("KWD", 1_230))] == [
        (1, "eur"),
        (7, "jpy"),
        (700, "isk"),
        (7, "mga"),
        (1_230, "kwd"),
    ]
    for code, value in (("MGA", 701), ("KWD", 1_231)):
        with pytest.raises(GatewayRefused):
            wire(code, value)
    for code in EXPONENTS:
        assert from_wire(*wire(code, 12_300)) == (12_300, code)
    assert from_wire(701, "isk") == (8, "ISK")  # no amount of ours: it is parked


def test_an_order_is_paid_and_given_back(
    server: StripeServer, provider: StripeProvider, fresh_database: DatabaseUrls
) -> None:
    database = Database(fresh_database.app, pool_size=4)
    till = Till(Shop(database))
    begin = database.transaction
    service = GatewayService(
        till.shop.clock,
        Gateways([Method("stripe", provider, None, None)]),
        Desk(till.shop.payment),
        callback_url="https://node.test",
        return_origins=["https://node.test"],
    )
    buyer = till.buyer()
    order = till.order(buyer, Rail.GATEWAY)
    payment_id = till.pay(order, buyer, method="stripe")
    service.begin(begin, payment_id, title="Tea", return_url="https://node.test")
    with begin() as tx:
        reference = tx.get_one(Intent, payment_id).reference
    assert reference is not None
    server.pay(reference)
    body = server.event(reference, "payment_intent.succeeded")
    for _ in range(10):
        with begin() as tx:
            service.hear(tx, "stripe", signed(body))
        service.check(begin, payment_id)
    till.follow()
    assert till.state(order) == ("paid", "authorised")
    till.act(order, till.shop.seller, Action.SHIP)
    till.act(order, buyer, Action.CONFIRM)
    till.act(order, till.shop.seller, Action.REFUND_LATER, gross=1_000)
    till.shop.clock.advance(dt.timedelta(minutes=3))
    assert service.send_refunds(begin, limit=10) == 1
    assert [refund["amount"] for refund in server.refunds] == [1_000]
    assert till.node_has("clearing", "gateway:stripe") == 1_000 - PRICE
    assert till.broken() == ()
    database.dispose()
