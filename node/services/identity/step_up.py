"""A second proof for what a found or stolen device must not do.

A session was opened by one identity; the second proof is another one: an authenticator app, one of its
recovery codes, or another wallet or phone of the account. It holds for a short time, for that session.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import exists, select, update

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Refused
from node.services.identity.audit import Act, Audit
from node.services.identity.errors import IdentityUnknown, SameProof, SecondProofMissing, StepUpNeeded
from node.services.identity.models import Account, Phone, Session, Wallet
from node.services.identity.proof import Proof, WalletProof
from node.services.identity.sessions import Client, SessionService, opened_by
from node.services.identity.tokens import Principal
from node.services.identity.totp import Enrolment, TotpService


class Means(StrEnum):
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    WALLET = "wallet"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class StepUpState:
    """`until` is None where no second proof holds; `proofs` are those that this session can give."""

    until: dt.datetime | None
    proofs: Sequence[Means]
    recovery_codes_left: int


class StepUpService:
    def __init__(
        self,
        clock: Clock,
        audit: Audit,
        sessions: SessionService,
        totp: TotpService,
        *,
        lasts: dt.timedelta,
    ) -> None:
        self._clock = clock
        self._audit = audit
        self._sessions = sessions
        self._totp = totp
        self._lasts = lasts

    def require(self, tx: Tx, principal: Principal, *, is_first_proof_enough: bool = False) -> Session:
        """For unlinking, linking, keys, roles, acts of admins and withdrawals.

        Args:
            is_first_proof_enough: An account that has no second proof may do it after a new sign-in: for what
                gives it one, and for what it can always do.

        Raises:
            SessionEnded: The session was signed out.
            StepUpNeeded: Give one of its `proofs` first.
            SecondProofMissing: There is none to give: add one first.
            SignInTooOld: Where the first proof is enough, it has to be new.
        """
        session = self._sessions.require_open(tx, principal)
        if self._until(session) is not None:
            return session
        proofs = self._proofs(tx, session)
        if proofs:
            raise StepUpNeeded("prove a second time that it is you", proofs=",".join(proofs))
        if not is_first_proof_enough:
            raise SecondProofMissing("add an authenticator app, or another wallet or phone, first")
        return self._sessions.require_fresh(tx, principal)

    def state(self, tx: Tx, principal: Principal) -> StepUpState:
        """Raises SessionEnded."""
        session = self._sessions.require_open(tx, principal)
        left = self._totp.codes_left(tx, session.account_id)
        return StepUpState(self._until(session), self._proofs(tx, session), left)

    def by_totp(self, tx: Tx, principal: Principal, code: str, client: Client) -> Refused | None:
        """None when it holds from now on; else why not, to be raised after the commit."""
        session = self._locked(tx, principal)
        refusal = self._totp.check(tx, session.account_id, session.id, code)
        return self._outcome(tx, session, Means.TOTP, client, refusal)

    def by_recovery_code(self, tx: Tx, principal: Principal, code: str, client: Client) -> Refused | None:
        """As `by_totp`; the code serves once."""
        session = self._locked(tx, principal)
        refusal = self._totp.check_recovery(tx, session.account_id, session.id, code)
        return self._outcome(tx, session, Means.RECOVERY_CODE, client, refusal)

    def by_identity(self, tx: Tx, principal: Principal, proof: Proof, client: Client) -> None:
        """The proof was made in this request.

        Raises:
            SessionEnded, SameProof, IdentityUnknown: By what is wrong.
        """
        session = self._locked(tx, principal)
        self.require_other(tx, session, proof)
        self._hold(tx, session, proof.subject, client)

    def require_other(self, tx: Tx, session: Session, proof: Proof) -> None:
        """Raises SameProof, IdentityUnknown: it cannot be the session's second proof."""
        if opened_by(session, proof):
            raise SameProof("the session was opened by it; prove something else")
        if isinstance(proof, WalletProof):
            mine = select(Wallet.account_id).where(Wallet.address == proof.address)
        else:
            mine = select(Phone.account_id).where(Phone.phone == proof.phone)
        if tx.execute(mine).scalar_one_or_none() != session.account_id:
            raise IdentityUnknown("the account has no such wallet or phone")

    def lapse(self, tx: Tx, session: Session, *subjects: str) -> None:
        """What is no longer the account's proves nothing any more, except in this session."""
        tx.execute(
            update(Session)
            .where(
                Session.account_id == session.account_id,
                Session.id != session.id,
                Session.stepped_up_by.in_(subjects),
            )
            .values(stepped_up_at=None, stepped_up_by=None)
        )

    # The authenticator app itself

    def enrol(self, tx: Tx, principal: Principal) -> Enrolment:
        """A secret for an authenticator app. Raises what `require` raises, and TotpOn."""
        session = self._locked(tx, principal)
        self.require(tx, principal, is_first_proof_enough=True)
        return self._totp.enrol(tx, session.account_id)

    def confirm(self, tx: Tx, principal: Principal, code: str, client: Client) -> list[str] | Refused:
        """The recovery codes, as the app now serves; or why not, to be raised after the commit."""
        session = self._locked(tx, principal)
        self.require(tx, principal, is_first_proof_enough=True)
        refusal = self._totp.confirm(tx, session.account_id, session.id, code)
        if refusal is not None:
            return refusal
        self._note(tx, Act.TOTP_ON, session, "totp", client)
        return self._totp.make_codes(tx, session.account_id)

    def renew_codes(self, tx: Tx, principal: Principal, client: Client) -> list[str]:
        """Raises what `require` raises, and TotpOff."""
        session = self._locked(tx, principal)
        self.require(tx, principal)
        codes = self._totp.make_codes(tx, session.account_id)
        self._note(tx, Act.RECOVERY_CODES_MADE, session, "totp", client)
        return codes

    def remove_totp(self, tx: Tx, principal: Principal, client: Client) -> None:
        """Raises what `require` raises. Again is fine."""
        session = self._locked(tx, principal)
        self.require(tx, principal, is_first_proof_enough=True)
        if self._totp.remove(tx, session.account_id):
            self.lapse(tx, session, Means.TOTP, Means.RECOVERY_CODE)
            self._note(tx, Act.TOTP_OFF, session, "totp", client)

    def _locked(self, tx: Tx, principal: Principal) -> Session:
        """The account first: of two changes the second sees what the first did to its session."""
        tx.execute(select(Account.id).where(Account.id == principal.account_id).with_for_update())
        return self._sessions.require_open(tx, principal)

    def _outcome(
        self, tx: Tx, session: Session, means: Means, client: Client, refusal: Refused | None
    ) -> Refused | None:
        if refusal is None:
            self._hold(tx, session, means, client)
        else:
            self._note(tx, Act.STEP_UP_REFUSED, session, means, client)
        return refusal

    def _hold(self, tx: Tx, session: Session, subject: str, client: Client) -> None:
        session.stepped_up_at, session.stepped_up_by = self._clock.now(), str(subject)
        tx.flush()
        self._note(tx, Act.STEPPED_UP, session, subject, client)

    def _until(self, session: Session) -> dt.datetime | None:
        if session.stepped_up_at is None:
            return None
        until = session.stepped_up_at + self._lasts
        return until if self._clock.now() < until else None

    def _proofs(self, tx: Tx, session: Session) -> list[Means]:
        has_wallet = exists().where(Wallet.account_id == session.account_id)
        has_phone = exists().where(Phone.account_id == session.account_id)
        if session.wallet is not None:
            has_wallet = has_wallet.where(Wallet.address != session.wallet)
        if session.phone is not None:
            has_phone = has_phone.where(Phone.phone != session.phone)
        is_totp_on = self._totp.is_on(tx, session.account_id)
        by_code = is_totp_on and self._totp.codes_left(tx, session.account_id) > 0
        found = {
            Means.TOTP: is_totp_on,
            Means.RECOVERY_CODE: by_code,
            Means.WALLET: bool(tx.execute(select(has_wallet)).scalar_one()),
            Means.PHONE: bool(tx.execute(select(has_phone)).scalar_one()),
        }
        return [means for means, is_there in found.items() if is_there]

    def _note(self, tx: Tx, act: Act, session: Session, subject: str, client: Client) -> None:
        self._audit.note(tx, act, account_id=session.account_id, subject=str(subject), origin=client.origin)
