"""Stripe through its own SDK: PaymentIntents with a client secret, refunds, and signed webhooks.

`stripe.secret_key` (sk_…), `stripe.webhook_secret` (whsec_…); `stripe.url` names another host that speaks
the same. Amounts go over the wire in Stripe's own smallest unit, which is not ISO 4217's for some
currencies. What Stripe says of an error may quote the request, so only codes leave this file.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import stripe
from typing_extensions import override

from node.kernel.currencies import EXPONENTS
from node.kernel.money import Amount
from node.services.gateway.errors import CallbackForged, CallbackMalformed, GatewayAway, GatewayRefused
from node.services.gateway.provider import (
    TIMEOUT_S,
    Ask,
    Begun,
    Callback,
    Entry,
    Options,
    Provider,
    Seen,
    Status,
    Told,
)

T = TypeVar("T")

# https://docs.stripe.com/currencies: decimals on the wire where they are not those of ISO 4217.
_WIRE_EXPONENTS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
_ROUND_THOUSANDTHS: Final = 10  # of currencies with three decimals the last one is always 0
_REFUNDS_MAX = 100  # of one payment, that are looked through
_STATUSES: Final = {
    "requires_payment_method": Status.REQUIRES_ACTION,
    "requires_confirmation": Status.REQUIRES_ACTION,
    "requires_action": Status.REQUIRES_ACTION,
    "processing": Status.PROCESSING,
    "requires_capture": Status.AUTHORISED,
    "succeeded": Status.CAPTURED,
    "canceled": Status.CANCELLED,
}
_AWAY = (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError, stripe.IdempotencyError)

# The SDK tells its log of requests and, at DEBUG, of their bodies: client secrets are among them.
logging.getLogger("stripe").setLevel(logging.WARNING)


class StripeProvider(Provider):
    def __init__(self, secret_key: str, webhook_secret: str, *, url: str | None, timeout_s: float) -> None:
        self._webhook_secret = webhook_secret
        self.http = stripe.RequestsClient(timeout=timeout_s)
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": url} if url else None,
            http_client=self.http,
            max_network_retries=0,  # what is asked again is asked by whoever keeps count
        )

    @override
    def begin(self, ask: Ask) -> Begun:
        wire, currency = to_wire(ask.amount)
        made = _asked(
            lambda: self._client.v1.payment_intents.create(
                {
                    "amount": wire,
                    "currency": currency,
                    "description": ask.title,
                    "metadata": {"payment_id": str(ask.payment_id)},
                    "automatic_payment_methods": {"enabled": True},
                },
                {"idempotency_key": f"{ask.payment_id}:begin"},
            )
        )
        return Begun(made.id, {"client_secret": made.client_secret or ""})

    @override
    def look(self, payment_id: uuid.UUID, reference: str | None) -> Seen | None:
        if reference is not None:
            return _seen(_asked(lambda: self._client.v1.payment_intents.retrieve(reference)))
        query = f"metadata['payment_id']:'{payment_id}'"
        found = _asked(lambda: self._client.v1.payment_intents.search({"query": query, "limit": 1}))
        return _seen(found.data[0]) if found.data else None

    @override
    def capture(self, seen: Seen, *, key: str) -> Seen:
        service = self._client.v1.payment_intents
        options: Any = {"idempotency_key": key}
        return _seen(_asked(lambda: service.capture(seen.reference, {}, options)))

    @override
    def void(self, seen: Seen, *, key: str) -> Seen:
        service = self._client.v1.payment_intents
        options: Any = {"idempotency_key": key}
        return _seen(_asked(lambda: service.cancel(seen.reference, {}, options)))

    @override
    def refund(self, reference: str, amount: Amount, *, key: str) -> None:
        """Stripe forgets keys after some days, so its refunds are looked through for ours as well."""
        refunds = self._client.v1.refunds
        known = _asked(lambda: refunds.list({"payment_intent": reference, "limit": _REFUNDS_MAX}))
        if any(_metadata(refund).get("key") == key for refund in known.data):
            return
        wire, _ = to_wire(amount)
        _asked(
            lambda: refunds.create(
                {"payment_intent": reference, "amount": wire, "metadata": {"key": key}},
                {"idempotency_key": key},
            )
        )

    @override
    def read_callback(self, callback: Callback) -> Told:
        header = callback.headers.get("stripe-signature")
        try:
            event = self._client.construct_event(callback.body, header, self._webhook_secret)
        except stripe.SignatureVerificationError:
            raise CallbackForged("the callback is not signed by Stripe, or was too long ago") from None
        except ValueError as error:
            raise CallbackMalformed("the callback is not an event of Stripe") from error
        about = event.data.object
        is_ours = event.type.startswith("payment_intent.") and "payment_id" in _metadata(about)
        return Told(event.id, _seen(about) if is_ours else None)

    @override
    def report(self, since: dt.datetime) -> Iterable[Entry]:
        created: Any = {"gte": int(since.timestamp())}
        intents = _asked(lambda: self._client.v1.payment_intents.list({"created": created, "limit": 100}))
        for intent in intents.auto_paging_iter():
            if intent.status == "succeeded" and "payment_id" in _metadata(intent):
                seen = _seen(intent)
                yield Entry(seen.payment_id, seen.amount, seen.currency, _at(intent.created))
        refunds = _asked(
            lambda: self._client.v1.refunds.list(
                {"created": created, "limit": 100, "expand": ["data.payment_intent"]}
            )
        )
        for refund in refunds.auto_paging_iter():
            about: Any = refund.payment_intent
            if refund.status != "failed" and about is not None and "payment_id" in _metadata(about):
                amount, currency = from_wire(refund.amount, refund.currency)
                payment_id = uuid.UUID(_metadata(about)["payment_id"])
                yield Entry(payment_id, -amount, currency, _at(refund.created))


def to_wire(amount: Amount) -> tuple[int, str]:
    """In Stripe's smallest unit. Raises GatewayRefused: it has no such small parts."""
    code, exponent = amount.asset.code, amount.asset.exponent
    more = _WIRE_EXPONENTS.get(code, exponent) - exponent
    wire, rest = (amount.value * 10**more, 0) if more >= 0 else divmod(amount.value, 10**-more)
    if rest or (exponent == 3 and wire % _ROUND_THOUSANDTHS):  # noqa: PLR2004 - thousandths
        raise GatewayRefused("Stripe takes no such small parts of that currency", currency=code)
    return wire, code.lower()


