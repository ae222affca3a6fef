"""Table of products."""

import datetime as dt
import enum
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, Text, true
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, AddressColumn, Uint256, Utc
from node.kernel.hexes import Address
from node.kernel.tax import TaxClass

SCHEMA = "catalog"
SKU_INDEX = "uq_product_sku"


class Status(enum.StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Product(Base):
    """Something for sale. Each unit is `available`, `reserved` by an open order, or `sold`."""

    __tablename__ = "product"
    __table_args__ = (
        Index(SKU_INDEX, "market_id", "sku", unique=True, postgresql_where="sku IS NOT NULL"),
        Index("ix_product_market", "market_id", "id"),
        Index("ix_product_market_active", "market_id", "id", postgresql_where="status = 'active'"),
        Index("ix_product_active", "id", postgresql_where="status = 'active'"),
        Index("ix_product_currency", "asset_id", "id", postgresql_where="status = 'active'"),
        uint256_check("price"),
        CheckConstraint("price > 0", name="price_positive"),
        CheckConstraint("least(available, reserved, sold) >= 0", name="stock"),
        CheckConstraint("status IN ('draft', 'active', 'archived')", name="status"),
        CheckConstraint(
            "tax_class IN (" + ", ".join(f"'{tax_class}'" for tax_class in TaxClass) + ")", name="tax_class"
        ),
        length_check("asset_address", ADDRESS_BYTES),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"))
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    sku: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    price: Mapped[int] = mapped_column(Uint256)
    asset_id: Mapped[str] = mapped_column(Text)
    asset_code: Mapped[str] = mapped_column(Text)
    asset_exponent: Mapped[int] = mapped_column(SmallInteger)
    asset_address: Mapped[Address | None] = mapped_column(AddressColumn)  # NULL: not on the chain
    available: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    sold: Mapped[int] = mapped_column(BigInteger)
    tax_class: Mapped[str] = mapped_column(Text, server_default=TaxClass.STANDARD.value)
    needs_shipping: Mapped[bool] = mapped_column(server_default=true())  # digital goods do not
    added_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
