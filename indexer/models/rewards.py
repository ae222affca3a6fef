"""Rewards for taking part: epochs, and what was claimed of them."""

import datetime as dt

from sqlalchemy import Boolean
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, Fact, State, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32


class RewardEpochRow(State, Base):
    """An epoch; nothing can be claimed after `until`. What was left of a closed one went to the treasury."""

    __tablename__ = "reward_epoch"
    __table_args__ = (*(uint256_check(c) for c in ("epoch", "total", "left_over")), TABLE)

    rewards: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    epoch: Mapped[int] = mapped_column(Uint256, primary_key=True)
    root: Mapped[Hash32] = mapped_column(Hash32Column)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    total: Mapped[int] = mapped_column(Uint256)
    left_over: Mapped[int] = mapped_column(Uint256)
    until: Mapped[dt.datetime] = mapped_column(Utc)
    closed: Mapped[bool] = mapped_column(Boolean)


class RewardClaimRow(Fact, Base):
    __tablename__ = "reward_claim"
    __table_args__ = (
        *(uint256_check(c) for c in ("epoch", "amount")),
        newest_first("ix_reward_claim_account", "account"),
        TABLE,
    )

    rewards: Mapped[Address] = mapped_column(AddressColumn)
    epoch: Mapped[int] = mapped_column(Uint256)
    account: Mapped[Address] = mapped_column(AddressColumn)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
