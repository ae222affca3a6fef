"""Tables of identity: accounts and what proves them, nonces, sessions, and the audit log."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
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

from node.kernel.db.base import APPEND_ONLY, Base, length_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Utc
from node.kernel.hexes import Address

SCHEMA = "identity"


class Account(Base):
    __tablename__ = "account"
    __table_args__ = {"schema": SCHEMA}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    opened_at: Mapped[dt.datetime] = mapped_column(Utc)
    withdrawals_open_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    closed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    merged_into: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("identity.account.id"))
    language: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    frozen_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class PlatformRole(StrEnum):
    """What somebody is for the whole node. `api/permissions.py` says what each may do."""

    ADMIN = "admin"
    OPERATOR = "operator"
    ARBITER = "arbiter"


class RoleGrant(Base):
    """An account has a role for the whole node. Operators grant them: `asoud role`."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint("role IN (" + ", ".join(f"'{role}'" for role in PlatformRole) + ")", name="role"),
        {"schema": SCHEMA},
    )

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    granted_at: Mapped[dt.datetime] = mapped_column(Utc)


class Wallet(Base):
    """An address that proved itself by a signature; it belongs to one account."""

    __tablename__ = "wallet"
    __table_args__ = (length_check("address", ADDRESS_BYTES), {"schema": SCHEMA})

    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id), index=True)
    linked_at: Mapped[dt.datetime] = mapped_column(Utc)


class Phone(Base):
    """A number that proved itself by a code; it belongs to one account."""

    __tablename__ = "phone"
    __table_args__ = {"schema": SCHEMA}

    phone: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id), index=True)
    linked_at: Mapped[dt.datetime] = mapped_column(Utc)


class Handle(Base):
    """A name that an account goes by, or went by: nobody else ever gets it."""

    __tablename__ = "handle"
    __table_args__ = (
        Index("uq_handle_current", "account_id", unique=True, postgresql_where=text("is_current")),
        Index("ix_handle_account_id", "account_id"),
        {"schema": SCHEMA},
    )

    handle: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id))
    is_current: Mapped[bool]
    since: Mapped[dt.datetime] = mapped_column(Utc)


class PhoneChallenge(Base):
    """A code: hashed with a key, and sealed until it has arrived. Without an account it is to sign in.

    `tried` are the carriers that took it, `delivery` is what the last of them said of it.
    """

    __tablename__ = "phone_challenge"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        CheckConstraint("delivery IN ('delivered', 'failed')", name="delivery"),
        Index("ix_phone_challenge_sent_as", "sent_as", postgresql_where=text("sent_as IS NOT NULL")),
        CheckConstraint("(purpose = 'sign_in') = (account_id IS NULL)", name="purpose"),
        Index("ix_phone_challenge_phone", "phone", "requested_at"),
        Index("ix_phone_challenge_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Account.id))
    digest: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    requested_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    tries: Mapped[int] = mapped_column(SmallInteger)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    language: Mapped[str] = mapped_column(Text)
    sent_as: Mapped[str | None] = mapped_column(Text)
    delivery: Mapped[str | None] = mapped_column(Text)
    tried: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Counter(Base):
    """How often something was done within a window of time."""

    __tablename__ = "counter"
    __table_args__ = (Index("ix_counter_ends_at", "ends_at"), {"schema": SCHEMA})

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    starts_at: Mapped[dt.datetime] = mapped_column(Utc, primary_key=True)
    ends_at: Mapped[dt.datetime] = mapped_column(Utc)
    count: Mapped[int] = mapped_column(BigInteger)


class Nonce(Base):
    """A sign-in nonce: handed out once, consumed once, whatever comes of the attempt."""

    __tablename__ = "nonce"
    __table_args__ = (Index("ix_nonce_expires_at", "expires_at"), {"schema": SCHEMA})

    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    consumed_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class Device(Base):
    """Where the account was signed in before: knows itself again by a token, of which this is the digest."""

    __tablename__ = "device"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        Index("uq_device_account_id", "account_id", "digest", unique=True),
        Index("ix_device_seen_at", "seen_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id))
    digest: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    seen_at: Mapped[dt.datetime] = mapped_column(Utc)


class Totp(Base):
    """The secret of an authenticator app (RFC 6238), sealed. `last_step` is the newest code that served."""

    __tablename__ = "totp"
    __table_args__ = ({"schema": SCHEMA},)

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[dt.datetime] = mapped_column(Utc)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    last_step: Mapped[int] = mapped_column(BigInteger)


class RecoveryCode(Base):
    """Stands in for the authenticator app, once."""

    __tablename__ = "recovery_code"
    __table_args__ = (length_check("digest", HASH_BYTES), {"schema": SCHEMA})

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES), primary_key=True)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class Recovery(Base):
    """Somebody says that a wallet, a phone or the authenticator app is lost. It waits for objections."""

    __tablename__ = "recovery"
    __table_args__ = (
        CheckConstraint("num_nonnulls(wallet, phone, nullif(is_totp, false)) = 1", name="one_lost"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
        Index("uq_recovery_open", "account_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_recovery_account_id", "account_id", "asked_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id))
    wallet: Mapped[Address | None] = mapped_column(AddressColumn)
    phone: Mapped[str | None] = mapped_column(Text)
    is_totp: Mapped[bool]
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[dt.datetime] = mapped_column(Utc)
    ripe_at: Mapped[dt.datetime] = mapped_column(Utc)
    noticed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    outcome: Mapped[str | None] = mapped_column(Text)


class Session(Base):
    """A device that signed in: the family of its refresh tokens. Opened by a proof of one identity."""

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_open", "account_id", "opened_at", "id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_session_expires_at", "expires_at"),
        CheckConstraint("(wallet IS NULL) <> (phone IS NULL)", name="proof"),
        CheckConstraint("(stepped_up_at IS NULL) = (stepped_up_by IS NULL)", name="stepped_up"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id))
    wallet: Mapped[Address | None] = mapped_column(AddressColumn)
    phone: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[dt.datetime] = mapped_column(Utc)
    used_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    device_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey(Device.id, ondelete="SET NULL"), index=True
    )
    stepped_up_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    stepped_up_by: Mapped[str | None] = mapped_column(Text)


class RefreshToken(Base):
    """Serves once. One that comes a second time was stolen, from the client or by it: the session ends."""

    __tablename__ = "refresh_token"
    __table_args__ = (length_check("digest", HASH_BYTES), {"schema": SCHEMA})

    digest: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES), primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class ApiKey(Base):
    """What a program acts with, for an account or for one of its markets."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("per_minute > 0", name="per_minute"),
        Index("ix_api_key_account", "account_id", "id"),
        Index("ix_api_key_market", "market_id", "id", postgresql_where="market_id IS NOT NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Account.id))
    market_id: Mapped[uuid.UUID | None]
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    per_minute: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class ApiKeySecret(Base):
    """A secret of a key: found by `lookup`, which is no secret. While a key is rotated it has two."""

    __tablename__ = "api_key_secret"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        Index("ix_api_key_secret_key_id", "key_id"),
        {"schema": SCHEMA},
    )

    lookup: Mapped[str] = mapped_column(Text, primary_key=True)
    key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ApiKey.id, ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    made_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class AuditEntry(Base):
    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_account_id", "account_id", "at"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(Utc)
    act: Mapped[str] = mapped_column(Text)
    account_id: Mapped[uuid.UUID | None] = mapped_column()
    subject: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
