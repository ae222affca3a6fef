"""The table of incidents."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base
from node.kernel.db.types import Utc

SCHEMA = "incident"


class IncidentRow(Base):
    """One thing that is wrong. `key` names it: while it is open, finding it again makes no second row."""

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint("(resolved_at IS NULL) = (resolved_by IS NULL)", name="resolved_by_somebody"),
        CheckConstraint("(resolved_at IS NULL) = (reason IS NULL)", name="resolved_for_a_reason"),
        Index("uq_incident_open_key", "key", unique=True, postgresql_where=text("resolved_at IS NULL")),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[dt.datetime] = mapped_column(Utc)
    seen_at: Mapped[dt.datetime] = mapped_column(Utc)  # found last
    resolved_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    resolved_by: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
