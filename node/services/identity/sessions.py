"""Sessions: a device that signed in, its short access tokens and the refresh tokens that follow one another.

Invariants: of one session one refresh token at most is good; a refresh token serves once; one that comes
again ends the session, and that is committed although the request is refused.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, delete, select, text, update

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import Unauthenticated
from node.kernel.hexes import Address
from node.kernel.ids import new_id
from node.services.identity.audit import Act, Audit
from node.services.identity.devices import DeviceService
from node.services.identity.errors import (
    AccountFrozen,
    RefreshExpired,
    RefreshInvalid,
    RefreshReused,
    SessionEnded,
    SessionUnknown,
    SignInTooOld,
)
from node.services.identity.models import Account, RefreshToken, Session, Wallet
from node.services.identity.proof import PhoneProof, Proof, WalletProof
from node.services.identity.tokens import AccessToken, Principal, Tokens

REFRESH_BYTES = 32
REFRESH_PREFIX = "asoud_rt_"  # lets scanners of leaked secrets know one when they see it
REFRESH_CHARS_MAX = 100
DEVICE_CHARS_MAX = 120
KEPT = dt.timedelta(days=7)  # past its end: long enough to notice a stolen token that is tried late
PRUNE_MAX = 5_000

_PRUNE = text("""
    DELETE FROM identity.session WHERE id IN (
        SELECT id FROM identity.session WHERE expires_at <= :before ORDER BY expires_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
""")


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: the device as it names itself, its network address, what it is known by."""

    device: str = ""
    origin: str = ""
    device_token: str = ""
    languages: str = ""
    """What it asks for (`Accept-Language`)."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    principal: Principal
    access: AccessToken
    refresh: str
    refresh_expires_at: dt.datetime
    device_token: str | None = None
    """Of a sign-in: what the device is known by the next time."""


class SessionService:
    def __init__(
        self,
        clock: Clock,
        tokens: Tokens,
        audit: Audit,
        devices: DeviceService,
        *,
        refresh_life: dt.timedelta,
        session_life: dt.timedelta,
        fresh_for: dt.timedelta,
    ) -> None:
        self._clock = clock
        self._tokens = tokens
        self._audit = audit
        self._devices = devices
        self._refresh_life = refresh_life
        self._session_life = session_life
        self._fresh_for = fresh_for

    def open(
        self, tx: Tx, account_id: uuid.UUID, proof: Proof, client: Client, *, is_account_new: bool
    ) -> SignedIn:
        """Last step of a sign-in: the identity has proved itself in this very request.

        Raises:
            AccountFrozen: An operator shut the account out.
        """
        self._require_thawed(tx, account_id)
        now = self._clock.now()
        device = self._devices.recognise(
            tx, account_id, client.device_token, origin=client.origin, is_account_new=is_account_new
        )
        session = Session(
            id=new_id(),
            account_id=account_id,
            wallet=proof.address if isinstance(proof, WalletProof) else None,
            phone=proof.phone if isinstance(proof, PhoneProof) else None,
            device=client.device[:DEVICE_CHARS_MAX],
            device_id=device.id,
            opened_at=now,
            used_at=now,
            expires_at=now + self._session_life,
        )
        tx.add(session)
        tx.flush()
        self._audit.note(
            tx, Act.SIGNED_IN, account_id=account_id, subject=proof.subject, origin=client.origin
        )
        return replace(self._issue(tx, session), device_token=device.token)

    def refresh(self, tx: Tx, refresh_token: str, client: Client) -> SignedIn | Unauthenticated:
        """A new pair for the token's session, or why not.

        A refusal is returned and not raised: the caller commits first, because reuse ends the session.
        """
        now = self._clock.now()
        digest = _digest(refresh_token)
        # The session's row is the lock of the family: two uses of one token come one after the other.
        session = tx.execute(
            select(Session)
            .join(RefreshToken)
            .where(RefreshToken.digest == digest)
            .with_for_update(of=Session)
        ).scalar_one_or_none()
        if session is None:
            return RefreshInvalid("the refresh token is not one of ours; sign in again")
        token = tx.execute(
            select(RefreshToken)
            .where(RefreshToken.digest == digest)
            .execution_options(populate_existing=True)
        ).scalar_one()
        if token.used_at is not None:
            return self._end_reused(tx, session, client)
        if session.ended_at is not None:
            return SessionEnded("the session was signed out; sign in again")
        if now >= min(token.expires_at, session.expires_at):
            return RefreshExpired("the refresh token has run out; sign in again")
        token.used_at = session.used_at = now
        return self._issue(tx, session)

    def principal(self, token: str) -> Principal:
        """Who an access token speaks for. Raises TokenInvalid, TokenExpired."""
        return self._tokens.read(token)

    def require_open(self, tx: Tx, principal: Principal) -> Session:
        """For what must not wait until an access token runs out.

        Raises:
            SessionEnded: The session was signed out, or its account is gone.
        """
        session = tx.execute(
            select(Session).where(Session.id == principal.session_id, Session.ended_at.is_(None))
        ).scalar_one_or_none()
        if session is None or session.account_id != principal.account_id:
            raise SessionEnded("the session was signed out; sign in again")
        return session

    def require_fresh(self, tx: Tx, principal: Principal) -> Session:
        """For what a found or stolen device must not do: somebody signed in a moment ago.

        Raises:
            SessionEnded: The session was signed out.
            SignInTooOld: It was opened too long ago; refreshing does not make it newer.
        """
        session = self.require_open(tx, principal)
        if self._clock.now() - session.opened_at > self._fresh_for:
            raise SignInTooOld("sign in again first; this needs a new proof")
        return session

    def end_of(self, tx: Tx, account_id: uuid.UUID, proof: Proof) -> None:
        """Signs out the devices that came in by an identity."""
        is_opened_by = (
            Session.wallet == proof.address
            if isinstance(proof, WalletProof)
            else Session.phone == proof.phone
        )
        self._end(tx, Session.account_id == account_id, is_opened_by)

    def end_every(self, tx: Tx, account_id: uuid.UUID) -> int:
        """Signs an account out everywhere, by an operator or because it ends; says of how many devices."""
        devices = self._end(tx, Session.account_id == account_id)
        self._devices.forget(tx, devices)
        return len(devices)

    def end(self, tx: Tx, principal: Principal, session_id: uuid.UUID, client: Client) -> None:
        """Signs one device of the account out.

        Raises:
            SessionUnknown: The account has no such session that is open.
        """
        self.require_open(tx, principal)
        ended = self._end(tx, Session.account_id == principal.account_id, Session.id == session_id)
        if not ended:
            raise SessionUnknown("there is no such session")
        if session_id != principal.session_id:
            self._devices.forget(tx, ended)
        self._note_out(tx, principal.account_id, f"session:{session_id}", client)

    def end_all(self, tx: Tx, principal: Principal, client: Client) -> None:
        """Signs the account out everywhere, here too."""
        self.require_open(tx, principal)
        self._devices.forget(tx, self._end(tx, Session.account_id == principal.account_id))
        self._note_out(tx, principal.account_id, "session:all", client)

    def prune(self, tx: Tx) -> int:
        """Forgets sessions that ran out long ago, `PRUNE_MAX` at most; says how many. The beat calls it."""
        parameters = {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX}
        return rows_touched(tx, _PRUNE, parameters) + self._devices.prune(tx)

    def _require_thawed(self, tx: Tx, account_id: uuid.UUID) -> None:
        """Waits for who freezes the account at this moment: no session is opened behind its back."""
        frozen = select(Account.frozen_at).where(Account.id == account_id).with_for_update(read=True)
        if tx.execute(frozen).scalar_one() is not None:
            raise AccountFrozen("the account is frozen; ask the operator")

    def _issue(self, tx: Tx, session: Session) -> SignedIn:
        now = self._clock.now()
        refresh = REFRESH_PREFIX + secrets.token_urlsafe(REFRESH_BYTES)
        expires_at = min(now + self._refresh_life, session.expires_at)
        tx.add(RefreshToken(digest=_digest(refresh), session_id=session.id, expires_at=expires_at))
        # Digests of tokens that would be refused as expired anyway tell nothing any more.
        tx.execute(
            delete(RefreshToken).where(
                RefreshToken.session_id == session.id, RefreshToken.expires_at <= now - KEPT
            )
        )
        tx.flush()
        principal = Principal(session.account_id, self._wallet_of(tx, session), session.id)
        return SignedIn(principal, self._tokens.issue(principal), refresh, expires_at)

    def _wallet_of(self, tx: Tx, session: Session) -> Address | None:
        if session.wallet is not None:
            return session.wallet
        oldest = select(Wallet.address).where(Wallet.account_id == session.account_id)
        return tx.execute(oldest.order_by(Wallet.linked_at, Wallet.address).limit(1)).scalar_one_or_none()

    def _end_reused(self, tx: Tx, session: Session, client: Client) -> Unauthenticated:
        subject = f"session:{session.id}"
        self._end(tx, Session.id == session.id)
        self._audit.note(
            tx, Act.REFRESH_REUSED, account_id=session.account_id, subject=subject, origin=client.origin
        )
        return RefreshReused("the refresh token was used before, so the session has ended; sign in again")

    def _end(self, tx: Tx, *which: ColumnElement[bool]) -> list[uuid.UUID | None]:
        """The devices of the sessions that were open until now; None for one that is forgotten."""
        ended = tx.execute(
            update(Session)
            .where(Session.ended_at.is_(None), *which)
            .values(ended_at=self._clock.now())
            .returning(Session.device_id)
        ).scalars()
        return list(ended)

    def _note_out(self, tx: Tx, account_id: uuid.UUID, subject: str, client: Client) -> None:
        self._audit.note(tx, Act.SIGNED_OUT, account_id=account_id, subject=subject, origin=client.origin)


def opened_by(session: Session, proof: Proof) -> bool:
    if isinstance(proof, WalletProof):
        return session.wallet == proof.address
    return session.phone == proof.phone


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
