"""Following the spine.

Invariant: what a handler writes and the cursor's move commit together, so each event has exactly one effect
in the database, however often the process dies. An effect outside of it (a task sent) happens at least once.
An event that keeps failing is parked with the later ones of its stream; other streams go on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Row, text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import Transient
from node.kernel.log import get_logger
from node.kernel.spine.event import StoredEvent

log = get_logger(__name__)

BATCH_MAX = 200  # events in one transaction: bounds what a crash repeats
ATTEMPTS_MAX = 3  # tries of a transient failure before the event is parked
ERROR_CHARS_MAX = 2_000

Handler = Callable[[Tx, StoredEvent], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A consumer's name, which is its cursor for ever, and what it does with which type of event."""

    name: str
    handlers: Mapping[str, Handler]


_ENSURE_CURSOR = text("""
    INSERT INTO kernel.consumer_cursor (consumer, position, moved_at) VALUES (:consumer, 0, :now)
    ON CONFLICT (consumer) DO NOTHING
""")
_LOCK_CURSOR = text("""
    SELECT position FROM kernel.consumer_cursor WHERE consumer = :consumer FOR UPDATE SKIP LOCKED
""")
_MOVE_CURSOR = text("""
    UPDATE kernel.consumer_cursor SET position = :position, moved_at = :now WHERE consumer = :consumer
""")
_EVENT_COLUMNS = (
    "event.id, event.position, event.stream, event.version, event.type_name,"
    " event.schema_version, event.payload, event.occurred_at"
)
_AFTER = text(f"""
    SELECT {_EVENT_COLUMNS} FROM kernel.event AS event
    WHERE position > :position ORDER BY position LIMIT :limit
""")  # noqa: S608 - a constant
_PARKED_STREAMS = text("""
    SELECT DISTINCT stream FROM kernel.parked_event WHERE consumer = :consumer AND stream = ANY(:streams)
""")
_PARK = text("""
    INSERT INTO kernel.parked_event
        (consumer, position, event_id, stream, type_name, attempts, error, parked_at, replay)
    VALUES (:consumer, :position, :event_id, :stream, :type_name, :attempts, :error, :now, false)
    ON CONFLICT (consumer, position) DO UPDATE
        SET attempts = kernel.parked_event.attempts + :attempts, error = :error, replay = false
""")
_TO_REPLAY = text(f"""
    SELECT {_EVENT_COLUMNS} FROM kernel.parked_event AS parked
    JOIN kernel.event AS event ON event.id = parked.event_id
    WHERE parked.consumer = :consumer AND parked.stream = (
        SELECT stream FROM kernel.parked_event WHERE consumer = :consumer AND replay
        ORDER BY position LIMIT 1
    )
    ORDER BY parked.position LIMIT :limit
""")  # noqa: S608 - a constant
_UNPARK = text("DELETE FROM kernel.parked_event WHERE consumer = :consumer AND position = :position")


class Consumer:
    def __init__(self, database: Database, subscription: Subscription, clock: Clock) -> None:
        self._database = database
        self._subscription = subscription
        self._clock = clock

    @property
    def name(self) -> str:
        return self._subscription.name

    def run_once(self) -> int:
        """Handles one batch and the streams to be replayed; returns how many events it went past."""
        with self._database.transaction() as tx:
            tx.execute(_ENSURE_CURSOR, {"consumer": self.name, "now": self._clock.now()})
        with self._database.transaction() as tx:
            cursor = tx.execute(_LOCK_CURSOR, {"consumer": self.name}).scalar_one_or_none()
            if cursor is None:  # another process holds this consumer
                return 0
            return self._replay(tx) + self._advance(tx, cursor)

    def _advance(self, tx: Tx, cursor: int) -> int:
        rows = tx.execute(_AFTER, {"position": cursor, "limit": BATCH_MAX}).all()
        if not rows:
            return 0
        streams = list({row.stream for row in rows})
        parked = set(tx.execute(_PARKED_STREAMS, {"consumer": self.name, "streams": streams}).scalars())
        for event in map(_stored, rows):
            if event.stream in parked and event.type_name in self._subscription.handlers:
                self._park(tx, event, attempts=0, error="waits for an earlier event of its stream")
            elif (failure := self._try(tx, event)) is not None:
                self._park(tx, event, attempts=ATTEMPTS_MAX, error=failure)
                parked.add(event.stream)
        self._move(tx, rows[-1].position)
        return len(rows)

    def _replay(self, tx: Tx) -> int:
        rows = tx.execute(_TO_REPLAY, {"consumer": self.name, "limit": BATCH_MAX}).all()
        for handled, event in enumerate(map(_stored, rows)):
            if (failure := self._try(tx, event)) is not None:
                self._park(tx, event, attempts=ATTEMPTS_MAX, error=failure)
                return handled
            tx.execute(_UNPARK, {"consumer": self.name, "position": event.position})
        return len(rows)

    def _try(self, tx: Tx, event: StoredEvent) -> str | None:
        """None when handled; else the words of the failure. Each try has its own savepoint."""
        handler = self._subscription.handlers.get(event.type_name)
        if handler is None:
            return None
        failure = ""
        with structlog.contextvars.bound_contextvars(event_id=str(event.id), consumer=self.name):
            for attempt in range(1, ATTEMPTS_MAX + 1):
                try:
                    with tx.begin_nested():
                        handler(tx, event)
                except Exception as error:
                    failure = f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
                    log.warning("event_failed", type_name=event.type_name, attempt=attempt, exc_info=True)
                    if not isinstance(error, Transient):
                        break
                else:
                    return None
        return failure

    def _park(self, tx: Tx, event: StoredEvent, *, attempts: int, error: str) -> None:
        tx.execute(
            _PARK,
            {
                "consumer": self.name,
                "position": event.position,
                "event_id": event.id,
                "stream": event.stream,
                "type_name": event.type_name,
                "attempts": attempts,
                "error": error,
                "now": self._clock.now(),
            },
        )

    def _move(self, tx: Tx, position: int) -> None:
        tx.execute(
            _MOVE_CURSOR,
            {"consumer": self.name, "position": position, "now": self._clock.now()},
        )


def _stored(row: Row[Any]) -> StoredEvent:
    return StoredEvent(**row._asdict())
