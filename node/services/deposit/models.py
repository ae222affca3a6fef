"""Tables of schema `deposit`: addresses that we gave out, and what came there."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32

SCHEMA = "deposit"


class AddressRow(Base):
    """A deposit address: of an account, or of a market. It sends on to `destination` for ever."""

    __tablename__ = "address"
    __table_args__ = (
        length_check("address", ADDRESS_BYTES),
        length_check("deposit_id", HASH_BYTES),
        CheckConstraint("(account_id IS NULL) <> (market_id IS NULL)", name="one_owner"),
        Index("ix_address_account", "account_id", "made_at"),
        Index("ix_address_market", "market_id", "made_at"),
        Index("ix_address_looked_at", "chain_id", text("looked_at NULLS FIRST")),
        {"schema": SCHEMA},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    deposit_id: Mapped[Hash32] = mapped_column(Hash32Column)
    deposits: Mapped[Address] = mapped_column(AddressColumn)  # the contract that it belongs to
    destination: Mapped[Address] = mapped_column(AddressColumn)
    account_id: Mapped[uuid.UUID | None]
    market_id: Mapped[uuid.UUID | None]
    made_at: Mapped[dt.datetime] = mapped_column(Utc)
    looked_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # for coin, which logs nothing


class DepositState(StrEnum):
    CREDITED = "credited"
    VANISHED = "vanished"  # the chain lost it: the node bears it, and what is left of it is frozen
    FORGIVEN = "forgiven"  # lost for good, and the node bears it
    CLAWED_BACK = "clawed_back"  # lost for good, and what was frozen was taken


NEXT = {
    DepositState.CREDITED: frozenset({DepositState.VANISHED}),
    DepositState.VANISHED: frozenset(
        {DepositState.CREDITED, DepositState.FORGIVEN, DepositState.CLAWED_BACK}
    ),
    DepositState.FORGIVEN: frozenset({DepositState.CREDITED}),
    DepositState.CLAWED_BACK: frozenset({DepositState.CREDITED}),
}


class DepositRow(Base):
    """What came to an address, final when it was credited.

    The id of a token's is made of what happened, not of the block, so a transaction that comes back in
    another block is the same deposit. Coin has no transaction: the block is that of the balance.
    """

    __tablename__ = "deposit"
    __table_args__ = (
        ForeignKeyConstraint(["chain_id", "address"], [AddressRow.chain_id, AddressRow.address]),
        uint256_check("amount"),
        uint256_check("frozen"),
        length_check("tx_hash", HASH_BYTES),
        length_check("block_hash", HASH_BYTES),
        CheckConstraint("state IN (" + ", ".join(f"'{s}'" for s in DepositState) + ")", name="state"),
        Index("ix_deposit_address", "chain_id", "address", "asset"),
        Index("ix_deposit_block", "chain_id", "block_number"),
        Index("ix_deposit_owner", "owner", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[Address] = mapped_column(AddressColumn)
    owner: Mapped[str] = mapped_column(Text)  # in the ledger
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    state: Mapped[str] = mapped_column(Text)
    tx_hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    times: Mapped[int] = mapped_column(Integer, server_default=text("0"))  # that it vanished
    hold_id: Mapped[int | None] = mapped_column(BigInteger)
    frozen: Mapped[int] = mapped_column(Uint256, server_default=text("0"))
    credited_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
