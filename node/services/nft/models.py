"""Tables of schema `nft`: what we know of tokens beside what the chain says."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32

SCHEMA = "nft"


class MetadataRow(Base):
    """What a token's URI pointed at when we last looked. It holds while the token still has that `uri`.

    States: ok, missing (not in our content store), invalid (not metadata of ERC-721).
    """

    __tablename__ = "metadata"
    __table_args__ = (
        uint256_check("token_id"),
        length_check("collection", ADDRESS_BYTES),
        CheckConstraint("state IN ('ok', 'missing', 'invalid')", name="state"),
        CheckConstraint("(state = 'ok') = (name IS NOT NULL)", name="ok_has_name"),
        {"schema": SCHEMA},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    uri: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    image: Mapped[str | None] = mapped_column(Text)
    attributes: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    refreshed_at: Mapped[dt.datetime] = mapped_column(Utc)


class PlannedCollectionRow(Base):
    """A collection that somebody asked the steps for, at the address that the factory will give it.

    The address commits to creator and salt, so the row cannot speak for somebody else's collection; whether
    the collection exists is for the chain to say.
    """

    __tablename__ = "planned_collection"
    __table_args__ = (
        length_check("address", ADDRESS_BYTES),
        Index("ix_planned_collection_market", "market_id", "chain_id", "address"),
        {"schema": SCHEMA},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    creator: Mapped[Address] = mapped_column(AddressColumn)
    salt: Mapped[Hash32] = mapped_column(Hash32Column)
    account_id: Mapped[uuid.UUID]
    market_id: Mapped[uuid.UUID | None]
    planned_at: Mapped[dt.datetime] = mapped_column(Utc)
