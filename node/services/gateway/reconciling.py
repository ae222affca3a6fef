"""What a gateway reports that it took and gave back, against what the payments say of it.

Both look at payments that were begun within `WINDOW`, and at none that moved in the last `SETTLING`: until
then callbacks and the poller bring the books together.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Row, text

from node.kernel.clock import Clock
from node.services.gateway.errors import GatewayAway, GatewayRefused
from node.services.gateway.provider import Entry, Provider
from wallet.incident.comparing import Begin, Comparison, Difference

WINDOW = dt.timedelta(days=35)  # a month, and what its last days still brought
SETTLING = dt.timedelta(minutes=30)

# Refunds that the gateway does not know of yet are not expected there: they have their own incidents.
_OURS = text("""
    SELECT intent.id, intent.asset_code AS currency, intent.secured AS taken,
        coalesce(sum(step.amount) FILTER (WHERE sent.payment_id IS NOT NULL), 0) AS given_back
    FROM payment.intent AS intent
    LEFT JOIN payment.step AS step ON step.intent_id = intent.id AND step.kind IN ('give_back', 'refund')
    LEFT JOIN gateway.sent_refund AS sent ON sent.payment_id = step.intent_id AND sent.number = step.number
    WHERE intent.rail = 'gateway' AND intent.method = :gateway AND intent.created_at >= :since
    GROUP BY intent.id
""")
_RECENT = text("""
    SELECT id FROM payment.intent WHERE rail = 'gateway' AND method = :gateway AND (
        created_at < :since OR changed_at > :before
        OR EXISTS (SELECT FROM gateway.sent_refund WHERE payment_id = intent.id AND sent_at > :before)
    )
""")


@dataclass(slots=True)
class _Sums:
    """Of one payment in one currency, in its smallest unit."""

    taken: int = 0
    given_back: int = 0


class ReportAgainstPayments:
    def __init__(self, clock: Clock, gateway: str, provider: Provider) -> None:
        self._clock = clock
        self._gateway = gateway
        self._provider = provider

    @property
    def name(self) -> str:
        return f"gateway-{self._gateway}"

    def compare(self, begin: Begin) -> Comparison:
        """Raises GatewayAway."""
        now = self._clock.now()
        since = now - WINDOW
        try:
            reported = _summed(entry for entry in self._provider.report(since) if entry.at <= now - SETTLING)
        except GatewayRefused as error:
            raise GatewayAway("the gateway gives no report") from error
        asked = {"gateway": self._gateway, "since": since, "before": now - SETTLING}
        with begin() as tx:
            left_out = set(tx.execute(_RECENT, asked).scalars())
            ours = {row.id: row for row in tx.execute(_OURS, asked) if row.id not in left_out}
        differences = [
            found
            for payment_id in sorted({*ours, *(key for key, _ in reported)} - left_out)
            for found in _differing(payment_id, ours.get(payment_id), reported)
        ]
        return Comparison(
            differences, [f"{len(ours)} payments at {self._gateway} of the last {WINDOW.days} days"]
        )


def _summed(entries: Iterable[Entry]) -> dict[tuple[uuid.UUID, str], _Sums]:
    sums: dict[tuple[uuid.UUID, str], _Sums] = defaultdict(_Sums)
    for entry in entries:
        found = sums[entry.payment_id, entry.currency]
        found.taken += max(entry.amount, 0)
        found.given_back += max(-entry.amount, 0)
    return sums


def _differing(
    payment_id: uuid.UUID,
    ours: Row[tuple[uuid.UUID, str, int, int]] | None,
    reported: dict[tuple[uuid.UUID, str], _Sums],
) -> Iterable[Difference]:
    """By currency: a payment in another one than was asked for differs twice."""
    currencies = {currency for key, currency in reported if key == payment_id}
    for currency in sorted(currencies | ({ours.currency} if ours is not None else set())):
        theirs = reported.get((payment_id, currency), _Sums())
        is_asked = ours is not None and ours.currency == currency
        expected = (int(ours.taken), int(ours.given_back)) if is_asked and ours is not None else (0, 0)
        if (theirs.taken, theirs.given_back) != expected:
            yield Difference(
                f"{payment_id}:{currency}",
                f"{theirs.taken} taken, {theirs.given_back} given back",
                f"{expected[0]} taken, {expected[1]} given back",
                {"payment_id": str(payment_id), "currency": currency, "known": str(ours is not None)},
            )
