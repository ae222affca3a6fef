"""What collections of all kinds have beside their tokens: editions and who holds them, staff, vouchers."""

import datetime as dt

from sqlalchemy import BigInteger, Index, Integer, Text, desc
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, State
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32


class EditionRow(State, Base):
    """An edition (ERC-1155) of a collection of ours. `minted` counts burnt units too."""

    __tablename__ = "edition"
    __table_args__ = (
        *(uint256_check(c) for c in ("token_id", "max_units", "minted")),
        Index("ix_edition_created", "chain_id", "collection", desc("created_block"), desc("created_log")),
        TABLE,
    )

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    uri: Mapped[str] = mapped_column(Text)
    max_units: Mapped[int] = mapped_column(Uint256)  # zero: no cap
    minted: Mapped[int] = mapped_column(Uint256)
    created_block: Mapped[int] = mapped_column(BigInteger)
    created_log: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    created_tx: Mapped[Hash32] = mapped_column(Hash32Column)


class HoldingRow(State, Base):
    """How many units of an edition somebody has; a holder of none any more keeps the row."""

    __tablename__ = "holding"
    __table_args__ = (
        *(uint256_check(c) for c in ("token_id", "units")),
        Index("ix_holding_holder", "chain_id", "holder", "collection", "token_id"),
        TABLE,
    )

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    holder: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    units: Mapped[int] = mapped_column(Uint256)


class TokenRoyaltyRow(State, Base):
    """A royalty of one token; a zero receiver means that of the collection."""

    __tablename__ = "token_royalty"
    __table_args__ = (uint256_check("token_id"), TABLE)

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    receiver: Mapped[Address] = mapped_column(AddressColumn)
    bps: Mapped[int] = mapped_column(Integer)


class StaffRow(State, Base):
    """Whom a merchant lets work on a collection: `roles` is a set of bits, 1 mints, 2 edits."""

    __tablename__ = "staff"
    __table_args__ = (uint256_check("roles"), Index("ix_staff_account", "chain_id", "account"), TABLE)

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    account: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    roles: Mapped[int] = mapped_column(Uint256)


class VoucherRow(State, Base):
    """A voucher's nonce that is gone: redeemed, and then for what, or voided by its signer."""

    __tablename__ = "voucher"
    __table_args__ = (
        *(uint256_check(c) for c in ("nonce", "price", "token_id", "quantity")),
        Index("ix_voucher_redeemer", "chain_id", "redeemer"),
        TABLE,
    )

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    signer: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    nonce: Mapped[int] = mapped_column(Uint256, primary_key=True)
    state: Mapped[str] = mapped_column(Text)  # redeemed | voided
    digest: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    redeemer: Mapped[Address | None] = mapped_column(AddressColumn)
    payee: Mapped[Address | None] = mapped_column(AddressColumn)
    currency: Mapped[Address | None] = mapped_column(AddressColumn)
    price: Mapped[int | None] = mapped_column(Uint256)
    token_id: Mapped[int | None] = mapped_column(Uint256)  # of a batch: its first
    quantity: Mapped[int | None] = mapped_column(Uint256)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)


class BaseUriRow(State, Base):
    """What the URIs of a batch collection's tokens begin with; the token's id follows."""

    __tablename__ = "base_uri"
    __table_args__ = TABLE

    collection: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    uri: Mapped[str] = mapped_column(Text)
