"""Following the spine.

Invariant: what a handler writes and the cursor's move commit together, so each event has exactly one effect
in the database, however often the process dies. An effect outside of it (a task sent) happens at least once.
An event that keeps failing is parked with the later ones of its stream; other streams go on.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Result, text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Database, Tx, typed_database_errors
from node.kernel.errors import Transient
from node.kernel.log import get_logger
from node.kernel.spine.event import StoredEvent

log = get_logger(__name__)

BATCH_MAX = 200  # events in one transaction: bounds what a crash repeats
TRANSIENT_TRIES_MAX = 20  # with the runner's pauses about a minute, then the event is parked
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
    VALUES (:consumer, :position, :event_id, :stream, :type_name, 1, :error, :now, false)
    ON CONFLICT (consumer, position) DO UPDATE
        SET attempts = kernel.parked_event.attempts + 1, error = :error, replay = false
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


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: events gone past, and whether a transient failure asks for a pause."""

    handled: int
    stalled: bool


class Consumer:
    def __init__(self, database: Database, subscription: Subscription, clock: Clock) -> None:
        self._database = database
        self._subscription = subscription
        self._clock = clock
        self._transient = Counter[int]()  # tries by position, since this process started

    @property
    def name(self) -> str:
        return self._subscription.name

    def run_once(self) -> Turn:
        """Handles the streams to be replayed and one batch of new events."""
        with self._database.transaction() as tx:
            tx.execute(_ENSURE_CURSOR, {"consumer": self.name, "now": self._clock.now()})
        with self._database.transaction() as tx:
            cursor = tx.execute(_LOCK_CURSOR, {"consumer": self.name}).scalar_one_or_none()
            if cursor is None:  # another process holds this consumer
                return Turn(handled=0, stalled=False)
            replayed = self._replay(tx)
            advanced = self._advance(tx, cursor)
            return Turn(replayed.handled + advanced.handled, replayed.stalled or advanced.stalled)

    def _advance(self, tx: Tx, cursor: int) -> Turn:
        events = _events(tx.execute(_AFTER, {"position": cursor, "limit": BATCH_MAX}))
        parked = self._parked_streams(tx, events)
        for handled, event in enumerate(events):
            if event.stream in parked and event.type_name in self._subscription.handlers:
                self._park(tx, event, "waits for an earlier event of its stream")
                continue
            try:
                failure = self._try(tx, event)
            except Transient:
                self._move(tx, event.position - 1)
                return Turn(handled, stalled=True)
            if failure is not None:
                self._park(tx, event, failure)
                parked.add(event.stream)
        if events:
            self._move(tx, events[-1].position)
        return Turn(len(events), stalled=False)

    def _replay(self, tx: Tx) -> Turn:
        events = _events(tx.execute(_TO_REPLAY, {"consumer": self.name, "limit": BATCH_MAX}))
        for handled, event in enumerate(events):
            try:
                failure = self._try(tx, event)
            except Transient:
                return Turn(handled, stalled=True)
            if failure is not None:
                self._park(tx, event, failure)
                return Turn(handled, stalled=False)
            tx.execute(_UNPARK, {"consumer": self.name, "position": event.position})
        return Turn(len(events), stalled=False)

    def _parked_streams(self, tx: Tx, events: list[StoredEvent]) -> set[str]:
        streams = list({event.stream for event in events})
        return set(tx.execute(_PARKED_STREAMS, {"consumer": self.name, "streams": streams}).scalars())

    def _try(self, tx: Tx, event: StoredEvent) -> str | None:
        """None when handled, else the words of a failure that is worth parking.

        Raises:
            Transient: It failed for now and has tries left.
        """
        handler = self._subscription.handlers.get(event.type_name)
        if handler is None:
            return None
        failure: str | None = None
        with structlog.contextvars.bound_contextvars(event_id=str(event.id), consumer=self.name):
            try:
                with typed_database_errors(), tx.begin_nested():
                    handler(tx, event)
            except Exception as error:
                tries = self._transient[event.position] = self._transient[event.position] + 1
                log.warning("event_failed", type_name=event.type_name, tries=tries, exc_info=True)
                if isinstance(error, Transient) and tries < TRANSIENT_TRIES_MAX:
                    raise
                failure = f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
        del self._transient[event.position]
        return failure

    def _park(self, tx: Tx, event: StoredEvent, error: str) -> None:
        tx.execute(
            _PARK,
            {
                "consumer": self.name,
                "position": event.position,
                "event_id": event.id,
                "stream": event.stream,
                "type_name": event.type_name,
                "error": error,
                "now": self._clock.now(),
            },
        )

    def _move(self, tx: Tx, position: int) -> None:
        tx.execute(
            _MOVE_CURSOR,
            {"consumer": self.name, "position": position, "now": self._clock.now()},
        )


def _events(rows: Result[Any]) -> list[StoredEvent]:
    return [StoredEvent(**row) for row in rows.mappings()]
