"""A lost phone, wallet or authenticator app is taken away by one proof alone, after a time to object.

All that sign in to the account are told, and each of them can cancel. Invariants: one recovery of an account
is under way at most; it removes what was named when it was begun and nothing else; never the last identity.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from node.events.account import RecoveryAsked
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.log import get_logger
from node.kernel.spine.record import EventRecorder
from node.services.identity.accounts import AccountService
from node.services.identity.audit import Act, Audit
from node.services.identity.counters import Counters, Limit
from node.services.identity.devices import DeviceService
from node.services.identity.errors import (
    RecoveryLimitReached,
    RecoveryNotRipe,
    RecoveryOpen,
    RecoveryUnknown,
    SignedInByIt,
    TotpOff,
)
from node.services.identity.models import Account, Phone, Recovery, Session
from node.services.identity.numbers import PhoneNumber
from node.services.identity.phones import SmsSender
from node.services.identity.proof import PhoneProof, Proof, WalletProof
from node.services.identity.sessions import Client, SessionService, opened_by
from node.services.identity.step_up import Means, StepUpService
from node.services.identity.tokens import Principal
from node.services.identity.totp import TotpService
from node.services.identity.words import WORDS, language_of

log = get_logger(__name__)

BEGUN: Final = Limit("recoveries", dt.timedelta(days=30), 3)
CANCELLED, DONE = "cancelled", "done"

Begin = Callable[[], AbstractContextManager[Tx]]


@dataclass(frozen=True, slots=True)
class LostTotp:
    """The authenticator app and its recovery codes."""

    subject: str = "totp"


Lost = Proof | LostTotp


class RecoveryService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        audit: Audit,
        *,
        accounts: AccountService,
        sessions: SessionService,
        step_up: StepUpService,
        devices: DeviceService,
        totp: TotpService,
        sender: SmsSender | None,
        delay: dt.timedelta,
        name_phone: Callable[[PhoneNumber], PhoneProof],
    ) -> None:
        self._clock = clock
        self._events = events
        self._audit = audit
        self._accounts = accounts
        self._sessions = sessions
        self._step_up = step_up
        self._devices = devices
        self._totp = totp
        self._sender = sender
        self._delay = delay
        self._name_phone = name_phone
        self._counters = Counters(clock)

    def ask(self, tx: Tx, principal: Principal, lost: Lost, client: Client) -> uuid.UUID:
        """Begins the time to object.

        Raises:
            SessionEnded, SignInTooOld: Sign in anew, with what is not lost.
            SignedInByIt: It is not lost.
            IdentityUnknown, LastIdentity, TotpOff: There is nothing to take away, or no way in without it.
            RecoveryOpen, RecoveryLimitReached: Not now.
        """
        session = self._entered(tx, principal, lost)
        self._require_there(tx, session, lost)
        if self._open(tx, session.account_id) is not None:
            raise RecoveryOpen("finish or cancel the recovery that is under way")
        if not self._counters.take(tx, BEGUN, str(session.account_id)):
            raise RecoveryLimitReached("too many were begun", retry_after_s=self._counters.wait_s(BEGUN))
        now = self._clock.now()
        recovery = Recovery(
            id=new_id(),
            account_id=session.account_id,
            wallet=lost.address if isinstance(lost, WalletProof) else None,
            phone=lost.phone if isinstance(lost, PhoneProof) else None,
            is_totp=isinstance(lost, LostTotp),
            asked_by=str(session.id),
            asked_at=now,
            ripe_at=now + self._delay,
        )
        tx.add(recovery)
        tx.flush()
        asked = RecoveryAsked(account_id=str(session.account_id), recovery_id=str(recovery.id))
        self._events.record(tx, f"account:{session.account_id}", asked)
        self._note(tx, Act.RECOVERY_ASKED, recovery, lost.subject, client)
        return recovery.id

    def cancel(self, tx: Tx, principal: Principal, recovery_id: uuid.UUID, client: Client) -> None:
        """Whoever signs in to the account may object. Raises SessionEnded, RecoveryUnknown."""
        self._accounts.lock(tx, principal.account_id)
        self._sessions.require_open(tx, principal)
        recovery = self._needed(tx, principal, recovery_id)
        self._finish(tx, recovery, CANCELLED)
        self._note(tx, Act.RECOVERY_CANCELLED, recovery, self._lost(recovery).subject, client)

    def complete(self, tx: Tx, principal: Principal, recovery_id: uuid.UUID, client: Client) -> None:
        """Takes away what is lost and signs its devices out; nothing is withdrawn for a while.

        Raises:
            RecoveryUnknown, RecoveryNotRipe: There is none, or others may still object.
            SessionEnded, SignInTooOld, SignedInByIt, IdentityUnknown, LastIdentity: As when it was begun.
        """
        self._accounts.lock(tx, principal.account_id)
        recovery = self._needed(tx, principal, recovery_id)
        lost = self._lost(recovery)
        session = self._entered(tx, principal, lost)
        self._require_there(tx, session, lost)
        wait_s = (recovery.ripe_at - self._clock.now()).total_seconds()
        if wait_s > 0:
            raise RecoveryNotRipe("others may still object", retry_after_s=int(wait_s) + 1)
        if isinstance(lost, LostTotp):
            self._totp.remove(tx, session.account_id)
            self._step_up.lapse(tx, session, Means.TOTP, Means.RECOVERY_CODE)
        else:
            self._accounts.take_away(tx, session, lost)
        self._devices.cool_down(tx, session.account_id)
        self._finish(tx, recovery, DONE)
        self._note(tx, Act.RECOVERY_DONE, recovery, lost.subject, client)

    def tell(self, begin: Begin, recovery_id: uuid.UUID) -> None:
        """Sends a message to each phone of the account, the lost one too. The worker calls it; at least once.

        Raises:
            Transient, Refused: As carriers do.
        """
        with begin() as tx:
            recovery = tx.get(Recovery, recovery_id)
            if recovery is None or recovery.noticed_at or recovery.ended_at or self._sender is None:
                log.info("recovery_not_told", recovery=str(recovery_id))
                return
            profile = tx.get_one(Account, recovery.account_id).language
            of_account = select(Phone.phone).where(Phone.account_id == recovery.account_id)
            phones = list(tx.execute(of_account.order_by(Phone.phone)).scalars())
        for phone in phones:
            self._sender.send(phone, WORDS[language_of(phone, "", profile=profile)].recovery)
        with begin() as tx:
            told = tx.get(Recovery, recovery_id, with_for_update=True)
            if told is not None:
                told.noticed_at = self._clock.now()

    def _entered(self, tx: Tx, principal: Principal, lost: Lost) -> Session:
        self._accounts.lock(tx, principal.account_id)
        session = self._sessions.require_fresh(tx, principal)
        if not isinstance(lost, LostTotp) and opened_by(session, lost):
            raise SignedInByIt("you signed in with it: it is not lost")
        return session

    def _require_there(self, tx: Tx, session: Session, lost: Lost) -> None:
        if not isinstance(lost, LostTotp):
            self._accounts.require_removable(tx, session, lost)
        elif not self._totp.is_on(tx, session.account_id):
            raise TotpOff("the account has no authenticator app")

    def _open(self, tx: Tx, account_id: uuid.UUID) -> Recovery | None:
        found = select(Recovery).where(Recovery.account_id == account_id, Recovery.ended_at.is_(None))
        return tx.execute(found).scalar_one_or_none()

    def _needed(self, tx: Tx, principal: Principal, recovery_id: uuid.UUID) -> Recovery:
        recovery = self._open(tx, principal.account_id)
        if recovery is None or recovery.id != recovery_id:
            raise RecoveryUnknown("there is no such recovery under way")
        return recovery

    def _lost(self, recovery: Recovery) -> Lost:
        if recovery.wallet is not None:
            return WalletProof(recovery.wallet)
        return LostTotp() if recovery.phone is None else self._name_phone(PhoneNumber(recovery.phone))

    def _finish(self, tx: Tx, recovery: Recovery, outcome: str) -> None:
        recovery.ended_at, recovery.outcome = self._clock.now(), outcome
        tx.flush()

    def _note(self, tx: Tx, act: Act, recovery: Recovery, subject: str, client: Client) -> None:
        self._audit.note(tx, act, account_id=recovery.account_id, subject=subject, origin=client.origin)
