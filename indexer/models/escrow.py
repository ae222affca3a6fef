"""Escrows and their timelines."""

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

from indexer.models.rows import TABLE, Fact, State
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32


class EscrowRow(State, Base):
    """An escrow: all of its terms, and where it stands.

    States: funded, shipped, disputed, proposed, appealed, and the ends released, refunded, ruled, settled.
    `deadline` is that of the present state and NULL in an end state, where `held` is zero. The amounts out
    are what was paid so far, NULL while nothing was: `received` = `held` + `to_seller` + `to_buyer` + `fee`.
    `court` and its times are NULL where nobody can appeal.
    """

    __tablename__ = "escrow"
    __table_args__ = (
        *(uint256_check(c) for c in ("amount", "received", "held", "to_seller", "to_buyer", "fee")),
        uint256_check("proposed_to_seller"),
        Index("ix_escrow_order", "chain_id", "order_id"),
        Index("ix_escrow_buyer", "chain_id", "buyer", desc("funded_block"), desc("funded_log")),
        Index("ix_escrow_seller", "chain_id", "seller", desc("funded_block"), desc("funded_log")),
        Index("ix_escrow_arbiter", "chain_id", "arbiter", "state"),
        TABLE,
    )

    escrow_id: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    contract: Mapped[Address] = mapped_column(AddressColumn)
    order_id: Mapped[Hash32] = mapped_column(Hash32Column)
    buyer: Mapped[Address] = mapped_column(AddressColumn)
    seller: Mapped[Address] = mapped_column(AddressColumn)
    arbiter: Mapped[Address] = mapped_column(AddressColumn)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    received: Mapped[int] = mapped_column(Uint256)
    fee_receiver: Mapped[Address] = mapped_column(AddressColumn)
    fee_bps: Mapped[int] = mapped_column(Integer)
    silence_seller_bps: Mapped[int] = mapped_column(Integer)
    ship_by: Mapped[dt.datetime] = mapped_column(Utc)
    inspection_s: Mapped[int] = mapped_column(BigInteger)
    ruling_s: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    deadline: Mapped[dt.datetime | None] = mapped_column(Utc)
    held: Mapped[int] = mapped_column(Uint256)
    to_seller: Mapped[int | None] = mapped_column(Uint256)
    to_buyer: Mapped[int | None] = mapped_column(Uint256)
    fee: Mapped[int | None] = mapped_column(Uint256)
    silent: Mapped[bool | None] = mapped_column(Boolean)  # ruled because the arbiter stayed silent
    proof: Mapped[Hash32 | None] = mapped_column(Hash32Column)  # of the shipment
    evidence: Mapped[Hash32 | None] = mapped_column(Hash32Column)  # that the dispute was opened with
    reason: Mapped[Hash32 | None] = mapped_column(Hash32Column)  # of the ruling
    court: Mapped[Address | None] = mapped_column(AddressColumn)
    appeal_window_s: Mapped[int | None] = mapped_column(BigInteger)
    court_time_s: Mapped[int | None] = mapped_column(BigInteger)
    proposed_to_seller: Mapped[int | None] = mapped_column(Uint256)  # by the arbiter, before the fee
    proposed_reason: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    appealed_by: Mapped[Address | None] = mapped_column(AddressColumn)
    disputed_by: Mapped[Address | None] = mapped_column(AddressColumn)
    ended_by: Mapped[Address | None] = mapped_column(AddressColumn)
    funded_block: Mapped[int] = mapped_column(BigInteger)
    funded_log: Mapped[int] = mapped_column(Integer)
    funded_at: Mapped[dt.datetime] = mapped_column(Utc)
    funded_tx: Mapped[Hash32] = mapped_column(Hash32Column)
    shipped_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    shipped_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    disputed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    disputed_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    ended_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)


class EscrowEventRow(Fact, Base):
    """The timeline of an escrow.

    Kinds: funded, appeal_agreed, shipped, part_released, part_refunded, disputed, evidence_added,
    ruling_proposed, appealed, settlement_offered, settlement_withdrawn, released, refunded, ruled, settled.
    The amounts are those of the step alone; what an offer or a proposed ruling gives the seller is before the
    fee, and `held` is what is held after the step.
    """

    __tablename__ = "escrow_event"
    __table_args__ = (
        *(uint256_check(c) for c in ("received", "to_seller", "to_buyer", "fee", "held")),
        Index("ix_escrow_event_escrow", "chain_id", "escrow_id", "block_number", "log_index"),
        TABLE,
    )

    escrow_id: Mapped[Hash32] = mapped_column(Hash32Column)
    order_id: Mapped[Hash32] = mapped_column(Hash32Column)
    kind: Mapped[str] = mapped_column(Text)
    actor: Mapped[Address | None] = mapped_column(AddressColumn)
    reference: Mapped[Hash32 | None] = mapped_column(Hash32Column)  # proof, evidence or reason
    deadline: Mapped[dt.datetime | None] = mapped_column(Utc)  # that the step started
    received: Mapped[int | None] = mapped_column(Uint256)
    to_seller: Mapped[int | None] = mapped_column(Uint256)
    to_buyer: Mapped[int | None] = mapped_column(Uint256)
    fee: Mapped[int | None] = mapped_column(Uint256)
    silent: Mapped[bool | None] = mapped_column(Boolean)
    held: Mapped[int | None] = mapped_column(Uint256)


class EscrowSettlementRow(State, Base):
    """What a party offers, `to_seller` before the fee; `held` zero: nothing, it took its offer back.

    An offer stands while exactly `held` is held. Rows outlive their escrow, as in the contract.
    """

    __tablename__ = "escrow_settlement"
    __table_args__ = (*(uint256_check(c) for c in ("to_seller", "held")), TABLE)

    escrow_id: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    party: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    contract: Mapped[Address] = mapped_column(AddressColumn)
    to_seller: Mapped[int] = mapped_column(Uint256)
    held: Mapped[int] = mapped_column(Uint256)


class EscrowSignatureRow(State, Base):
    """A nonce of signed releases that is gone: used for an escrow, or voided by its signer (then NULL)."""

    __tablename__ = "escrow_signature"
    __table_args__ = (uint256_check("nonce"), TABLE)

    contract: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    signer: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    nonce: Mapped[int] = mapped_column(Uint256, primary_key=True)
    escrow_id: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)
