"""Who works in a market, and how somebody comes to: by an invitation that the owner makes and they accept.

Invariants: a market has exactly one owner, who never leaves; an account has one role in a market at most; an
invitation serves once, and only whoever holds its phone, its wallet or the token of its link.
"""

import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from node.events.market import MarketMemberJoined, MarketMemberLeft
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import Invalid
from node.kernel.hexes import Address, to_bytes
from node.kernel.ids import new_id
from node.kernel.spine.record import EventRecorder
from node.services.market.errors import (
    AlreadyMember,
    InvitationOver,
    InvitationUnknown,
    MemberUnknown,
    OwnerStays,
    TooManyInvitations,
)
from node.services.market.models import Invitation, Member, MemberRole

LINK_BYTES = 32
LINK_PREFIX = "asoud_in_"  # lets scanners of leaked secrets know one when they see it
LINK_CHARS_MAX = 100
OPEN_MAX = 100  # invitations of one market
LIFE_DEFAULT = dt.timedelta(days=7)
LIFE_MAX = dt.timedelta(days=30)
KEPT = dt.timedelta(days=90)  # past its end, so that an owner sees what became of it
PRUNE_MAX = 5_000

_HOLDS_PHONE = text(
    "SELECT EXISTS (SELECT FROM identity.phone WHERE phone = :phone AND account_id = :account)"
)
_HOLDS_WALLET = text(
    "SELECT EXISTS (SELECT FROM identity.wallet WHERE address = :wallet AND account_id = :account)"
)
_PRUNE = text("""
    DELETE FROM market.invitation WHERE id IN (
        SELECT id FROM market.invitation WHERE expires_at <= :before ORDER BY expires_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
""")


class Audit(Protocol):
    """The log of what concerns safety."""

    def note(
        self, tx: Tx, act: str, *, account_id: uuid.UUID | None, subject: str = "", origin: str = ""
    ) -> None:
        """Writes in the transaction."""


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, and from which network address."""

    account_id: uuid.UUID
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whom an invitation is for: a phone, a wallet, or without both whoever has the link."""

    role: MemberRole
    phone: str | None = None
    wallet: Address | None = None
    life: dt.timedelta = LIFE_DEFAULT


