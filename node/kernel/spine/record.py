"""Writing to the spine: in the caller's transaction, or not at all."""

import msgspec
import structlog
from sqlalchemy import text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Conflict
from node.kernel.ids import new_id
from node.kernel.spine.event import Event

CHANNEL_RECORDED = "asoud_event_recorded"

_NEXT_VERSION = text("""
    INSERT INTO kernel.stream_head AS head (stream, version) VALUES (:stream, 1)
    ON CONFLICT (stream) DO UPDATE SET version = head.version + 1
    RETURNING version
""")
_INSERT = text("""
    INSERT INTO kernel.event
        (id, stream, version, type_name, schema_version, payload, occurred_at, request_id)
    VALUES (:id, :stream, :version, :type_name, :schema_version, CAST(:payload AS jsonb), :at, :request_id)
""")
_NOTIFY = text("SELECT pg_notify(:channel, '')")


class StreamMoved(Conflict):
    """Somebody else wrote to the stream since the caller read it."""


class EventRecorder:
    """Records facts about a stream, which is named `<noun>:<id>`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record(self, tx: Tx, stream: str, event: Event, *, expected_version: int | None = None) -> int:
        """Appends the event and returns its version in the stream.

        Args:
            expected_version: The version that the caller decided upon (0 for a new stream).

        Raises:
            StreamMoved: The stream has another version than the expected one.
        """
        version: int = tx.execute(_NEXT_VERSION, {"stream": stream}).scalar_one()
        if expected_version is not None and version != expected_version + 1:
            raise StreamMoved("the stream has moved on", stream=stream, version=version - 1)
        tx.execute(
            _INSERT,
            {
                "id": new_id(),
                "stream": stream,
                "version": version,
                "type_name": event.type_name,
                "schema_version": event.schema_version,
                "payload": msgspec.json.encode(event).decode(),
                "at": self._clock.now(),
                "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            },
        )
        tx.execute(_NOTIFY, {"channel": CHANNEL_RECORDED})
        return version
