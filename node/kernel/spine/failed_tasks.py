"""Tasks that used up their tries are rows, never just a line in a log."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.ids import new_id

LIST_MAX = 500
ERROR_CHARS_MAX = 2_000

_PARK = text("""
    INSERT INTO kernel.failed_task (id, task, arguments, error, failed_at, retry)
    VALUES (:id, :task, CAST(:arguments AS jsonb), :error, :now, false)
""")
_LIST = text("SELECT id, task, arguments, error FROM kernel.failed_task ORDER BY id LIMIT :limit")
_RETRY = text("""
    UPDATE kernel.failed_task SET retry = true WHERE CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids)
""")
_TAKE = text("""
    DELETE FROM kernel.failed_task WHERE id IN (
        SELECT id FROM kernel.failed_task WHERE retry ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    ) RETURNING id, task, arguments, error
""")


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


def request_retry(tx: Tx, ids: Sequence[uuid.UUID] | None = None) -> int:
    """Marks these failed tasks, or all; the schedule sends them again. Returns how many."""
    return rows_touched(tx, _RETRY, {"ids": None if ids is None else list(ids)})


def take_retries(tx: Tx) -> list[Failed]:
    """Removes marked rows; send the tasks before the transaction commits, so that none is lost."""
    return [Failed(**row) for row in tx.execute(_TAKE, {"limit": LIST_MAX}).mappings()]
