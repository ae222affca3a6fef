"""Table of schema `transaction`: what we passed on, from the intent to the outcome."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, desc
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32

SCHEMA = "transaction"


class RelayState(StrEnum):
    """SENDING and UNKNOWN both mean that the chain may have it: who asks next finds out."""

    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    MINED = "mined"


class RelayedRow(Base):
    """A signed transaction by its hash, which is the key that makes relaying it twice harmless."""

    __tablename__ = "relayed"
    __table_args__ = (
        length_check("tx_hash", HASH_BYTES),
        length_check("sender", ADDRESS_BYTES),
        length_check("recipient", ADDRESS_BYTES),
        uint256_check("nonce"),
        uint256_check("value"),
        CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in RelayState) + ")", name="state"),
        CheckConstraint("(state = 'mined') = (block_number IS NOT NULL)", name="mined_has_block"),
        CheckConstraint("(block_number IS NULL) = (succeeded IS NULL)", name="block_has_status"),
        Index("ix_relayed_account", "account_id", desc("intended_at")),
        {"schema": SCHEMA},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    account_id: Mapped[uuid.UUID]
    sender: Mapped[Address] = mapped_column(AddressColumn)
    recipient: Mapped[Address] = mapped_column(AddressColumn)
    nonce: Mapped[int] = mapped_column(Uint256)
    value: Mapped[int] = mapped_column(Uint256)
    selector: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)  # of the refusal, or of the revert once mined
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    succeeded: Mapped[bool | None]
    intended_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
