"""Proposals, votes, and who may cast how many."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    desc,
)
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, Fact, State, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32


class GovernorRow(State, Base):
    """The settings of a governor as they are now; NULL until its constructor has told them."""

    __tablename__ = "governor"
    __table_args__ = TABLE

    governor: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    voting_delay_s: Mapped[int | None] = mapped_column(Uint256)
    voting_period_s: Mapped[int | None] = mapped_column(Uint256)
    proposal_threshold: Mapped[int | None] = mapped_column(Uint256)
    quorum_numerator: Mapped[int | None] = mapped_column(Uint256)
    late_quorum_extension_s: Mapped[int | None] = mapped_column(BigInteger)
    timelock: Mapped[Address | None] = mapped_column(AddressColumn)
    proposal_guardian: Mapped[Address | None] = mapped_column(AddressColumn)  # NULL or zero: nobody


class ProposalRow(State, Base):
    """A proposal and the facts about it; its state is these facts and the time of asking.

    `description_hash` is that of the bytes on the chain, which `queue` and `execute` need; the text may
    have been mended where it was not UTF-8. Arrays run in step: one entry per call.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        *(uint256_check(c) for c in ("proposal_id", "for_votes", "against_votes", "abstain_votes")),
        Index("ix_proposal_newest", "chain_id", "governor", desc("created_block"), desc("created_log")),
        Index("ix_proposal_proposer", "chain_id", "proposer"),
        TABLE,
    )

    governor: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    proposal_id: Mapped[int] = mapped_column(Uint256, primary_key=True)
    proposer: Mapped[Address] = mapped_column(AddressColumn)
    targets: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    call_values: Mapped[list[Decimal]] = mapped_column(ARRAY(Numeric(78, 0)))
    signatures: Mapped[list[str]] = mapped_column(ARRAY(Text))
    calldatas: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    description: Mapped[str] = mapped_column(Text)
    description_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    vote_start: Mapped[dt.datetime] = mapped_column(Utc)
    vote_end: Mapped[dt.datetime] = mapped_column(Utc)  # as created
    extended_until: Mapped[dt.datetime | None] = mapped_column(Utc)  # a late quorum moved the end here
    for_votes: Mapped[int] = mapped_column(Uint256)
    against_votes: Mapped[int] = mapped_column(Uint256)
    abstain_votes: Mapped[int] = mapped_column(Uint256)
    created_block: Mapped[int] = mapped_column(BigInteger)
    created_log: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    created_tx: Mapped[Hash32] = mapped_column(Hash32Column)
    queued_eta: Mapped[dt.datetime | None] = mapped_column(Utc)
    queued_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    queued_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    executed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    executed_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    canceled_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    canceled_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)


class VoteRow(Fact, Base):
    """Support: 0 against, 1 for, 2 abstain."""

    __tablename__ = "vote"
    __table_args__ = (
        uint256_check("proposal_id"),
        uint256_check("weight"),
        newest_first("ix_vote_proposal", "governor", "proposal_id"),
        newest_first("ix_vote_voter", "voter"),
        TABLE,
    )

    governor: Mapped[Address] = mapped_column(AddressColumn)
    proposal_id: Mapped[int] = mapped_column(Uint256)
    voter: Mapped[Address] = mapped_column(AddressColumn)
    support: Mapped[int] = mapped_column(SmallInteger)
    weight: Mapped[int] = mapped_column(Uint256)
    reason: Mapped[str] = mapped_column(Text)


class DelegationRow(State, Base):
    """Whom a holder delegates to; no row means nobody."""

    __tablename__ = "delegation"
    __table_args__ = (Index("ix_delegation_delegate", "chain_id", "token", "delegate"), TABLE)

    token: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    delegator: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    delegate: Mapped[Address] = mapped_column(AddressColumn)


class VotingPowerRow(State, Base):
    """The current votes of a delegate."""

    __tablename__ = "voting_power"
    __table_args__ = (
        uint256_check("votes"),
        Index("ix_voting_power_votes", "chain_id", "token", desc("votes"), "delegate"),
        TABLE,
    )

    token: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    delegate: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    votes: Mapped[int] = mapped_column(Uint256)


class VotesBalanceRow(State, Base):
    """How many votes tokens a holder has; no row means none."""

    __tablename__ = "votes_balance"
    __table_args__ = (uint256_check("balance"), TABLE)

    token: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    holder: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    balance: Mapped[int] = mapped_column(Uint256)
