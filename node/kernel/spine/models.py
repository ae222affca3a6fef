"""Tables of the spine, in schema `kernel`."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, UPDATABLE_COLUMNS, Base
from node.kernel.db.types import Utc

SCHEMA = "kernel"


class EventRow(Base):
    """`seq` is given at insert, under the lock of its stream; `position` after commit, by the sequencer."""

    __tablename__ = "event"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    stream: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    type_name: Mapped[str] = mapped_column(Text)
    schema_version: Mapped[int] = mapped_column(SmallInteger)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[dt.datetime] = mapped_column(Utc)
    request_id: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("stream", "version"),
        Index("ix_event_unnumbered", "seq", postgresql_where="position IS NULL"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True, UPDATABLE_COLUMNS: ("position",)}},
    )


class StreamHead(Base):
    """The newest version of each stream: the row that writers of one stream queue on."""

    __tablename__ = "stream_head"
    __table_args__ = {"schema": SCHEMA}

    stream: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class ConsumerCursor(Base):
    __tablename__ = "consumer_cursor"
    __table_args__ = {"schema": SCHEMA}

    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[dt.datetime] = mapped_column(Utc)


class ParkedEvent(Base):
    """An event that a consumer could not handle, and the later ones of its stream that wait for it."""

    __tablename__ = "parked_event"
    __table_args__ = (
        Index("ix_parked_event_stream", "consumer", "stream", "position"),
        {"schema": SCHEMA},
    )

    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[uuid.UUID]
    stream: Mapped[str] = mapped_column(Text)
    type_name: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    error: Mapped[str] = mapped_column(Text)
    parked_at: Mapped[dt.datetime] = mapped_column(Utc)
    replay: Mapped[bool] = mapped_column(default=False)


class FailedTask(Base):
    """A background task that used up its tries; an operator sees it and sends it again."""

    __tablename__ = "failed_task"
    __table_args__ = {"schema": SCHEMA}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    error: Mapped[str] = mapped_column(Text)
    failed_at: Mapped[dt.datetime] = mapped_column(Utc)
    retry: Mapped[bool] = mapped_column(default=False)
