"""Tables of payouts."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import Uint256, Utc

SCHEMA = "payout"


class Rail(StrEnum):
    WALLET = "wallet"
    """The owner's wallet on this node, at once."""
    BANK = "bank"
    """A file that an operator takes to the bank."""


class Schedule(StrEnum):
    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class State(StrEnum):
    """waiting -> filed -> paid -> failed: a bank may send money back long after it took it."""

    WAITING = "waiting"
    FILED = "filed"
    PAID = "paid"
    FAILED = "failed"


class Terms(Base):
    """How a market is paid. Without a reserve of its own it has the node's."""

    __tablename__ = "terms"
    __table_args__ = (
        CheckConstraint("reserve_bps BETWEEN 0 AND 10000", name="reserve_bps"),
        CheckConstraint("reserve_days BETWEEN 0 AND 366", name="reserve_days"),
        CheckConstraint("rail <> 'bank' OR (beneficiary IS NOT NULL AND iban IS NOT NULL)", name="bank"),
        CheckConstraint("(schedule = 'never') = (next_at IS NULL)", name="next_at"),
        Index("ix_terms_next_at", "next_at", postgresql_where="next_at IS NOT NULL"),
        {"schema": SCHEMA},
    )

    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"), primary_key=True)
    schedule: Mapped[str] = mapped_column(Text, server_default=Schedule.NEVER.value)
    next_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    rail: Mapped[str] = mapped_column(Text, server_default=Rail.WALLET.value)
    beneficiary: Mapped[str | None] = mapped_column(Text)
    iban: Mapped[str | None] = mapped_column(Text)
    reserve_bps: Mapped[int | None] = mapped_column(Integer)
    reserve_days: Mapped[int | None] = mapped_column(Integer)


class BankFile(Base):
    """What an operator took to the bank at one time; its lines are the payouts that name it."""

    __tablename__ = "file"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(Text)
    made_at: Mapped[dt.datetime] = mapped_column(Utc)
    made_by: Mapped[str] = mapped_column(Text)


class Payout(Base):
    __tablename__ = "payout"
    __table_args__ = (
        uint256_check("amount"),
        CheckConstraint("state IN ('waiting', 'filed', 'paid', 'failed')", name="state"),
        Index("ix_payout_market", "market_id", "id"),
        Index("ix_payout_waiting", "asset", "id", postgresql_where="state = 'waiting'"),
        Index("ix_payout_file", "file_id", postgresql_where="file_id IS NOT NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"))
    asset: Mapped[str] = mapped_column(Text)
    exponent: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[int] = mapped_column(Uint256)
    rail: Mapped[str] = mapped_column(Text)
    beneficiary: Mapped[str | None] = mapped_column(Text)
    iban: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    file_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(BankFile.id))
    asked_by: Mapped[uuid.UUID | None]  # null: the schedule
    asked_at: Mapped[dt.datetime] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    transfer_id: Mapped[int] = mapped_column(BigInteger)
