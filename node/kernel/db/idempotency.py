"""Idempotency keys of commands: (principal, route, key) is unique, and the row holds the answer.

Invariant: an answer is stored in the transaction of the effect that it tells of. A row without an answer is
visible to others only for an effect in progress (intent -> call -> outcome), never for a plain command.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base
from node.kernel.db.types import Utc
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import Bug

KEPT = dt.timedelta(hours=24)
PRUNE_MAX = 5_000  # rows removed in one transaction: keeps its locks short


class IdempotencyRow(Base):
    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_created_at", "created_at"), {"schema": "kernel"})

    principal: Mapped[str] = mapped_column(Text, primary_key=True)
    route: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for what under which key. `fingerprint` is a hash of method, path and body."""

    principal: str
    route: str
    key: str
    fingerprint: bytes

    @property
    def id(self) -> dict[str, str]:
        return {"principal": self.principal, "route": self.route, "key": self.key}


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a key was answered with; `status` is None while its effect is in progress."""

    fingerprint: bytes
    status: int | None
    headers: dict[str, str]
    body: bytes


_TAKE = text("""
    INSERT INTO kernel.idempotency AS held (principal, route, key, fingerprint, created_at)
    VALUES (:principal, :route, :key, :fingerprint, :now)
    ON CONFLICT (principal, route, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, created_at = excluded.created_at,
            status = NULL, headers = NULL, body = NULL
        WHERE held.created_at <= :expired
            OR (held.status IS NULL AND held.created_at <= :abandoned
                AND held.fingerprint = excluded.fingerprint)
    RETURNING true
""")
_READ = text("""
    SELECT fingerprint, status, headers, body FROM kernel.idempotency
    WHERE principal = :principal AND route = :route AND key = :key
""")
_STORE = text("""
    UPDATE kernel.idempotency SET status = :status, headers = CAST(:headers AS jsonb), body = :body
    WHERE principal = :principal AND route = :route AND key = :key AND status IS NULL
""")
_FORGET = text("""
    DELETE FROM kernel.idempotency
    WHERE principal = :principal AND route = :route AND key = :key AND status IS NULL
""")
_PRUNE = text("""
    DELETE FROM kernel.idempotency WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM kernel.idempotency WHERE created_at <= :before
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
""")


def take(tx: Tx, claim: Claim, *, now: dt.datetime, lease: dt.timedelta) -> StoredAnswer | None:
    """None when the key is now the caller's; else what it was answered with.

    Waits while another transaction holds the same key (bounded by `lock_timeout`).

    Args:
        lease: How long an effect in progress keeps its key; a crashed one is taken over afterwards.
    """
    parameters = {
        **claim.id,
        "fingerprint": claim.fingerprint,
        "now": now,
        "expired": now - KEPT,
        "abandoned": now - lease,
    }
    if tx.execute(_TAKE, parameters).scalar_one_or_none():
        return None
    row = tx.execute(_READ, claim.id).one()
    return StoredAnswer(bytes(row.fingerprint), row.status, row.headers or {}, bytes(row.body or b""))


def store(tx: Tx, claim: Claim, *, status: int, headers_json: str, body: bytes) -> None:
    parameters = {**claim.id, "status": status, "headers": headers_json, "body": body}
    if rows_touched(tx, _STORE, parameters) != 1:
        raise Bug("an idempotency key was answered twice", route=claim.route)


def forget(tx: Tx, claim: Claim) -> None:
    """Frees the key of an effect that failed without an outcome."""
    tx.execute(_FORGET, claim.id)


def prune(tx: Tx, *, now: dt.datetime) -> int:
    """Removes keys older than `KEPT`, at most `PRUNE_MAX`; returns how many. The beat calls it."""
    return rows_touched(tx, _PRUNE, {"before": now - KEPT, "limit": PRUNE_MAX})
