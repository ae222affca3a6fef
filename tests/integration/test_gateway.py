"""Payments at the sandbox gateway, a real process: whatever it does wrong, one effect and no money lost."""

import datetime as dt
import uuid
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text

from node.bootstrap.till import Desk
from node.kernel.clock import FixedClock, SystemClock
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError
from node.kernel.money import Amount
from node.services.gateway.errors import (
    CallbackForged,
    GatewayAway,
    GatewayUnknown,
    ReturnUrlInvalid,
)
from node.services.gateway.provider import Callback, Options
from node.services.gateway.reconciling import SETTLING, ReportAgainstPayments
from node.services.gateway.registry import open_gateways
from node.services.gateway.service import LOOKS_MAX, GatewayService
from node.services.order.states import Action
from node.services.payment.states import State
from tests.counter import HOME, Counter
from tests.sandbox import Sandbox, running_sandbox
from tests.shop import UNFUNDED, Shop
from tests.stack import DatabaseUrls
from tests.till import EUR, FEE, PRICE
from wallet.incident.service import Incidents

pytestmark = pytest.mark.pg


@pytest.fixture(scope="module")
def database(module_database: DatabaseUrls) -> Iterator[Database]:
    opened = Database(module_database.app, pool_size=9)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def till(database: Database, sandbox: Sandbox) -> Iterator[Counter]:
    shop = Shop(database)
    with database.transaction() as tx:  # what other tests left is not this one's to ask about
        tx.execute(text("UPDATE payment.intent SET look_at = 'infinity'"))
    found = Counter(shop, sandbox)
    sandbox.inbox.got.clear()
    yield found
    found.follow()
    assert found.broken() == ()


def test_somebody_pays_and_the_goods_come(till: Counter) -> None:
    clearing = till.node_has("clearing", "gateway:sandbox")
    order, buyer, payment_id = till.begun()
    assert till.state(order) == ("placed", "requires_action")
    page = httpx.get(till.page(payment_id), headers={"Accept-Language": "fa-IR"}, trust_env=False)
    assert 'dir="rtl"' in page.text
    assert "100.01 EUR" in page.text
    back = till.sandbox.decide(till.page(payment_id)).headers["location"]
    assert back == f"{HOME}?payment={payment_id}&status=captured"
    till.check(payment_id)
    till.follow()
    assert till.state(order) == ("paid", "authorised")
    assert till.intent(payment_id).action is None
    till.act(order, till.shop.seller, Action.SHIP)
    till.act(order, buyer, Action.CONFIRM)
    assert (till.state(order), till.split(order)) == (("completed", "captured"), (PRICE - FEE, 0, FEE))
    till.act(order, till.shop.seller, Action.REFUND_LATER, gross=1_000)
    begin = till.shop.database.transaction
    number = till.intent(payment_id).steps
    for _ in range(3):
        till.gateway.send_refund(begin, payment_id, number)
    lines = [line for line in till.sandbox.report() if line["payment_id"] == str(payment_id)]
    assert [line["amount"] for line in lines] == [str(PRICE), "-1000"]
    assert clearing - till.node_has("clearing", "gateway:sandbox") == PRICE - 1_000


def test_a_lost_callback_is_found_by_the_poller(till: Counter) -> None:
    order, _, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id), "pay", "lost")
    assert till.poll(after=dt.timedelta(seconds=1)) == 0  # it waits its time
    assert till.poll(after=dt.timedelta(seconds=10)) == 1
    till.follow()
    assert till.state(order) == ("paid", "authorised")


def test_a_gateway_that_does_not_answer_leaves_it_unknown(till: Counter) -> None:
    order, buyer, _ = till.begun(PRICE, "no_answer")
    assert till.state(order) == ("placed", "unknown")
    with pytest.raises(AsoudError) as refused:
        till.pay(order, buyer, method="sandbox")
    assert type(refused.value).__name__ == "AlreadyPaid"
    assert till.poll(after=dt.timedelta(seconds=10)) == 1  # it is there after all, and waits for the payer
    assert till.state(order) == ("placed", "requires_action")
    till.shop.clock.advance(UNFUNDED)
    assert till.poll() == 1  # nobody came: it is ended there, so nothing comes later
    assert till.state(order) == ("placed", "expired")


