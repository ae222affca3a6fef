"""Accounts: what proves them, and what they say of themselves.

Invariants: an identity belongs to one account; an account always keeps one; an identity is added or taken
away by somebody who gave a second proof, and taken away only by one who signed in with another that stays. An
account without a second proof gets its first one after a new sign-in.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Delete, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from node.events.account import AccountOpened, PhoneLinked, PhoneUnlinked, WalletLinked, WalletUnlinked
from node.kernel.clock import Clock
from node.kernel.countries import country
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.language import normalise_language
from node.kernel.spine.event import Event
from node.kernel.spine.record import EventRecorder
from node.services.identity import places
from node.services.identity.audit import Act, Audit
from node.services.identity.devices import DeviceService
from node.services.identity.errors import (
    AccountFrozen,
    AccountUnknown,
    IdentityTaken,
    IdentityUnknown,
    LastIdentity,
    SignedInByIt,
    TooManyIdentities,
)
from node.services.identity.models import Account, Phone, Session, Wallet
from node.services.identity.proof import Proof, WalletProof
from node.services.identity.sessions import Client, SessionService, SignedIn, opened_by
from node.services.identity.step_up import StepUpService
from node.services.identity.tokens import Principal

IDENTITIES_MAX = 20  # of one account: people have a few, and each is a way in

_PROFILE: Final[Mapping[str, Callable[[str], str]]] = {
    "language": normalise_language,
    "currency": places.currency,
    "country": country,
    "time_zone": places.time_zone,
}


class AccountService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        audit: Audit,
        *,
        sessions: SessionService,
        step_up: StepUpService,
        devices: DeviceService,
    ) -> None:
        self._clock = clock
        self._events = events
        self._sessions = sessions
        self._step_up = step_up
        self._devices = devices
        self._audit = audit

    def sign_in(self, tx: Tx, proof: Proof, client: Client) -> SignedIn:
        """A session for what has just proved itself. Without an account it gets one."""
        owner = self._owner(tx, proof)
        account_id = owner or self._open(tx, proof)
        return self._sessions.open(tx, account_id, proof, client, is_account_new=owner is None)

    def link(self, tx: Tx, principal: Principal, proof: Proof, client: Client) -> None:
        """Adds what has just proved itself. Again is fine.

        Raises:
            StepUpNeeded, SignInTooOld, SessionEnded: The account has to prove itself as well.
            IdentityTaken: It belongs to another account.
            TooManyIdentities: The account has enough of them.
        """
        self._enter(tx, principal, is_first_proof_enough=True)
        owner = self._owner(tx, proof)
        if owner == principal.account_id:
            return
        if self.identities(tx, principal.account_id) >= IDENTITIES_MAX:
            raise TooManyIdentities(f"an account has at most {IDENTITIES_MAX} wallets and phones")
        if owner is not None or not self._claim(tx, principal.account_id, proof):
            raise IdentityTaken("it belongs to another account")
        self._devices.cool_down(tx, principal.account_id)
        self._tell(tx, principal.account_id, _linked(principal.account_id, proof))
        self._note(tx, Act.LINKED, principal, proof, client)

    def unlink(self, tx: Tx, principal: Principal, proof: Proof, client: Client) -> None:
        """Takes an identity away and signs out the devices that came in by it. The proof need not be new.

        Raises:
            StepUpNeeded, SessionEnded: The account has to prove itself once more.
            SignedInByIt: Sign in with an identity that stays.
            IdentityUnknown: The account has no such wallet or phone.
            LastIdentity: Nobody could get in any more.
        """
        session = self._enter(tx, principal)
        self.require_removable(tx, session, proof)
        if opened_by(session, proof):
            raise SignedInByIt("sign in with what stays, then take this away")
        self.take_away(tx, session, proof)
        self._note(tx, Act.UNLINKED, principal, proof, client)

    def require_removable(self, tx: Tx, session: Session, proof: Proof) -> None:
        """Raises IdentityUnknown, LastIdentity."""
        if self._owner(tx, proof) != session.account_id:
            raise IdentityUnknown("the account has no such wallet or phone")
        if self.identities(tx, session.account_id) <= 1:
            raise LastIdentity("link another wallet or phone first")

    def take_away(self, tx: Tx, session: Session, proof: Proof) -> None:
        """The identity goes, with the devices that came in by it and what it proved. Judge first."""
        tx.execute(_delete(proof))
        self._sessions.end_of(tx, session.account_id, proof)
        self._step_up.lapse(tx, session, proof.subject)
        self._tell(tx, session.account_id, _unlinked(session.account_id, proof))

    def lock(self, tx: Tx, account_id: uuid.UUID) -> Account:
        """The account, which nobody else changes until the transaction ends.

        Raises:
            AccountUnknown: There is none.
            AccountFrozen: An operator shut it out; whatever session asks, nothing of it changes.
        """
        found = tx.execute(
            select(Account).where(Account.id == account_id).with_for_update()
        ).scalar_one_or_none()
        if found is None:
            raise AccountUnknown("the account of this token does not exist")
        if found.frozen_at is not None:
            raise AccountFrozen("the account is frozen; ask the operator")
        return found

    def change_profile(self, tx: Tx, account: Account, change: Mapping[str, str | None]) -> None:
        """Sets the fields that are named; None clears one.

        Raises:
            LanguageInvalid, MoneyUnknown, CountryUnknown, TimeZoneUnknown: By what is wrong.
        """
        for field, value in change.items():
            setattr(account, field, None if value is None else _PROFILE[field](value))
        tx.flush()

    def _enter(self, tx: Tx, principal: Principal, *, is_first_proof_enough: bool = False) -> Session:
        """Locks the account first: of two changes the second sees what the first did to its session."""
        self.lock(tx, principal.account_id)
        return self._step_up.require(tx, principal, is_first_proof_enough=is_first_proof_enough)

    def identities(self, tx: Tx, account_id: uuid.UUID) -> int:
        wallets = select(func.count()).select_from(Wallet).where(Wallet.account_id == account_id)
        phones = select(func.count()).select_from(Phone).where(Phone.account_id == account_id)
        return int(tx.execute(wallets).scalar_one()) + int(tx.execute(phones).scalar_one())

    def _owner(self, tx: Tx, proof: Proof) -> uuid.UUID | None:
        if isinstance(proof, WalletProof):
            wanted = select(Wallet.account_id).where(Wallet.address == proof.address)
        else:
            wanted = select(Phone.account_id).where(Phone.phone == proof.phone)
        return tx.execute(wanted).scalar_one_or_none()

    def _claim(self, tx: Tx, account_id: uuid.UUID, proof: Proof) -> bool:
        """Whether it is now the account's. Waits for whoever is claiming the same."""
        mine = {"account_id": account_id, "linked_at": self._clock.now()}
        if isinstance(proof, WalletProof):
            wallet = insert(Wallet).values(address=proof.address, **mine).on_conflict_do_nothing()
            return tx.execute(wallet.returning(Wallet.account_id)).scalar_one_or_none() is not None
        phone = insert(Phone).values(phone=proof.phone, **mine).on_conflict_do_nothing()
        return tx.execute(phone.returning(Phone.account_id)).scalar_one_or_none() is not None

    def _open(self, tx: Tx, proof: Proof) -> uuid.UUID:
        account_id = new_id()
        # Two first sign-ins at once: the second waits here for the first, then takes its account.
        with tx.begin_nested() as savepoint:
            tx.execute(insert(Account).values(id=account_id, opened_at=self._clock.now()))
            mine = self._claim(tx, account_id, proof)
            if not mine:
                savepoint.rollback()
        if not mine:
            theirs = self._owner(tx, proof)
            assert theirs is not None
            return theirs
        address = proof.address if isinstance(proof, WalletProof) else None
        opened = AccountOpened(account_id=str(account_id), address=address)
        self._events.record(tx, f"account:{account_id}", opened, expected_version=0)
        return account_id

    def _tell(self, tx: Tx, account_id: uuid.UUID, event: Event) -> None:
        self._events.record(tx, f"account:{account_id}", event)

    def _note(self, tx: Tx, act: Act, principal: Principal, proof: Proof, client: Client) -> None:
        self._audit.note(
            tx, act, account_id=principal.account_id, subject=proof.subject, origin=client.origin
        )


def _delete(proof: Proof) -> Delete:
    if isinstance(proof, WalletProof):
        return delete(Wallet).where(Wallet.address == proof.address)
    return delete(Phone).where(Phone.phone == proof.phone)


def _linked(account_id: uuid.UUID, proof: Proof) -> Event:
    if isinstance(proof, WalletProof):
        return WalletLinked(account_id=str(account_id), address=proof.address)
    return PhoneLinked(account_id=str(account_id))


def _unlinked(account_id: uuid.UUID, proof: Proof) -> Event:
    if isinstance(proof, WalletProof):
        return WalletUnlinked(account_id=str(account_id), address=proof.address)
    return PhoneUnlinked(account_id=str(account_id))
