"""Tables of the treasury, in schema `treasury`."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, UPDATABLE_COLUMNS, Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32

SCHEMA = "treasury"


class BookRow(Base):
    """Up to which block the ledger knows the chain. `hash` None: it shares no block with what was booked.

    `lost` is set when final blocks vanished: what is missing then was the chain's to lose, once. `whole`:
    what only a balance tells (coin, the treasury's own) was looked at for that very block, too.
    """

    __tablename__ = "book"
    __table_args__ = (length_check("hash", HASH_BYTES), {"schema": SCHEMA})

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    opened: Mapped[int] = mapped_column(BigInteger)  # the block at which it was begun
    lost: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    whole: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class MarkRow(Base):
    """A block that the book stood at: where it goes back to when later ones vanish."""

    __tablename__ = "mark"
    __table_args__ = (length_check("hash", HASH_BYTES), {"schema": SCHEMA})

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[Hash32] = mapped_column(Hash32Column)


class TrackedRow(Base):
    """An asset that is booked; never forgotten again. The zero address is the native coin."""

    __tablename__ = "tracked"
    __table_args__ = (length_check("address", ADDRESS_BYTES), {"schema": SCHEMA})

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    asset_id: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    exponent: Mapped[int] = mapped_column(SmallInteger)
    booked: Mapped[bool] = mapped_column(Boolean)  # its past was read too


class NonceRow(Base):
    """The next nonce of an address of ours. Whoever takes one locks the row."""

    __tablename__ = "nonce"
    __table_args__ = (length_check("address", ADDRESS_BYTES), {"schema": SCHEMA})

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    next: Mapped[int] = mapped_column(BigInteger)


class OutgoingState(StrEnum):
    QUEUED = "queued"  # no nonce yet
    NUMBERED = "numbered"  # has its nonce: signed, sent and replaced under it, until it is final
    FINAL = "final"
    REFUSED = "refused"  # the chain would not run it; it never had a nonce


class OutgoingRow(Base):
    """A transaction of ours, from the wish to the outcome.

    `amount` of `asset` leaves our custody when it succeeds (0: nothing does), and `hold_id` is where the
    ledger set it aside; without one its parts say that (`PartRow`). `times`: how often it was final and
    vanished again; `paid`: that the ledger paid it.
    """

    __tablename__ = "outgoing"
    __table_args__ = (
        CheckConstraint(
            "state IN (" + ", ".join(f"'{state}'" for state in OutgoingState) + ")", name="state"
        ),
        CheckConstraint("(nonce IS NULL) = (state IN ('queued', 'refused'))", name="nonce_by_state"),
        CheckConstraint("(state = 'final') = (block_number IS NOT NULL)", name="final_has_block"),
        CheckConstraint("(block_number IS NULL) = (succeeded IS NULL)", name="block_has_outcome"),
        uint256_check("value"),
        uint256_check("amount"),
        uint256_check("cost"),
        Index("uq_outgoing_nonce", "chain_id", "sender", "nonce", unique=True),
        Index(
            "ix_outgoing_open",
            *("chain_id", "state", "id"),
            postgresql_where=text("state IN ('queued', 'numbered')"),
        ),
        Index("ix_outgoing_block", "chain_id", "block_number"),
        Index("ix_outgoing_subject", "subject"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[Address] = mapped_column(AddressColumn)
    subject: Mapped[str] = mapped_column(Text)  # `<noun>:<id>` of what asked for it
    to: Mapped[Address] = mapped_column(AddressColumn)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[int] = mapped_column(Uint256)
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    hold_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)  # why it waits, or was refused
    nonce: Mapped[int | None] = mapped_column(BigInteger)
    gas: Mapped[int | None] = mapped_column(BigInteger)
    tx_hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    succeeded: Mapped[bool | None]
    cost: Mapped[int | None] = mapped_column(Uint256)  # wei, for gas
    times: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    paid: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    queued_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)


class PartRow(Base):
    """What one transaction pays to one of many, out of a hold of its own.

    `captured`: the hold was paid out. `arrived`: its receiver has it, by the blocks of now. `returned`: its
    payer has it again.
    """

    __tablename__ = "part"
    __table_args__ = (
        CheckConstraint("amount > 0", name="something"),
        CheckConstraint("captured OR returned OR NOT arrived", name="paid_by_somebody"),
        length_check("reference", HASH_BYTES),
        uint256_check("amount"),
        {"schema": SCHEMA},
    )

    outgoing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(OutgoingRow.id), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    subject: Mapped[str] = mapped_column(Text)  # `<noun>:<id>` of what it pays
    reference: Mapped[Hash32] = mapped_column(Hash32Column)
    amount: Mapped[int] = mapped_column(Uint256)
    hold_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    captured: Mapped[bool] = mapped_column(Boolean)
    returned: Mapped[bool] = mapped_column(Boolean)
    arrived: Mapped[bool] = mapped_column(Boolean)


class AttemptRow(Base):
    """A signed transaction with the nonce of its outgoing one; a later attempt pays more for gas."""

    __tablename__ = "attempt"
    __table_args__ = ({"schema": SCHEMA, "info": {APPEND_ONLY: True, UPDATABLE_COLUMNS: ("sent_at",)}},)

    outgoing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(OutgoingRow.id), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column, unique=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    max_fee: Mapped[int] = mapped_column(Uint256)
    max_priority_fee: Mapped[int] = mapped_column(Uint256)
    signed_at: Mapped[dt.datetime] = mapped_column(Utc)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # a server took it
