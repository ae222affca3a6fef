"""Tables of what markets charge beyond their prices."""

import datetime as dt
import enum
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, Base, uint256_check
from node.kernel.db.types import Uint256, Utc
from node.services.charge.pricing import Tariff, TaxRule

SCHEMA = "charge"
_BPS = ("standard_bps", "reduced_bps", "super_reduced_bps")


class TaxRow(Base):
    """A market's taxes in one country. A lower rate that is NULL is the standard one."""

    __tablename__ = "tax"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        *(CheckConstraint(f"{column} BETWEEN 0 AND 10000", name=column) for column in _BPS),
        {"schema": SCHEMA},
    )

    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"), primary_key=True)
    country: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    is_included: Mapped[bool]
    standard_bps: Mapped[int] = mapped_column(Integer)
    reduced_bps: Mapped[int | None] = mapped_column(Integer)
    super_reduced_bps: Mapped[int | None] = mapped_column(Integer)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)

    def rule(self) -> TaxRule:
        return TaxRule(
            name=self.name,
            is_included=self.is_included,
            standard_bps=self.standard_bps,
            reduced_bps=self.reduced_bps,
            super_reduced_bps=self.super_reduced_bps,
        )


class Receiver(enum.StrEnum):
    """Whom collected tax is paid to."""

    MARKET = "market"  # which remits it itself
    AUTHORITY = "authority"  # by the node's bank


class Remittance(Base):
    """Tax of a market that the node paid out."""

    __tablename__ = "remittance"
    __table_args__ = (
        uint256_check("amount"),
        CheckConstraint("receiver IN ('market', 'authority')", name="receiver"),
        Index("ix_remittance_market", "market_id", "asset_id"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"))
    asset_id: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(Uint256)
    receiver: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(Utc)


class ShippingMethod(Base):
    """A way in which a market ships, for goods in one asset. `countries` NULL is everywhere.

    `names` are those in other languages than the market's own, by tag.
    """

    __tablename__ = "shipping_method"
    __table_args__ = (
        *(uint256_check(column) for column in ("price", "further", "free_from")),
        CheckConstraint("countries <> '{}'", name="countries"),
        Index("ix_shipping_method_market", "market_id", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"))
    name: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    countries: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    asset_id: Mapped[str] = mapped_column(Text)
    asset_code: Mapped[str] = mapped_column(Text)
    asset_exponent: Mapped[int] = mapped_column(SmallInteger)
    price: Mapped[int] = mapped_column(Uint256)
    further: Mapped[int] = mapped_column(Uint256)
    free_from: Mapped[int | None] = mapped_column(Uint256)
    is_taxed: Mapped[bool]
    is_active: Mapped[bool]
    added_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)

    def tariff(self) -> Tariff:
        return Tariff(
            price=self.price, further=self.further, free_from=self.free_from, is_taxed=self.is_taxed
        )
