"""Tables of schema `governance`: what voters signed. Whether it still counts is read from schema `chain`."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32

SCHEMA = "governance"


class BallotRow(Base):
    """A signed vote that the governor would have counted when it was taken in, named by its EIP-712 digest.

    Ballots of one voter on one proposal share a nonce, so at most one of them is ever cast.
    """

    __tablename__ = "ballot"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        *(length_check(column, ADDRESS_BYTES) for column in ("governor", "voter")),
        *(uint256_check(column) for column in ("proposal_id", "nonce")),
        CheckConstraint("support BETWEEN 0 AND 2", name="support"),
        Index("ix_ballot_proposal", "chain_id", "governor", "proposal_id", "signed_at", "digest"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    digest: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    governor: Mapped[Address] = mapped_column(AddressColumn)
    proposal_id: Mapped[int] = mapped_column(Uint256)
    voter: Mapped[Address] = mapped_column(AddressColumn)
    support: Mapped[int] = mapped_column(SmallInteger)
    nonce: Mapped[int] = mapped_column(Uint256)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    account_id: Mapped[uuid.UUID]  # who handed it in
    signed_at: Mapped[dt.datetime] = mapped_column(Utc)