def test_two_steps_are_captured_there(till: Counter) -> None:
    order, _, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id), "pay", "two_step")
    for told in till.callbacks_of(payment_id, 2):
        till.hear(told)
    assert till.state(order) == ("placed", "processing")
    till.poll(after=dt.timedelta(0))
    till.follow()
    assert till.state(order) == ("paid", "authorised")
    assert [line["amount"] for line in till.sandbox.report() if line["payment_id"] == str(payment_id)] == [
        str(PRICE)
    ]


def test_who_declines_may_try_again(till: Counter) -> None:
    order, buyer, payment_id = till.begun()
    assert "status=failed" in till.sandbox.decide(till.page(payment_id), "decline").headers["location"]
    till.check(payment_id)
    assert till.state(order) == ("placed", "failed")
    again = till.pay(order, buyer, method="sandbox")
    begin = till.shop.database.transaction
    till.gateway.begin(begin, again, title="Tea", return_url=HOME)
    till.sandbox.decide(till.page(again))
    till.check(again)
    till.follow()
    assert till.state(order) == ("paid", "authorised")


@pytest.mark.parametrize("fault", ["lying", "underpaid"])
def test_another_amount_is_never_taken(till: Counter, fault: str) -> None:
    order, _, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id), "pay", fault)
    for told in till.callbacks_of(payment_id, 2):
        till.hear(told)
    for _ in range(3):
        till.check(payment_id)
        till.poll(after=dt.timedelta(minutes=5))
    till.follow()
    assert till.state(order) == ("placed", "parked")
    (incident,) = till.incidents(payment_id)
    assert (incident.kind, incident.resolved_at) == ("payment.amount", None)
    taken = PRICE + (1 if fault == "lying" else -1)
    assert incident.details["detail"] == f"sandbox took {taken} EUR, asked were {PRICE} EUR"
    assert till.intent(payment_id).secured == 0
    with till.shop.database.transaction() as tx:
        till.shop.payment.decide(
            tx, payment_id, to=State.FAILED, reason="refunded by hand at the gateway", by="ada"
        )
    assert till.state(order) == ("placed", "failed")


def test_what_nobody_can_tell_is_parked_in_the_end(till: Counter) -> None:
    order, _, payment_id = till.begun(PRICE, "no_answer")
    away = GatewayService(
        till.shop.clock,
        open_gateways(["sandbox"], Options({"sandbox.url": "http://127.0.0.1:9", "sandbox.secret": "x"})),
        Desk(till.shop.payment),
        callback_url=HOME,
        return_origins=[HOME],
    )
    for _ in range(LOOKS_MAX + 1):
        till.shop.clock.advance(dt.timedelta(minutes=15))
        away.poll(till.shop.database.transaction, limit=100)
    assert till.state(order) == ("placed", "parked")
    assert [incident.kind for incident in till.incidents(payment_id)] == ["payment.unresolved"]
    url = httpx.get(
        f"{till.sandbox.url}/payments/{payment_id}",
        headers={"Authorization": "Bearer sandbox-secret"},
        trust_env=False,
    ).json()["id"]
    till.sandbox.decide(f"{till.sandbox.url}/pay/{url}")
    for told in till.callbacks_of(payment_id, 2):  # a late callback tells after all
        till.hear(told)
    till.follow()
    assert till.state(order) == ("paid", "authorised")


def test_late_money_pays_an_order_that_was_given_up(till: Counter) -> None:
    order, _, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id), "pay", "lost")
    till.shop.clock.advance(UNFUNDED * 2)
    with till.shop.database.transaction() as tx:
        till.shop.order.expire_due(tx, now=till.shop.clock.now(), limit=100)
    assert till.state(order) == ("expired", "requires_action")
    till.poll()
    till.follow()
    assert till.state(order) == ("paid", "authorised")


def test_a_refund_that_is_refused_is_for_an_operator(till: Counter) -> None:
    order, _, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id))
    till.check(payment_id)
    till.follow()
    till.sandbox.break_(payment_id, "refund_fails")
    till.act(order, till.shop.seller, Action.REFUND)
    assert till.state(order) == ("refunded", "refunded")
    till.shop.clock.advance(dt.timedelta(minutes=3))
    assert till.gateway.send_refunds(till.shop.database.transaction, limit=10) == 1
    (incident,) = till.incidents(payment_id)
    assert incident.kind == "payment.refund"
    assert till.gateway.send_refunds(till.shop.database.transaction, limit=10) == 0
    till.sandbox.break_(payment_id)
    with till.shop.database.transaction() as tx:
        Incidents(till.shop.clock).resolve(tx, incident.id, reason="they let us again", by="ada")
    assert till.gateway.send_refunds(till.shop.database.transaction, limit=10) == 1
    assert till.gateway.send_refunds(till.shop.database.transaction, limit=10) == 0
    lines = [line for line in till.sandbox.report() if line["payment_id"] == str(payment_id)]
    assert [line["amount"] for line in lines] == [str(PRICE), str(-PRICE)]


