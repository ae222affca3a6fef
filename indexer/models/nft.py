"""Collections, tokens and their transfers."""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    Text,
    desc,
)
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import PARTITIONED, TABLE, Fact, State, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32


class CollectionRow(State, Base):
    __tablename__ = "collection"
    __table_args__ = (
        uint256_check("max_supply"),
        Index("ix_collection_creator", "chain_id", "creator", desc("created_block"), desc("created_log")),
        Index("ix_collection_owner", "chain_id", "owner"),
        Index("ix_collection_created", "chain_id", desc("created_block"), desc("created_log")),
        TABLE,
    )

    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    factory: Mapped[Address] = mapped_column(AddressColumn)
    creator: Mapped[Address] = mapped_column(AddressColumn)
    owner: Mapped[Address] = mapped_column(AddressColumn)
    salt: Mapped[Hash32] = mapped_column(Hash32Column)
    name: Mapped[str] = mapped_column(Text)
    symbol: Mapped[str] = mapped_column(Text)
    contract_uri: Mapped[str] = mapped_column(Text)
    royalty_receiver: Mapped[Address] = mapped_column(AddressColumn)  # zero: no royalty
    royalty_bps: Mapped[int] = mapped_column(Integer)
    max_supply: Mapped[int] = mapped_column(Uint256)  # zero: no cap
    frozen: Mapped[bool] = mapped_column(Boolean)
    minted: Mapped[int] = mapped_column(BigInteger)
    created_block: Mapped[int] = mapped_column(BigInteger)
    created_log: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    created_tx: Mapped[Hash32] = mapped_column(Hash32Column)


class TokenRow(State, Base):
    """A token of a collection of ours; a burnt one is owned by the zero address."""

    __tablename__ = "token"
    __table_args__ = (
        uint256_check("token_id"),
        Index("ix_token_owner", "chain_id", "owner", "collection", "token_id"),
        Index("ix_token_minted", "chain_id", "collection", desc("minted_block"), desc("minted_log")),
        TABLE,
    )

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    owner: Mapped[Address] = mapped_column(AddressColumn)
    uri: Mapped[str] = mapped_column(Text)
    minted_to: Mapped[Address] = mapped_column(AddressColumn)
    minted_block: Mapped[int] = mapped_column(BigInteger)
    minted_log: Mapped[int] = mapped_column(Integer)
    minted_at: Mapped[dt.datetime] = mapped_column(Utc)
    minted_tx: Mapped[Hash32] = mapped_column(Hash32Column)
    moved_block: Mapped[int] = mapped_column(BigInteger)  # its last transfer
    moved_log: Mapped[int] = mapped_column(Integer)


class TransferRow(Fact, Base):
    """A token moved; from zero when it was minted, to zero when it was burnt."""

    __tablename__ = "transfer"
    __table_args__ = (
        uint256_check("token_id"),
        newest_first("ix_transfer_token", "collection", "token_id"),
        PARTITIONED,
    )

    collection: Mapped[Address] = mapped_column(AddressColumn)
    token_id: Mapped[int] = mapped_column(Uint256)
    sender: Mapped[Address] = mapped_column(AddressColumn)
    recipient: Mapped[Address] = mapped_column(AddressColumn)