class MemberService:
    def __init__(self, clock: Clock, events: EventRecorder, audit: Audit) -> None:
        self._clock = clock
        self._events = events
        self._audit = audit

    def invite(self, tx: Tx, market_id: uuid.UUID, offer: Offer, by: By) -> tuple[Invitation, str | None]:
        """An invitation, and the token of its link where it is for nobody by name. Only its hash is kept.

        Raises:
            Invalid: For two at once, for longer than allowed, or for an owner.
            TooManyInvitations: The market has enough open ones.
        """
        _check(offer)
        now = self._clock.now()
        if self._open(tx, market_id, now) >= OPEN_MAX:
            raise TooManyInvitations(f"a market has at most {OPEN_MAX} open invitations", most=OPEN_MAX)
        token = None if offer.phone or offer.wallet else LINK_PREFIX + secrets.token_urlsafe(LINK_BYTES)
        invitation = Invitation(
            id=new_id(),
            market_id=market_id,
            role=offer.role.value,
            phone=offer.phone,
            wallet=offer.wallet,
            digest=None if token is None else _digest(token),
            invited_by=by.account_id,
            invited_at=now,
            expires_at=now + offer.life,
            accepted_at=None,
            accepted_by=None,
            revoked_at=None,
        )
        tx.add(invitation)
        tx.flush()
        self._note(tx, "member_invited", f"invitation:{invitation.id}", by)
        return invitation, token

    def revoke(self, tx: Tx, market_id: uuid.UUID, invitation_id: uuid.UUID, by: By) -> None:
        """Raises InvitationUnknown; InvitationOver when it was accepted or revoked before."""
        invitation = self._locked(tx, invitation_id)
        if invitation.market_id != market_id:
            raise _unknown()
        if invitation.accepted_at is not None or invitation.revoked_at is not None:
            raise InvitationOver("the invitation was accepted or revoked before")
        invitation.revoked_at = self._clock.now()
        tx.flush()
        self._note(tx, "invitation_revoked", f"invitation:{invitation_id}", by)

    def accept(self, tx: Tx, invitation_id: uuid.UUID, token: str | None, by: By) -> Member:
        """The caller works in the market from now on.

        Raises:
            InvitationUnknown: There is none for the caller: nothing else is told.
            InvitationOver: It was accepted or revoked, or has run out.
            AlreadyMember: The caller works there already.
        """
        invitation = self._locked(tx, invitation_id)
        if not self._is_for(tx, invitation, token, by.account_id):
            raise _unknown()
        now = self._clock.now()
        is_over = invitation.accepted_at is not None or invitation.revoked_at is not None
        if is_over or now >= invitation.expires_at:
            raise InvitationOver("the invitation was accepted or revoked, or has run out")
        invitation.accepted_at, invitation.accepted_by = now, by.account_id
        member = self.add(tx, invitation.market_id, by.account_id, MemberRole(invitation.role))
        self._note(tx, "invitation_accepted", f"invitation:{invitation_id}", by)
        return member

    def add(self, tx: Tx, market_id: uuid.UUID, account_id: uuid.UUID, role: MemberRole) -> Member:
        """Raises AlreadyMember."""
        now = self._clock.now()
        row = {"market_id": market_id, "account_id": account_id, "role": role.value, "since": now}
        added = tx.execute(insert(Member).values(**row).on_conflict_do_nothing().returning(Member))
        member = added.scalar_one_or_none()
        if member is None:
            raise AlreadyMember("the account works in the market already; it has to leave first")
        joined = MarketMemberJoined(market_id=str(market_id), account_id=str(account_id), role=role.value)
        self._events.record(tx, f"market:{market_id}", joined)
        return member

    def remove(self, tx: Tx, market_id: uuid.UUID, account_id: uuid.UUID, by: By) -> None:
        """Somebody leaves, or is taken out.

        Raises:
            MemberUnknown: They don't work there.
            OwnerStays: It is the owner.
        """
        is_theirs = (Member.market_id == market_id, Member.account_id == account_id)
        role = tx.execute(select(Member.role).where(*is_theirs).with_for_update()).scalar_one_or_none()
        if role is None:
            raise MemberUnknown("nobody of that account works in the market")
        if role == MemberRole.OWNER:
            raise OwnerStays("a market always has its owner")
        tx.execute(delete(Member).where(*is_theirs))
        left = MarketMemberLeft(market_id=str(market_id), account_id=str(account_id))
        self._events.record(tx, f"market:{market_id}", left)
        act = "member_left" if account_id == by.account_id else "member_removed"
        self._note(tx, act, f"market:{market_id}", by)

    def prune(self, tx: Tx) -> int:
        """Forgets invitations that ran out long ago, `PRUNE_MAX` at most; says how many."""
        return rows_touched(tx, _PRUNE, {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX})

    def _locked(self, tx: Tx, invitation_id: uuid.UUID) -> Invitation:
        found = select(Invitation).where(Invitation.id == invitation_id).with_for_update()
        invitation = tx.execute(found).scalar_one_or_none()
        if invitation is None:
            raise _unknown()
        return invitation

    def _is_for(self, tx: Tx, invitation: Invitation, token: str | None, account_id: uuid.UUID) -> bool:
        if invitation.digest is not None:
            return token is not None and hmac.compare_digest(_digest(token), invitation.digest)
        if invitation.phone is not None:
            holds = tx.execute(_HOLDS_PHONE, {"phone": invitation.phone, "account": account_id})
        else:
            assert invitation.wallet is not None
            wallet = to_bytes(invitation.wallet)
            holds = tx.execute(_HOLDS_WALLET, {"wallet": wallet, "account": account_id})
        return bool(holds.scalar_one())

    def _open(self, tx: Tx, market_id: uuid.UUID, now: dt.datetime) -> int:
        """Two at once may both pass: the bound is one of order of magnitude."""
        is_open = (
            Invitation.market_id == market_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > now,
        )
        return int(tx.execute(select(func.count()).select_from(Invitation).where(*is_open)).scalar_one())

    def _note(self, tx: Tx, act: str, subject: str, by: By) -> None:
        self._audit.note(tx, act, account_id=by.account_id, subject=subject, origin=by.origin)


def _check(offer: Offer) -> None:
    if offer.phone and offer.wallet:
        raise Invalid("an invitation is for a phone or for a wallet", field="phone")
    if offer.role is MemberRole.OWNER:
        raise Invalid("a market has one owner", field="role")
    if not dt.timedelta(0) < offer.life <= LIFE_MAX:
        raise Invalid(f"an invitation lasts {LIFE_MAX.days} days at most", field="expires_in_s")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _unknown() -> InvitationUnknown:
    return InvitationUnknown("there is no such invitation for you")
