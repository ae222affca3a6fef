"""Table of schema `withdrawal`."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32
from node.services.withdrawal.states import State

SCHEMA = "withdrawal"


class WithdrawalRow(Base):
    """What an account takes to an address. `hold_id` is the ledger's, `outgoing_id` the treasury's."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("state IN (" + ", ".join(f"'{s}'" for s in State) + ")", name="state"),
        CheckConstraint(
            "(outgoing_id IS NOT NULL) = (state IN ('sending', 'done', 'failed'))", name="sent_by_outbox"
        ),
        CheckConstraint("amount > 0", name="something"),
        CheckConstraint(f'octet_length("to") = {ADDRESS_BYTES}', name="to"),
        length_check("tx_hash", HASH_BYTES),
        uint256_check("amount"),
        Index("ix_withdrawal_account", "account_id", "asset", "requested_at"),
        Index("ix_withdrawal_waiting", "requested_at", postgresql_where=text("state = 'waiting'")),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[uuid.UUID]
    owner: Mapped[str] = mapped_column(Text)  # in the ledger, when it was asked for
    asset: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    to: Mapped[Address] = mapped_column(AddressColumn)
    state: Mapped[str] = mapped_column(Text)
    hold_id: Mapped[int] = mapped_column(BigInteger)
    outgoing_id: Mapped[uuid.UUID | None]
    tx_hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    reason: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Text)
    requested_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
