"""Payments at gateways: begun, asked about, and told of, until each is sure.

Invariants: no request is made inside a transaction; what comes of it is applied under the payment's lock by
`_apply`, whoever heard it first; every wait has an end, and at the end of it stands an incident.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.log import get_logger
from node.kernel.money import Amount, Asset
from node.services.gateway.errors import GatewayAway, GatewayRefused, ReturnUrlInvalid
from node.services.gateway.models import CallbackRow, SentRefund
from node.services.gateway.paying import Payments, Pending, Phase
from node.services.gateway.provider import Ask, Callback, Seen, Status
from node.services.gateway.registry import Gateways

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]
TITLE_CHARS_MAX = 120
UNKNOWN: Final = "unknown"

LOOK_FIRST = dt.timedelta(seconds=10)
LOOK_LAST = dt.timedelta(minutes=15)
LOOKS_MAX = 40  # of one payment that nobody is sure of: with these pauses a bit more than eight hours
REFUND_LATE = dt.timedelta(minutes=2)  # the task that follows the event had its tries by then
NOT_THERE_MAX = 4  # a gateway that knows nothing of it so often never heard of it

_DUE = text("""
    SELECT id FROM payment.intent
    WHERE state IN ('created', 'requires_action', 'processing', 'unknown') AND look_at <= :now
        AND rail = 'gateway'
    ORDER BY look_at LIMIT :limit
""")
_UNSENT = text("""
    SELECT step.intent_id, step.number FROM payment.step
    JOIN payment.intent ON intent.id = step.intent_id AND intent.rail = 'gateway'
    WHERE step.kind IN ('give_back', 'refund') AND step.at <= :before AND NOT EXISTS (
        SELECT FROM gateway.sent_refund AS sent
        WHERE sent.payment_id = step.intent_id AND sent.number = step.number
    ) AND NOT EXISTS (
        SELECT FROM incident.incident
        WHERE incident.key = concat_ws(chr(58), 'payment', intent.id, 'refund')
            AND incident.resolved_at IS NULL
    )
    ORDER BY step.at LIMIT :limit
""")
_STEP = text("""
    SELECT step.amount, step.key, intent.method, intent.reference, intent.asset_id, intent.asset_code,
        intent.asset_exponent, EXISTS (
            SELECT FROM gateway.sent_refund AS sent
            WHERE sent.payment_id = step.intent_id AND sent.number = step.number
        ) AS is_sent
    FROM payment.step JOIN payment.intent ON intent.id = step.intent_id
    WHERE step.intent_id = :payment_id AND step.number = :number AND step.kind IN ('give_back', 'refund')
