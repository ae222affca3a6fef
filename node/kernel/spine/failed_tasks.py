"""Tasks that used up their tries are rows, never just a line in a log."""

import uuid
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id

LIST_MAX = 500
ERROR_CHARS_MAX = 2_000

_PARK = text("""
    INSERT INTO kernel.failed_task (id, task, arguments, error, failed_at)
    VALUES (:id, :task, CAST(:arguments AS jsonb), :error, :now)
""")
_LIST = text("SELECT id, task, arguments, error FROM kernel.failed_task ORDER BY id LIMIT :limit")
_TAKE = text("DELETE FROM kernel.failed_task WHERE id = :id RETURNING id, task, arguments, error")


@dataclass(frozen=True, slots=True)
class Failed:
    id: uuid.UUID
    task: str
    arguments: dict[str, Any]
    error: str


def park_task(tx: Tx, clock: Clock, *, task: str, arguments: dict[str, Any], error: str) -> None:
    tx.execute(
        _PARK,
        {
            "id": new_id(),
            "task": task,
            "arguments": msgspec.json.encode(arguments).decode(),
            "error": error[:ERROR_CHARS_MAX],
            "now": clock.now(),
        },
    )


def list_failed(tx: Tx) -> list[Failed]:
    return [Failed(**row) for row in tx.execute(_LIST, {"limit": LIST_MAX}).mappings()]


def take_failed(tx: Tx, task_id: uuid.UUID) -> Failed | None:
    """Removes the row; send the task before the transaction commits, so that it is never lost."""
    row = tx.execute(_TAKE, {"id": task_id}).mappings().one_or_none()
    return Failed(**row) if row else None
