"""Tables of schema `listing`: what sellers signed. Whether it still counts is read from schema `chain`."""

import datetime as dt
import uuid

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    Numeric,
    Text,
    UnaryExpression,
    desc,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, UPDATABLE_COLUMNS, Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32

SCHEMA = "listing"

OPEN = "settled_at IS NULL"


def _open(name: str, *columns: str | UnaryExpression[str]) -> Index:
    """An index of the listings that may still be bought."""
    return Index(name, *columns, postgresql_where=OPEN)


_QUOTE_ADDRESSES = ("exchange", "maker", "collection", "currency", "taker")
_QUOTE_NUMBERS = (
    *("criteria", "quantity", "start_price", "end_price", "min_proceeds", "nonce", "group_id", "epoch"),
)
_ADDRESSES = ("exchange", "seller", "collection", "currency", "buyer")


class ListingRow(Base):
    """A signed `IExchange.Listing`, named by its EIP-712 digest. Never changed: the chain moves, it does not.

    `settled_at` is no state: it keeps what final events closed for good, or what ran out long ago, out of the
    way of pages that show what can be bought. `start_s` and `end_s` are seconds since 1970; the service
    bounds how far ahead they may lie.
    """

    __tablename__ = "listing"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        *(length_check(column, ADDRESS_BYTES) for column in _ADDRESSES),
        *(uint256_check(column) for column in ("token_id", "price", "min_proceeds", "nonce", "epoch")),
        CheckConstraint("0 <= start_s AND start_s <= end_s", name="window"),
        CheckConstraint("price > 0 AND min_proceeds <= price", name="price_sane"),
        Index("ix_listing_newest", "chain_id", desc("created_at"), desc("digest")),
        Index("ix_listing_token", "chain_id", "collection", "token_id", desc("created_at"), desc("digest")),
        Index("ix_listing_collection", "chain_id", "collection", desc("created_at"), desc("digest")),
        Index("ix_listing_seller", "chain_id", "seller", desc("created_at"), desc("digest")),
        Index("ix_listing_nonce", "chain_id", "exchange", "seller", "nonce"),
        _open("ix_listing_open_newest", "chain_id", desc("created_at"), desc("digest")),
        _open("ix_listing_open_price", "chain_id", "currency", "price", "digest"),
        _open("ix_listing_open_collection_price", "chain_id", "collection", "currency", "price", "digest"),
        _open("ix_listing_open_end", "chain_id", "end_s"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True, UPDATABLE_COLUMNS: ("settled_at",)}},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digest: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    exchange: Mapped[Address] = mapped_column(AddressColumn)
    seller: Mapped[Address] = mapped_column(AddressColumn)
    collection: Mapped[Address] = mapped_column(AddressColumn)
    token_id: Mapped[int] = mapped_column(Uint256)
    currency: Mapped[Address] = mapped_column(AddressColumn)  # zero: the native coin
    price: Mapped[int] = mapped_column(Uint256)
    min_proceeds: Mapped[int] = mapped_column(Uint256)
    buyer: Mapped[Address] = mapped_column(AddressColumn)  # zero: anyone
    start_s: Mapped[int] = mapped_column(BigInteger)
    end_s: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[int] = mapped_column(Uint256)
    epoch: Mapped[int] = mapped_column(Uint256)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    account_id: Mapped[uuid.UUID]
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    settled_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class QuoteRow(Base):
    """A signed `IExchange.Quote`, named by its EIP-712 digest. Never changed: the chain moves, it does not.

    `items` are the parts of a bundle and `token_ids` the tokens of a trait; NULL of other scopes. The scope
    is by its name, the side too.
    """

    __tablename__ = "quote"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        *(length_check(column, ADDRESS_BYTES) for column in _QUOTE_ADDRESSES),
        *(uint256_check(column) for column in _QUOTE_NUMBERS),
        CheckConstraint("side IN ('sell', 'buy')", name="side"),
        CheckConstraint("scope IN ('token', 'collection', 'trait', 'bundle')", name="scope"),
        CheckConstraint("standard IN ('erc721', 'erc1155')", name="standard"),
        CheckConstraint("0 <= start_s AND start_s <= end_s", name="window"),
        CheckConstraint("quantity > 0 AND start_price > 0 AND end_price > 0", name="above_zero"),
        CheckConstraint("(scope = 'bundle') = (items IS NOT NULL)", name="bundle_has_items"),
        CheckConstraint("(scope = 'trait') = (token_ids IS NOT NULL)", name="trait_has_tokens"),
        Index("ix_quote_newest", "chain_id", desc("created_at"), desc("digest")),
        Index("ix_quote_collection", "chain_id", "collection", desc("created_at"), desc("digest")),
        Index("ix_quote_maker", "chain_id", "maker", desc("created_at"), desc("digest")),
        Index("ix_quote_nonce", "chain_id", "exchange", "maker", "nonce"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digest: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    exchange: Mapped[Address] = mapped_column(AddressColumn)
    maker: Mapped[Address] = mapped_column(AddressColumn)
    side: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    standard: Mapped[str] = mapped_column(Text)
    collection: Mapped[Address] = mapped_column(AddressColumn)  # zero: of a bundle
    criteria: Mapped[int] = mapped_column(Uint256)
    quantity: Mapped[int] = mapped_column(Uint256)
    currency: Mapped[Address] = mapped_column(AddressColumn)  # zero: the native coin
    start_price: Mapped[int] = mapped_column(Uint256)
    end_price: Mapped[int] = mapped_column(Uint256)
    min_proceeds: Mapped[int] = mapped_column(Uint256)
    taker: Mapped[Address] = mapped_column(AddressColumn)  # zero: anyone
    start_s: Mapped[int] = mapped_column(BigInteger)
    end_s: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[int] = mapped_column(Uint256)
    group_id: Mapped[int] = mapped_column(Uint256)
    epoch: Mapped[int] = mapped_column(Uint256)
    items: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    token_ids: Mapped[list[int] | None] = mapped_column(ARRAY(Numeric(78, 0)))
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    account_id: Mapped[uuid.UUID]
    created_at: Mapped[dt.datetime] = mapped_column(Utc)


class NonceCounterRow(Base):
    """The next nonce that we hand to a seller: counting up keeps the contract's storage words shared."""

    __tablename__ = "nonce_counter"
    __table_args__ = (uint256_check("next_nonce"), {"schema": SCHEMA})

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    seller: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    next_nonce: Mapped[int] = mapped_column(Uint256)
