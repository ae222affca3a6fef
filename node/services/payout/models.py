"""Tables of payouts."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, AddressColumn, Uint256, Utc
from node.kernel.hexes import Address

SCHEMA = "payout"


class Rail(StrEnum):
    WALLET = "wallet"
    """The owner's wallet on this node, at once."""
    BANK = "bank"
    """A file that an operator takes to the bank."""
    ADDRESS = "address"
    """An address on the node's chain: with others in one transaction of the treasury."""


class Schedule(StrEnum):
    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class State(StrEnum):
    WAITING = "waiting"  # for an operator: to decide, or to take it to the bank
    FILED = "filed"  # the bank has it
    QUEUED = "queued"  # for the next transaction
    SENDING = "sending"  # the treasury's outbox has it
    PAID = "paid"
    FAILED = "failed"  # and the market has the money again


class Terms(Base):
    """How a market is paid. Without a reserve of its own it has the node's."""

    __tablename__ = "terms"
    __table_args__ = (
        CheckConstraint("reserve_bps BETWEEN 0 AND 10000", name="reserve_bps"),
        CheckConstraint("reserve_days BETWEEN 0 AND 366", name="reserve_days"),
        CheckConstraint("rail <> 'bank' OR (beneficiary IS NOT NULL AND iban IS NOT NULL)", name="bank"),
        CheckConstraint("(rail = 'address') = (address IS NOT NULL)", name="rail_has_address"),
        CheckConstraint("(address IS NULL) = (address_open_at IS NULL)", name="address_opens"),
        length_check("address", ADDRESS_BYTES),
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
    address: Mapped[Address | None] = mapped_column(AddressColumn)
    address_open_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # from then on it is paid
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
    """What leaves at once is the ledger's `transfer_id`; what a chain decides is held until then (`hold_id`).

    `outgoing_id` is the treasury's transaction, which pays others, too.
    """

    __tablename__ = "payout"
    __table_args__ = (
        uint256_check("amount"),
        CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in State) + ")", name="state"),
        CheckConstraint("(rail = 'address') = (address IS NOT NULL)", name="rail_has_address"),
        CheckConstraint("(address IS NULL) = (hold_id IS NULL)", name="address_has_hold"),
        CheckConstraint("(hold_id IS NULL) <> (transfer_id IS NULL)", name="held_or_moved"),
        CheckConstraint(
            "outgoing_id IS NULL OR state IN ('sending', 'paid', 'failed')", name="sent_by_outbox"
        ),
        length_check("address", ADDRESS_BYTES),
        Index("ix_payout_market", "market_id", "id"),
        Index("ix_payout_waiting", "asset", "id", postgresql_where="state IN ('waiting', 'queued')"),
        Index("ix_payout_outgoing", "outgoing_id", postgresql_where="outgoing_id IS NOT NULL"),
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
    address: Mapped[Address | None] = mapped_column(AddressColumn)
    state: Mapped[str] = mapped_column(Text)
    file_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(BankFile.id))
    asked_by: Mapped[uuid.UUID | None]  # null: the schedule
    asked_at: Mapped[dt.datetime] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    transfer_id: Mapped[int | None] = mapped_column(BigInteger)
    hold_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    outgoing_id: Mapped[uuid.UUID | None]
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Utc)
