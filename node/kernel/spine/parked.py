"""What an operator does with parked events: see them, and ask for a replay."""

from dataclasses import dataclass

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx, rows_touched

LIST_MAX = 500

_LIST = text("""
    SELECT consumer, position, stream, type_name, attempts, error, parked_at, replay
    FROM kernel.parked_event WHERE CAST(:consumer AS text) IS NULL OR consumer = :consumer
    ORDER BY consumer, position LIMIT :limit
""")
_REPLAY = text("""
    UPDATE kernel.parked_event SET replay = true
    WHERE (CAST(:consumer AS text) IS NULL OR consumer = :consumer)
      AND (CAST(:stream AS text) IS NULL OR stream = :stream)
""")


@dataclass(frozen=True, slots=True)
class Parked:
    consumer: str
    position: int
    stream: str
    type_name: str
    attempts: int
    error: str
    parked_at: object
    replay: bool


def list_parked(tx: Tx, *, consumer: str | None = None) -> list[Parked]:
    rows = tx.execute(_LIST, {"consumer": consumer, "limit": LIST_MAX})
    return [Parked(*row) for row in rows]


def request_replay(tx: Tx, *, consumer: str | None = None, stream: str | None = None) -> int:
    """Marks parked events; their consumer handles them at its next turn. Returns how many."""
    return rows_touched(tx, _REPLAY, {"consumer": consumer, "stream": stream})
