"""Gives committed events their position.

Invariants: positions are gapless and rise in commit-visible order; within a stream they follow the version,
because `seq` is drawn under the lock of the stream's head. One numbering at a time holds an advisory lock for
its transaction, so a killed sequencer leaves nothing behind and a second one is a hot standby.
"""

from sqlalchemy import text

from node.kernel.db.unit_of_work import Database, rows_touched

CHANNEL_NUMBERED = "asoud_event_numbered"
LOCK_KEY = 0x_A50D_0001
BATCH_MAX = 5_000  # rows numbered in one transaction; more would hold it open too long

_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_NUMBER = text("""
    WITH batch AS (
        SELECT id, row_number() OVER (ORDER BY seq) AS step
        FROM (
            SELECT id, seq FROM kernel.event WHERE position IS NULL ORDER BY seq LIMIT :limit
        ) AS unnumbered
    ), base AS (
        SELECT coalesce(max(position), 0) AS position FROM kernel.event
    )
    UPDATE kernel.event AS event SET position = base.position + batch.step
    FROM batch, base WHERE event.id = batch.id
""")
_NOTIFY = text("SELECT pg_notify(:channel, '')")


class Sequencer:
    def __init__(self, database: Database) -> None:
        self._database = database

    def number_once(self) -> int:
        """Numbers one batch; returns how many events got a position (0 when another one is at it)."""
        with self._database.transaction() as tx:
            if not tx.execute(_LOCK, {"key": LOCK_KEY}).scalar_one():
                return 0
            numbered = rows_touched(tx, _NUMBER, {"limit": BATCH_MAX})
            if numbered:
                tx.execute(_NOTIFY, {"channel": CHANNEL_NUMBERED})
            return numbered