""")


class GatewayService:
    def __init__(
        self,
        clock: Clock,
        gateways: Gateways,
        payments: Payments,
        *,
        callback_url: str,
        return_origins: Sequence[str],
    ) -> None:
        """`callback_url` is where gateways post to, without their name; payers return to these origins."""
        self._clock = clock
        self._gateways = gateways
        self._payments = payments
        self._callback_url = callback_url
        self._return_origins = tuple(return_origins)

    @property
    def choice(self) -> Gateways:
        return self._gateways

    # ---------------------------------------------------------------------------------- payments

    def back_to(self, payment_id: uuid.UUID, return_url: str | None) -> str:
        """Where the payer comes back to, with `?payment=<id>`: by default to the node itself.

        Raises:
            ReturnUrlInvalid: Elsewhere: a link of ours would send people to a stranger's page.
        """
        url = return_url or self._return_origins[0]
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" not in self._return_origins or "\\" in url:
            raise ReturnUrlInvalid(
                "payers come back to this node or to a site that may call it", field="return_url"
            )
        query = f"{parts.query}&payment={payment_id}" if parts.query else f"payment={payment_id}"
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))

    def begin(self, begin: Begin, payment_id: uuid.UUID, *, title: str, return_url: str) -> None:
        """Asks the gateway to take a new payment. One that does not answer leaves it unknown.

        Raises:
            GatewayRefused: It will not take it; the payment has failed.
        """
        with begin() as tx:
            pending = self._payments.pending(tx, payment_id)
            if pending is None or pending.phase is not Phase.NEW:
                return
            self._payments.look_again(tx, payment_id, at=self._clock.now() + LOOK_FIRST, looks=0)
        ask = Ask(
            payment_id=payment_id,
            amount=pending.amount,
            title=title[:TITLE_CHARS_MAX],
            return_url=return_url,
            callback_url=f"{self._callback_url}/{pending.method}",
        )
        try:
            begun = self._gateways.provider(pending.method).begin(ask)
        except GatewayAway as error:
            log.warning("gateway_away", gateway=pending.method, reason=error.message)
            with begin() as tx:
                self._payments.become(tx, payment_id, UNKNOWN)
            return
        except GatewayRefused:
            with begin() as tx:
                self._payments.become(tx, payment_id, Status.FAILED)
            raise
        with begin() as tx:
            self._payments.begun(tx, payment_id, begun.reference, begun.action)

    def hear(self, tx: Tx, gateway: str, callback: Callback) -> None:
        """A callback: believed when it is signed, kept once, applied once.

        Raises:
            GatewayUnknown, CallbackForged, CallbackMalformed: Nothing is kept.
        """
        told = self._gateways.provider(gateway).read_callback(callback)
        row = {
            "gateway": gateway,
            "event_id": told.event_id,
            "payment_id": None if told.seen is None else told.seen.payment_id,
            "body": callback.body,
            "received_at": callback.received_at,
        }
        kept = insert(CallbackRow).values(**row).on_conflict_do_nothing().returning(CallbackRow.event_id)
        if tx.execute(kept).scalar_one_or_none() is not None and told.seen is not None:
            self._apply(tx, gateway, told.seen)

    def check(self, begin: Begin, payment_id: uuid.UUID) -> None:
        """Asks the gateway how the payment is, when it is not sure yet: for who came back, and by the clock.

        Raises:
            GatewayAway: It does not answer.
        """
        with begin() as tx:
            pending = self._payments.pending(tx, payment_id)
        if pending is None or pending.phase not in {Phase.NEW, Phase.WAITING, Phase.UNSURE}:
            return
        provider = self._gateways.provider(pending.method)
        seen = provider.look(payment_id, pending.reference)
        if seen is not None and seen.status is Status.AUTHORISED and _is_exact(pending, seen):
            seen = provider.capture(seen, key=f"{payment_id}:capture")
        if seen is not None and seen.status is Status.REQUIRES_ACTION and self._is_over(pending):
            seen = provider.void(seen, key=f"{payment_id}:void")
        with begin() as tx:
            if seen is not None:
                self._apply(tx, pending.method, seen)
            elif pending.looks >= NOT_THERE_MAX:
                self._payments.become(tx, payment_id, Status.FAILED)

    def poll(self, begin: Begin, *, limit: int) -> int:
        """Asks about what is due; returns how many. What nobody can tell in the end is parked."""
        with begin() as tx:
            due = list(tx.execute(_DUE, {"now": self._clock.now(), "limit": limit}).scalars())
        for payment_id in due:
            with begin() as tx:
                pending = self._payments.pending(tx, payment_id)
                assert pending is not None  # the statement finds those of gateways alone
                looks = pending.looks + 1
                pause = min(LOOK_FIRST * 2 ** min(looks, 10), LOOK_LAST)
                self._payments.look_again(tx, payment_id, at=self._clock.now() + pause, looks=looks)
                if pending.phase is Phase.UNSURE and looks > LOOKS_MAX:
                    detail = f"{pending.method} does not say what became of it"
                    self._payments.park(tx, payment_id, kind="unresolved", detail=detail)
                    continue
            try:
                self.check(begin, payment_id)
            except (GatewayAway, GatewayRefused) as error:
                log.warning("gateway_not_asked", gateway=pending.method, reason=error.message)
                if pending.phase is Phase.NEW or self._is_over(pending):
                    with begin() as tx:
                        self._payments.become(tx, payment_id, UNKNOWN)
        return len(due)

    def _is_over(self, pending: Pending) -> bool:
        return pending.expires_at <= self._clock.now()

    def _apply(self, tx: Tx, gateway: str, seen: Seen) -> None:
        """What a gateway said, to the payment that it is about; twice is once, and news beat old news."""
        pending = self._payments.pending(tx, seen.payment_id)
        if pending is None or pending.method != gateway:
            log.warning("gateway_told_of_no_payment", gateway=gateway, reference=seen.reference)
            return
        if pending.phase in {Phase.SECURED, Phase.WRONG}:
            return
        if pending.reference not in {None, seen.reference}:
            detail = f"{gateway} calls it {seen.reference}, and called it {pending.reference} before"
            self._payments.park(tx, seen.payment_id, kind="reference", detail=detail)
            return
        if pending.reference is None:
            self._payments.begun(tx, seen.payment_id, seen.reference, None)
        if seen.status in {Status.AUTHORISED, Status.CAPTURED} and not _is_exact(pending, seen):
            asked = f"{pending.amount.value} {pending.amount.asset.code}"
            detail = f"{gateway} took {seen.amount} {seen.currency}, asked were {asked}"
            self._payments.park(tx, seen.payment_id, kind="amount", detail=detail)
        elif seen.status is Status.CAPTURED:
            self._payments.secured(tx, seen.payment_id)
        elif seen.status is Status.AUTHORISED:
            # It is ours to take there: the next look does, soon.
            self._payments.become(tx, seen.payment_id, Status.PROCESSING)
            self._payments.look_again(tx, seen.payment_id, at=self._clock.now(), looks=pending.looks)
        elif seen.status is Status.CANCELLED and self._is_over(pending):
            self._payments.become(tx, seen.payment_id, Status.EXPIRED)
        else:
            self._payments.become(tx, seen.payment_id, seen.status)

    # ----------------------------------------------------------------------------------- refunds

    def send_refund(self, begin: Begin, payment_id: uuid.UUID, number: int) -> None:
        """Tells the gateway of money that the ledger has given back. The step's key makes it once.

        Raises:
            GatewayAway: To be tried again.
        """
        with begin() as tx:
            step = tx.execute(_STEP, {"payment_id": payment_id, "number": number}).one_or_none()
        if step is None or step.is_sent:
            return
        asset = Asset(step.asset_id, step.asset_code, step.asset_exponent)
        amount = Amount(asset, int(step.amount))
        try:
            self._gateways.provider(step.method).refund(step.reference, amount, key=step.key)
        except GatewayRefused as error:
            with begin() as tx:
                detail = f"{step.method} refused to give {amount.value} {asset.code} back: {error.message}"
                self._payments.park(tx, payment_id, kind="refund", detail=detail)
            return
        sent = {"payment_id": payment_id, "number": number, "sent_at": self._clock.now()}
        with begin() as tx:
            tx.execute(insert(SentRefund).values(**sent).on_conflict_do_nothing())

    def send_refunds(self, begin: Begin, *, limit: int) -> int:
        """Those that no task has sent in time; returns how many there were."""
        with begin() as tx:
            before = self._clock.now() - REFUND_LATE
            unsent = tx.execute(_UNSENT, {"before": before, "limit": limit}).all()
        for payment_id, number in unsent:
            try:
                self.send_refund(begin, payment_id, number)
            except GatewayAway as error:
                log.warning("refund_not_sent", payment_id=str(payment_id), reason=error.message)
        return len(unsent)


def _is_exact(pending: Pending, seen: Seen) -> bool:
    return (seen.amount, seen.currency) == (pending.amount.value, pending.amount.asset.code)
