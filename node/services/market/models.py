"""Tables of markets, of the people who work in them, and of who was invited to."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Utc
from node.kernel.hexes import Address

SCHEMA = "market"
SLUG_INDEX = "uq_market_slug"


class MemberRole(StrEnum):
    """What somebody is in a market. `api/permissions.py` says what each may do."""

    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"
    ACCOUNTANT = "accountant"


class Market(Base):
    """A shop. Its payout address, arbiter and policy go into the terms of orders placed from then on."""

    __tablename__ = "market"
    __table_args__ = (
        Index(SLUG_INDEX, "slug", unique=True),
        Index("ix_market_owner", "owner_account_id", "id"),
        length_check("payout_address", ADDRESS_BYTES),
        length_check("arbiter", ADDRESS_BYTES),
        CheckConstraint("silence_seller_bps BETWEEN 0 AND 10000", name="silence_seller_bps"),
        CheckConstraint("least(ship_within_s, inspection_s, ruling_s) > 0", name="windows"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner_account_id: Mapped[uuid.UUID]
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    payout_address: Mapped[Address] = mapped_column(AddressColumn)
    arbiter: Mapped[Address] = mapped_column(AddressColumn)
    ship_within_s: Mapped[int] = mapped_column(Integer)
    inspection_s: Mapped[int] = mapped_column(Integer)
    ruling_s: Mapped[int] = mapped_column(Integer)
    silence_seller_bps: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)


class Member(Base):
    """An account works in a market. Its owner is a row here too, and the only one with that role."""

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("role IN (" + ", ".join(f"'{role}'" for role in MemberRole) + ")", name="role"),
        Index("uq_member_owner", "market_id", unique=True, postgresql_where="role = 'owner'"),
        Index("ix_member_account_id", "account_id"),
        {"schema": SCHEMA},
    )

    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Market.id), primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    since: Mapped[dt.datetime] = mapped_column(Utc)


class Invitation(Base):
    """An offer to work in a market, for whoever holds the phone, the wallet or the token of a link."""

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint("role IN ('manager', 'staff', 'accountant')", name="role"),
        CheckConstraint("num_nonnulls(phone, wallet, digest) = 1", name="one_addressee"),
        CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="one_end"),
        length_check("wallet", ADDRESS_BYTES),
        length_check("digest", HASH_BYTES),
        Index("ix_invitation_market", "market_id", "id"),
        Index("ix_invitation_phone", "phone", postgresql_where="phone IS NOT NULL"),
        Index("ix_invitation_wallet", "wallet", postgresql_where="wallet IS NOT NULL"),
        Index("ix_invitation_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Market.id))
    role: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    wallet: Mapped[Address | None] = mapped_column(AddressColumn)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_BYTES))
    invited_by: Mapped[uuid.UUID]
    invited_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    accepted_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    accepted_by: Mapped[uuid.UUID | None]
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)