def from_wire(wire: int, currency: str) -> tuple[int, str]:
    code = currency.upper()
    exponent = EXPONENTS[code]
    more = exponent - _WIRE_EXPONENTS.get(code, exponent)
    # Parts that we cannot count make an amount that nobody asked for: it is parked.
    return (wire * 10**more if more >= 0 else -(-wire // 10**-more)), code


def _seen(intent: Any) -> Seen:  # noqa: ANN401 - an object of the SDK
    try:
        status = _STATUSES[intent.status]
        taken = {Status.CAPTURED: "amount_received", Status.AUTHORISED: "amount_capturable"}.get(
            status, "amount"
        )
        amount, currency = from_wire(getattr(intent, taken), intent.currency)
        return Seen(uuid.UUID(_metadata(intent)["payment_id"]), intent.id, status, amount, currency)
    except (KeyError, AttributeError, ValueError) as error:
        raise GatewayAway("Stripe's answer is not in its form") from error


def _metadata(thing: Any) -> Mapping[str, str]:  # noqa: ANN401 - an object of the SDK
    found = getattr(thing, "metadata", None)
    return {} if found is None else dict(found.to_dict() if hasattr(found, "to_dict") else found)


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except _AWAY as error:
        raise GatewayAway(f"Stripe did not do it: {_code(error)}") from None
    except stripe.StripeError as error:
        raise GatewayRefused(f"Stripe refused: {_code(error)}", reason=error.code) from None


def _code(error: stripe.StripeError) -> str:
    return f"{type(error).__name__} {error.http_status or ''} {error.code or ''}".strip()


def open_provider(options: Options) -> Provider:
    return StripeProvider(
        options.need("stripe.secret_key"),
        options.need("stripe.webhook_secret"),
        url=options.values.get("stripe.url"),
        timeout_s=TIMEOUT_S,
    )
