"""Table of markets."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check
from node.kernel.db.types import ADDRESS_BYTES, AddressColumn, Utc
from node.kernel.hexes import Address

SCHEMA = "market"
SLUG_INDEX = "uq_market_slug"


class Market(Base):
    """A shop. Its payout address, arbiter and policy go into the terms of orders placed from then on."""

    __tablename__ = "market"
    __table_args__ = (
        Index(SLUG_INDEX, "slug", unique=True),
        Index("ix_market_owner", "owner_account_id", "id"),
        length_check("payout_address", ADDRESS_BYTES),
        length_check("arbiter", ADDRESS_BYTES),
        CheckConstraint("silence_seller_bps BETWEEN 0 AND 10000", name="silence_seller_bps"),
        CheckConstraint("least(ship_within_s, inspection_s, ruling_s) > 0", name="windows"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner_account_id: Mapped[uuid.UUID]
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    payout_address: Mapped[Address] = mapped_column(AddressColumn)
    arbiter: Mapped[Address] = mapped_column(AddressColumn)
    ship_within_s: Mapped[int] = mapped_column(Integer)
    inspection_s: Mapped[int] = mapped_column(Integer)
    ruling_s: Mapped[int] = mapped_column(Integer)
    silence_seller_bps: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
