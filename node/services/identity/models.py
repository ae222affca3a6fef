"""Tables of identity: accounts, their wallets, and nonces of Sign-In with Ethereum."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check
from node.kernel.db.types import ADDRESS_BYTES, AddressColumn, Utc
from node.kernel.hexes import Address

SCHEMA = "identity"


class Account(Base):
    __tablename__ = "account"
    __table_args__ = {"schema": SCHEMA}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    opened_at: Mapped[dt.datetime] = mapped_column(Utc)


class Wallet(Base):
    """An address that proved itself by a signature; it belongs to one account."""

    __tablename__ = "wallet"
    __table_args__ = (length_check("address", ADDRESS_BYTES), {"schema": SCHEMA})

    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id), index=True)
    linked_at: Mapped[dt.datetime] = mapped_column(Utc)


class Nonce(Base):
    """A sign-in nonce: handed out once, consumed once, whatever comes of the attempt."""

    __tablename__ = "nonce"
    __table_args__ = (Index("ix_nonce_expires_at", "expires_at"), {"schema": SCHEMA})

    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    consumed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
