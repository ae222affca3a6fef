"""Tables of transfers between wallets, and of requests for money."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import Uint256, Utc

SCHEMA = "transfer"


class Way(StrEnum):
    """How the sender named the receiver."""

    PHONE = "phone"
    HANDLE = "handle"
    ADDRESS = "address"
    REQUEST = "request"


class State(StrEnum):
    """quoted -> sent -> delivered | returned. What goes to a phone stays `sent` to its sender."""

    QUOTED = "quoted"
    SENT = "sent"
    DELIVERED = "delivered"
    RETURNED = "returned"


class MoneyRequest(Base):
    """Somebody asks for money, by a link. Without an amount or an asset the payer chooses them."""

    __tablename__ = "request"
    __table_args__ = (
        uint256_check("amount"),
        CheckConstraint("amount IS NULL OR asset IS NOT NULL", name="asset"),
        CheckConstraint("NOT is_once OR paid <= 1", name="once"),
        Index("ix_request_account", "account_id", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("identity.account.id"))
    asset: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[int | None] = mapped_column(Uint256)
    note: Mapped[str] = mapped_column(Text)
    is_once: Mapped[bool]
    paid: Mapped[int] = mapped_column(Integer, server_default="0")
    made_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    cancelled_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class WalletTransfer(Base):
    """Shown to its sender first, then confirmed. With a market it leaves the market's wallet.

    `source`, `destination` and `fees` are accounts of the ledger, so that a confirmation looks for none. To a
    phone the destination is the sender's own transit, from where it goes to whoever has the phone.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        uint256_check("amount"),
        uint256_check("fee"),
        CheckConstraint("state IN ('quoted', 'sent', 'delivered', 'returned')", name="state"),
        CheckConstraint("(way = 'phone') = (returns_at IS NOT NULL)", name="returns"),
        CheckConstraint("(way = 'request') = (request_id IS NOT NULL)", name="request"),
        Index("ix_transfer_account", "account_id", "id"),
        Index("ix_transfer_market", "market_id", "id", postgresql_where="market_id IS NOT NULL"),
        Index(
            "ix_transfer_receiver",
            "receiver_account_id",
            "id",
            postgresql_where="receiver_account_id IS NOT NULL",
        ),
        Index("ix_transfer_request", "request_id", postgresql_where="request_id IS NOT NULL"),
        Index("ix_transfer_waiting", "target", postgresql_where="state = 'sent'"),
        Index("ix_transfer_due", "returns_at", postgresql_where="state = 'sent'"),
        Index("ix_transfer_quoted", "expires_at", postgresql_where="state = 'quoted'"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("identity.account.id"))
    market_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("market.market.id"))
    way: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    receiver_account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("identity.account.id"))
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(MoneyRequest.id))
    owner: Mapped[str] = mapped_column(Text)
    source: Mapped[int] = mapped_column(BigInteger)
    destination: Mapped[int] = mapped_column(BigInteger)
    fees: Mapped[int] = mapped_column(BigInteger)
    asset: Mapped[str] = mapped_column(Text)
    exponent: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[int] = mapped_column(Uint256)
    fee: Mapped[int] = mapped_column(Uint256)
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    quoted_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    confirmed_by: Mapped[uuid.UUID | None]
    returns_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    hold_id: Mapped[int | None] = mapped_column(BigInteger)
