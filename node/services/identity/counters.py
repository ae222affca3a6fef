"""Counts within fixed windows of time, in Postgres: what limits codes must not be lost with a cache.

A count that would go beyond its bound is not taken, and says so by its answer: the caller commits what was
counted before it refuses.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched

PRUNE_MAX = 5_000

_TAKE = text("""
    INSERT INTO identity.counter AS counter (kind, subject, starts_at, ends_at, count)
    VALUES (:kind, :subject, :starts_at, :ends_at, :amount)
    ON CONFLICT (kind, subject, starts_at) DO UPDATE SET count = counter.count + :amount
    WHERE counter.count + :amount <= :most
    RETURNING count
""")
_GIVE_BACK = text("""
    UPDATE identity.counter SET count = count - 1
    WHERE kind = :kind AND subject = :subject AND starts_at = :starts_at
""")
_PRUNE = text("""
    DELETE FROM identity.counter WHERE (kind, subject, starts_at) IN (
        SELECT kind, subject, starts_at FROM identity.counter WHERE ends_at <= :now ORDER BY ends_at
        LIMIT :limit FOR UPDATE SKIP LOCKED
    )
""")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in each `window`."""

    kind: str
    window: dt.timedelta
    most: int


class Counters:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def take(self, tx: Tx, limit: Limit, subject: str, amount: int = 1) -> bool:
        """Whether there was room. Locks the count until the transaction ends."""
        if amount > limit.most:
            return False
        starts_at = self._starts_at(limit)
        parameters = {
            "kind": limit.kind,
            "subject": subject,
            "starts_at": starts_at,
            "ends_at": starts_at + limit.window,
            "amount": amount,
            "most": limit.most,
        }
        return tx.execute(_TAKE, parameters).scalar_one_or_none() is not None

    def give_back(self, tx: Tx, limit: Limit, subject: str) -> None:
        """Of what was taken in the same transaction: the try was no failure."""
        parameters = {"kind": limit.kind, "subject": subject, "starts_at": self._starts_at(limit)}
        tx.execute(_GIVE_BACK, parameters)

    def wait_s(self, limit: Limit) -> int:
        """Until the next window."""
        left = self._starts_at(limit) + limit.window - self._clock.now()
        return max(1, int(left.total_seconds()) + 1)

    def prune(self, tx: Tx) -> int:
        """Forgets windows that are over, at most `PRUNE_MAX`; returns how many. The beat calls it."""
        parameters = {"now": self._clock.now(), "limit": PRUNE_MAX}
        return rows_touched(tx, _PRUNE, parameters)

    def _starts_at(self, limit: Limit) -> dt.datetime:
        window_s = int(limit.window.total_seconds())
        return dt.datetime.fromtimestamp(int(self._clock.now().timestamp()) // window_s * window_s, dt.UTC)
