"""Tables of spending: what was spent, and the bounds that people set themselves."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import Uint256, Utc

SCHEMA = "spending"


class Span(StrEnum):
    """Windows of UTC."""

    DAY = "day"
    MONTH = "month"


class Spent(Base):
    """What left an owner's wallet in a window. Its row is the lock of all that spend from it."""

    __tablename__ = "spent"
    __table_args__ = (
        CheckConstraint("span IN ('day', 'month')", name="span"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_spent_starts_at", "starts_at"),
        {"schema": SCHEMA},
    )

    owner: Mapped[str] = mapped_column(Text, primary_key=True)
    asset: Mapped[str] = mapped_column(Text, primary_key=True)
    span: Mapped[str] = mapped_column(Text, primary_key=True)
    starts_at: Mapped[dt.datetime] = mapped_column(Utc, primary_key=True)
    amount: Mapped[int] = mapped_column(Numeric)  # a sum may pass 2^256


class Bound(Base):
    """Of an account, below what the node allows. Null is no bound; a raise waits until `next_at`."""

    __tablename__ = "bound"
    __table_args__ = (
        *(uint256_check(name) for name in ("operation", "day", "month")),
        *(uint256_check(name) for name in ("next_operation", "next_day", "next_month")),
        {"schema": SCHEMA},
    )

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("identity.account.id"), primary_key=True)
    asset: Mapped[str] = mapped_column(Text, primary_key=True)
    operation: Mapped[int | None] = mapped_column(Uint256)
    day: Mapped[int | None] = mapped_column(Uint256)
    month: Mapped[int | None] = mapped_column(Uint256)
    next_operation: Mapped[int | None] = mapped_column(Uint256)
    next_day: Mapped[int | None] = mapped_column(Uint256)
    next_month: Mapped[int | None] = mapped_column(Uint256)
    next_at: Mapped[dt.datetime | None] = mapped_column(Utc)
