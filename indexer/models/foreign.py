"""Contracts that are not ours and are read all the same: tokens by standard, others by a declared ABI.

What they say is theirs. Balances are sums of what they logged, so they may fall below zero: of a token that
is read from a later block than its first, that takes fees, or that lies.
"""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, Fact, State, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Uint256, Utc
from node.kernel.hexes import Address


class ForeignContractRow(Base):
    """What an operator asked for; no reorg or reindex takes it away.

    Blocks `from_block` to `done_block` are read while it is `backfilling`; then it is `live`, which is read
    with all others. `removing`: its rows go as soon as the indexer sees it. `from_birth`: nothing was at that
    address before `from_block`; NULL where the node could not tell.
    """

    __tablename__ = "foreign_contract"
    __table_args__ = TABLE

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    standard: Mapped[str] = mapped_column(Text)  # erc20 | erc721 | erc1155 | abi
    state: Mapped[str] = mapped_column(Text)  # backfilling | live | removing
    from_block: Mapped[int] = mapped_column(BigInteger)
    done_block: Mapped[int] = mapped_column(BigInteger)
    from_birth: Mapped[bool | None] = mapped_column(Boolean)
    name: Mapped[str | None] = mapped_column(Text)
    symbol: Mapped[str | None] = mapped_column(Text)
    decimals: Mapped[int | None] = mapped_column(Integer)
    abi: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))  # of a declared one
    added_at: Mapped[dt.datetime] = mapped_column(Utc)


class ForeignTransferRow(Fact, Base):
    """Amounts that moved; `item` is the place in a batch.

    Of an ERC-20 `token_id` is NULL, of an ERC-721 the amount is 1.
    """

    __tablename__ = "foreign_transfer"
    __table_args__ = (
        uint256_check("token_id"),
        uint256_check("amount"),
        newest_first("ix_foreign_transfer_contract", "contract"),
        newest_first("ix_foreign_transfer_sender", "sender"),
        newest_first("ix_foreign_transfer_recipient", "recipient"),
        TABLE,
    )

    item: Mapped[int] = mapped_column(Integer, primary_key=True)
    contract: Mapped[Address] = mapped_column(AddressColumn)
    sender: Mapped[Address] = mapped_column(AddressColumn)
    recipient: Mapped[Address] = mapped_column(AddressColumn)
    token_id: Mapped[int | None] = mapped_column(Uint256)
    amount: Mapped[int] = mapped_column(Uint256)


class ForeignBalanceRow(State, Base):
    """Of an ERC-20 (`token_id` is zero) or of one id of an ERC-1155."""

    __tablename__ = "foreign_balance"
    __table_args__ = (
        uint256_check("token_id"),
        Index("ix_foreign_balance_holder", "chain_id", "holder", "contract", "token_id"),
        TABLE,
    )

    contract: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    holder: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    balance: Mapped[int] = mapped_column(Numeric)


class ForeignTokenRow(State, Base):
    """A token of an ERC-721; a burnt one is owned by the zero address."""

    __tablename__ = "foreign_token"
    __table_args__ = (
        uint256_check("token_id"),
        Index("ix_foreign_token_owner", "chain_id", "owner", "contract", "token_id"),
        TABLE,
    )

    contract: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    token_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    owner: Mapped[Address] = mapped_column(AddressColumn)
