"""Sales, and what can stop a signed listing from becoming one."""

from sqlalchemy import (
    Boolean,
    Index,
    Integer,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, Fact, State, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256
from node.kernel.hexes import Address, Hash32


class SaleRow(Fact, Base):
    """`Sold`: price = the seller's proceeds + royalty + fee. Kinds: listing, offer, auction."""

    __tablename__ = "sale"
    __table_args__ = (
        *(uint256_check(c) for c in ("token_id", "quantity", "price", "royalty", "fee", "nonce")),
        newest_first("ix_sale_token", "collection", "token_id"),
        newest_first("ix_sale_collection", "collection"),
        newest_first("ix_sale_seller", "seller"),
        newest_first("ix_sale_buyer", "buyer"),
        Index("ix_sale_digest", "chain_id", "digest"),
        Index("ix_sale_tx", "chain_id", "tx_hash"),
        TABLE,
    )

    exchange: Mapped[Address] = mapped_column(AddressColumn)
    digest: Mapped[Hash32] = mapped_column(Hash32Column)
    kind: Mapped[str] = mapped_column(Text)
    seller: Mapped[Address] = mapped_column(AddressColumn)
    buyer: Mapped[Address] = mapped_column(AddressColumn)
    collection: Mapped[Address] = mapped_column(AddressColumn)
    token_id: Mapped[int] = mapped_column(Uint256)
    quantity: Mapped[int] = mapped_column(Uint256)
    currency: Mapped[Address] = mapped_column(AddressColumn)
    price: Mapped[int] = mapped_column(Uint256)
    royalty_receiver: Mapped[Address] = mapped_column(AddressColumn)  # zero: none
    royalty: Mapped[int] = mapped_column(Uint256)
    fee: Mapped[int] = mapped_column(Uint256)
    nonce: Mapped[int] = mapped_column(Uint256)


class ListingNonceRow(State, Base):
    """A nonce that is gone: `used` by a sale (then `digest` says of what), or `cancelled`.

    `signer` is the seller of a listing and the buyer of an offer. That of a quote for several units is gone
    only with the last of them.
    """

    __tablename__ = "listing_nonce"
    __table_args__ = (uint256_check("nonce"), TABLE)

    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    signer: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    nonce: Mapped[int] = mapped_column(Uint256, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    digest: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)


class QuoteFillRow(State, Base):
    """Units that went of what `signer` signed with `nonce`, for quotes of more than one unit.

    `digest` and `quantity` are those of the quote that was filled last: several may share a nonce, and draw
    on one count.
    """

    __tablename__ = "quote_fill"
    __table_args__ = (*(uint256_check(c) for c in ("nonce", "filled", "quantity")), TABLE)

    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    signer: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    nonce: Mapped[int] = mapped_column(Uint256, primary_key=True)
    filled: Mapped[int] = mapped_column(Uint256)
    quantity: Mapped[int] = mapped_column(Uint256)
    digest: Mapped[Hash32] = mapped_column(Hash32Column)


class QuoteGroupRow(State, Base):
    """A group of quotes that its signer cancelled, for ever."""

    __tablename__ = "quote_group"
    __table_args__ = (uint256_check("group_id"), TABLE)

    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    signer: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    group_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)


class ListingEpochRow(State, Base):
    """The epoch that signatures of `signer` must name; no row means zero."""

    __tablename__ = "listing_epoch"
    __table_args__ = (uint256_check("epoch"), TABLE)

    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    signer: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    epoch: Mapped[int] = mapped_column(Uint256)


class ExchangeFeeRow(State, Base):
    """The platform fee of now, one row per exchange."""

    __tablename__ = "exchange_fee"
    __table_args__ = TABLE

    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    receiver: Mapped[Address] = mapped_column(AddressColumn)
    bps: Mapped[int] = mapped_column(Integer)


class CurrencyRow(State, Base):
    """An ERC-20 that was ever on the exchange's allow-list."""

    __tablename__ = "currency"
    __table_args__ = TABLE

    exchange: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    currency: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    allowed: Mapped[bool] = mapped_column(Boolean)


class CreditRow(State, Base):
    """What waits for `withdraw` in a contract of ours."""

    __tablename__ = "credit"
    __table_args__ = (
        uint256_check("amount"),
        Index("ix_credit_account", "chain_id", "account"),
        TABLE,
    )

    contract: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    account: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    asset: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    amount: Mapped[int] = mapped_column(Uint256)


class FeesCollectedRow(Fact, Base):
    """Native fees that went from an exchange or auction house to its fee receiver."""

    __tablename__ = "fees_collected"
    __table_args__ = (uint256_check("amount"), newest_first("ix_fees_collected_exchange", "exchange"), TABLE)

    exchange: Mapped[Address] = mapped_column(AddressColumn)
    receiver: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
