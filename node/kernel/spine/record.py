"""Writing to the spine: in the caller's transaction, or not at all."""

from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy import text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Conflict
from node.kernel.ids import new_id
from node.kernel.spine.event import Event

FUNCTIONS: Final = ((Path(__file__).parent / "functions.sql").read_text(),)
CHANNEL_RECORDED = "asoud_event_recorded"  # as the function has it

_RECORD = text("""
    SELECT kernel.record_event(
        :id, :stream, :type_name, :schema_version, CAST(:payload AS jsonb), :at, :request_id,
        CAST(:expected AS bigint)
    )
""")


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
        arguments = {
            "id": new_id(),
            "stream": stream,
            "type_name": event.type_name,
            "schema_version": event.schema_version,
            "payload": msgspec.json.encode(event).decode(),
            "at": self._clock.now(),
            "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            "expected": expected_version,
        }
        version: int = tx.execute(_RECORD, arguments).scalar_one()
        if expected_version is not None and version != expected_version + 1:
            raise StreamMoved("the stream has moved on", stream=stream, version=version - 1)
        return version
