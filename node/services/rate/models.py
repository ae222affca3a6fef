"""Tables of rates, and of quotes made of them."""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import Uint256, Utc

SCHEMA = "rate"


class Rate(Base):
    """How many whole units of the asset one unit of the node's reference currency buys, as a source says."""

    __tablename__ = "rate"
    __table_args__ = (
        CheckConstraint("per_reference > 0", name="per_reference"),
        Index("ix_rate_newest", "reference", "asset", "at"),
        {"schema": SCHEMA},
    )

    asset: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(Utc, primary_key=True)
    per_reference: Mapped[Decimal] = mapped_column(Numeric)
    read_at: Mapped[dt.datetime] = mapped_column(Utc)


class ExchangeQuote(Base):
    """Both amounts of an exchange, which hold until `expires_at`; executed once."""

    __tablename__ = "exchange_quote"
    __table_args__ = (
        uint256_check("sold"),
        uint256_check("bought"),
        Index("ix_exchange_quote_account", "account_id", "id"),
        Index("ix_exchange_quote_open", "expires_at", postgresql_where="executed_at IS NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("identity.account.id"))
    sold_asset: Mapped[str] = mapped_column(Text)
    sold: Mapped[int] = mapped_column(Uint256)
    bought_asset: Mapped[str] = mapped_column(Text)
    bought: Mapped[int] = mapped_column(Uint256)
    sold_rate: Mapped[Decimal] = mapped_column(Numeric)
    bought_rate: Mapped[Decimal] = mapped_column(Numeric)
    spread_bps: Mapped[int] = mapped_column(Integer)
    quoted_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    executed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
