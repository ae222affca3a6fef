"""Tables of translations: one beside the markets, one beside the products, alike but for that."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base
from node.kernel.db.types import Utc


class Words(Base):
    """All words of a thing in one language (BCP 47, normalised). A market's `title` is its name."""

    __abstract__ = True

    thing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True, sort_order=1)
    title: Mapped[str] = mapped_column(Text, sort_order=2)
    description: Mapped[str] = mapped_column(Text, sort_order=3)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc, sort_order=4)


class MarketWords(Words):
    __tablename__ = "translation"
    __table_args__ = ({"schema": "market"},)

    thing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"), primary_key=True)


class ProductWords(Words):
    __tablename__ = "translation"
    __table_args__ = ({"schema": "catalog"},)

    thing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("catalog.product.id"), primary_key=True)