def test_forged_and_old_callbacks_are_not_believed(till: Counter) -> None:
    order, _, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id))
    headers, body = till.callbacks_of(payment_id, 2)[-1]
    later = Callback(headers, body, SystemClock().now() + dt.timedelta(minutes=6))
    forged = Callback(headers, body.replace(b"captured", b"Captured"), SystemClock().now())
    unsigned = Callback({}, body, SystemClock().now())
    for callback in (later, forged, unsigned):
        with pytest.raises(CallbackForged), till.shop.database.transaction() as tx:
            till.gateway.hear(tx, "sandbox", callback)
    with pytest.raises(GatewayUnknown), till.shop.database.transaction() as tx:
        till.gateway.hear(tx, "stripe", unsigned)
    assert till.state(order) == ("placed", "requires_action")


def test_gateways_are_chosen_by_country_and_currency(till: Counter) -> None:
    values = {"sandbox.url": "http://x.test", "sandbox.secret": "x"}
    own = open_gateways(
        ["sandbox"], Options({**values, "sandbox.countries": "TR, IR", "sandbox.currencies": "TRY"})
    )
    assert (
        own.suiting(country="TR", currency="TRY") == own.suiting(country=None, currency="TRY") == ["sandbox"]
    )
    assert own.suiting(country="DE", currency="TRY") == own.suiting(country="TR", currency="EUR") == []
    assert own.chosen(None, currency="TRY") == "sandbox"
    with pytest.raises(GatewayUnknown):
        own.chosen("sandbox", currency=EUR.code)
    for url in ("https://evil.test/", "//shop.test", "https://shop.test@evil.test", "javascript:1"):
        with pytest.raises(ReturnUrlInvalid):
            till.gateway.back_to(uuid.uuid4(), url)
    nowhere = open_gateways(["sandbox"], Options({**values, "sandbox.url": "http://127.0.0.1:9"}))
    with pytest.raises(GatewayAway):
        nowhere.provider("sandbox").look(uuid.uuid4(), None)


def test_the_gateways_report_is_held_against_the_payments(database: Database, sandbox: Sandbox) -> None:
    """One that both know, one that nobody told us of, and a refund that somebody gave at the gateway."""
    till = Counter(Shop(database, clock=FixedClock(SystemClock().now())), sandbox)  # the sandbox has no other
    order, _, known = till.begun()
    till.sandbox.decide(till.page(known))
    till.check(known)
    till.follow()
    till.act(order, till.shop.seller, Action.REFUND_PART, gross=1_000)
    _, _, untold = till.begun()
    till.sandbox.decide(till.page(untold))

    def differing(*, after: dt.timedelta) -> dict[str, tuple[str, str]]:
        source = ReportAgainstPayments(
            FixedClock(SystemClock().now() + after), "sandbox", till.sandbox.provider
        )
        found = source.compare(till.shop.database.transaction).differences
        ours = {f"{payment_id}:EUR" for payment_id in (known, untold)}
        return {item.key: (item.found, item.expected) for item in found if item.key in ours}

    late = SETTLING + dt.timedelta(minutes=1)
    assert differing(after=dt.timedelta()) == {}  # the poller may find it yet
    was_untold = {f"{untold}:EUR": (f"{PRICE} taken, 0 given back", "0 taken, 0 given back")}
    assert differing(after=late) == was_untold  # of the refund neither knows
    till.gateway.send_refund(till.shop.database.transaction, known, till.intent(known).steps)
    till.check(untold)
    till.follow()
    assert differing(after=late) == {}
    reference = till.intent(known).reference
    assert reference is not None
    till.sandbox.provider.refund(reference, Amount(EUR, 7), key="by hand")
    by_hand = {f"{known}:EUR": (f"{PRICE} taken, 1007 given back", f"{PRICE} taken, 1000 given back")}
    assert differing(after=late) == by_hand
