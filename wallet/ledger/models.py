"""Tables of the ledger, in schema `ledger`.

There are no foreign keys on accounts: checking one locks the row of the account that is pointed at, and
every posting of the node would queue on the row of the fees. The functions are the only writers, and look for
themselves.
"""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import FUNCTION_WRITTEN, Base
from node.kernel.db.types import HASH_BYTES, Utc

SCHEMA = "ledger"
OPTIONS = {"schema": SCHEMA, "info": {FUNCTION_WRITTEN: True}}

# Rows of accounts change in place: room for their new versions keeps the indexes untouched (HOT).
ACCOUNT_FILL_PERCENT = 60


def _amount_check(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} > 0 AND {column} < 2::numeric ^ 256", name=column)


class AssetRow(Base):
    """What amounts are counted in; written once."""

    __tablename__ = "asset"
    __table_args__ = (CheckConstraint("exponent BETWEEN 0 AND 36", name="exponent"), OPTIONS)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    exponent: Mapped[int] = mapped_column(SmallInteger)


class AccountRow(Base):
    """An owner's money of one asset for one purpose.

    `posted` of an account with a floor is the sum of its postings. Of one without (a gateway, fees, a chain)
    it is the sum up to the newest block: no transfer locks or writes such a row.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    asset: Mapped[str] = mapped_column(ForeignKey(AssetRow.id))
    exponent: Mapped[int] = mapped_column(SmallInteger)
    floor: Mapped[int | None] = mapped_column(Numeric(78, 0))
    state: Mapped[str] = mapped_column(Text, server_default="open")
    posted: Mapped[int] = mapped_column(Numeric, server_default="0")
    held: Mapped[int] = mapped_column(Numeric(78, 0), server_default="0")
    moved_at: Mapped[dt.datetime] = mapped_column(Utc)

    __table_args__ = (
        UniqueConstraint("owner", "purpose", "asset"),
        # Postgres reads the CHECKs of a table anew for every statement: on tables that each transfer writes
        # they are few and short, and the functions look after the rest.
        CheckConstraint("held >= 0 AND posted - held >= floor", name="available"),
        # Every batch asks which of its accounts have no floor: here that is a look at one page.
        Index("ix_account_hot", "id", postgresql_where="floor IS NULL"),
        {**OPTIONS, "postgresql_with": {"fillfactor": ACCOUNT_FILL_PERCENT}},
    )


class HoldRow(Base):
    """An amount of an account that is promised: still posted, no longer available."""

    __tablename__ = "hold"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(Numeric(78, 0))
    captured: Mapped[int] = mapped_column(Numeric(78, 0), server_default="0")
    state: Mapped[str] = mapped_column(Text, server_default="open")
    placed_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    __table_args__ = (
        _amount_check("amount"),
        CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
        CheckConstraint("state IN ('open', 'captured', 'voided', 'expired')", name="state"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        Index("ix_hold_account", "account_id", postgresql_where="state = 'open'"),
        Index("ix_hold_due", "expires_at", postgresql_where="state = 'open'"),
        OPTIONS,
    )


class TransferRow(Base):
    """A command that moved money. `id` is drawn under the locks, so it orders the postings of an account."""

    __tablename__ = "transfer"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(Utc)
    hold_id: Mapped[int | None] = mapped_column(BigInteger)
    reverses: Mapped[int | None] = mapped_column(BigInteger)
    linked: Mapped[str | None] = mapped_column(Text)  # the same in all transfers of one exchange

    __table_args__ = (
        Index("ix_transfer_reverses", "reverses", postgresql_where="reverses IS NOT NULL"),
        Index("ix_transfer_hold", "hold_id", postgresql_where="hold_id IS NOT NULL"),
        OPTIONS,
    )


class PostingRow(Base):
    """Balances are those after the posting; null where the account has no floor.

    The number of a posting that reverses another one is that one's.
    """

    __tablename__ = "posting"

    transfer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    source: Mapped[int] = mapped_column(BigInteger)
    destination: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(Numeric(78, 0))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    source_balance: Mapped[int | None] = mapped_column(Numeric)  # within a batch it may lie anywhere
    destination_balance: Mapped[int | None] = mapped_column(Numeric)

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_posting_source", "source", "at"),
        Index("ix_posting_destination", "destination", "at"),
        OPTIONS,
    )


class BlockRow(Base):
    """A link of the hash chain: the transfers above the previous block's `up_to`, up to its own."""

    __tablename__ = "block"
    __table_args__ = (
        CheckConstraint(f"octet_length(hash) = {HASH_BYTES}", name="hash"),
        CheckConstraint("transfers > 0", name="transfers"),
        OPTIONS,
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    up_to: Mapped[int] = mapped_column(BigInteger, unique=True)
    transfers: Mapped[int] = mapped_column(Integer)
    latest_at: Mapped[dt.datetime] = mapped_column(Utc)  # no posting in it or before it is younger
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))


class FoldRow(Base):
    """What an account without a floor had after a block that touched it."""

    __tablename__ = "fold"
    __table_args__ = (OPTIONS,)

    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    posted: Mapped[int] = mapped_column(Numeric)


class HorizonRow(Base):
    """The one row of the sealer: when `xid` and all before it are done, no id up to `transfer_id` is open."""

    __tablename__ = "horizon"
    __table_args__ = (CheckConstraint("id = 1", name="id"), OPTIONS)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1", autoincrement=False)
    transfer_id: Mapped[int] = mapped_column(BigInteger)
    xid: Mapped[int] = mapped_column(Numeric(20, 0))
