"""Accounts: what proves them, and what they say of themselves.

Invariants: an identity belongs to one account; an account always keeps one; an identity is added or taken
away by somebody who has just signed in, and taken away only by one who signed in with another that stays.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from node.events.account import AccountOpened, WalletLinked, WalletUnlinked
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address
from node.kernel.ids import new_id
from node.kernel.language import normalise_language
from node.kernel.spine.record import EventRecorder
from node.services.identity import places
from node.services.identity.audit import Act, Audit
from node.services.identity.errors import (
    AccountUnknown,
    IdentityTaken,
    IdentityUnknown,
    LastIdentity,
    SignedInByIt,
    TooManyIdentities,
)
from node.services.identity.models import Account, Session, Wallet
from node.services.identity.sessions import Client, SessionService, SignedIn
from node.services.identity.tokens import Principal

IDENTITIES_MAX = 20  # of one account: people have a few, and each is a way in

_PROFILE: Final[Mapping[str, Callable[[str], str]]] = {
    "language": normalise_language,
    "currency": places.currency,
    "country": places.country,
    "time_zone": places.time_zone,
}


class AccountService:
    def __init__(self, clock: Clock, events: EventRecorder, sessions: SessionService, audit: Audit) -> None:
        self._clock = clock
        self._events = events
        self._sessions = sessions
        self._audit = audit

    def sign_in_wallet(self, tx: Tx, address: Address, client: Client) -> SignedIn:
        """A session for an address that has just proved itself. Without an account it gets one."""
        account_id = tx.execute(
            select(Wallet.account_id).where(Wallet.address == address)
        ).scalar_one_or_none() or self._open(tx, address)
        return self._sessions.open(tx, account_id, wallet=address, client=client)

    def link_wallet(self, tx: Tx, principal: Principal, address: Address, client: Client) -> None:
        """Adds an address that has just proved itself. Again is fine.

        Raises:
            SignInTooOld, SessionEnded: The account has to prove itself as well.
            IdentityTaken: It belongs to another account.
            TooManyIdentities: The account has enough of them.
        """
        self._enter(tx, principal)
        owner = tx.execute(select(Wallet.account_id).where(Wallet.address == address)).scalar_one_or_none()
        if owner == principal.account_id:
            return
        self._require_room(tx, principal.account_id)
        if owner is not None or not self._insert_wallet(tx, principal.account_id, address):
            raise IdentityTaken("the wallet belongs to another account")
        linked = WalletLinked(account_id=str(principal.account_id), address=address)
        self._events.record(tx, f"account:{principal.account_id}", linked)
        self._note(tx, Act.LINKED, principal, f"wallet:{address}", client)

    def unlink_wallet(self, tx: Tx, principal: Principal, address: Address, client: Client) -> None:
        """Takes an address away and signs out the devices that came in by it.

        Raises:
            SignInTooOld, SessionEnded, SignedInByIt: Sign in anew, with an identity that stays.
            IdentityUnknown: The account has no such wallet.
            LastIdentity: Nobody could get in any more.
        """
        session = self._enter(tx, principal)
        wallet = tx.get(Wallet, address)
        if wallet is None or wallet.account_id != principal.account_id:
            raise IdentityUnknown("the account has no such wallet")
        self._require_another(tx, principal.account_id)
        if session.wallet == address:
            raise SignedInByIt("sign in with what stays, then take this away")
        tx.delete(wallet)
        tx.flush()
        self._sessions.end_of(tx, principal.account_id, Session.wallet == address)
        unlinked = WalletUnlinked(account_id=str(principal.account_id), address=address)
        self._events.record(tx, f"account:{principal.account_id}", unlinked)
        self._note(tx, Act.UNLINKED, principal, f"wallet:{address}", client)

    def lock(self, tx: Tx, account_id: uuid.UUID) -> Account:
        """The account, which nobody else changes until the transaction ends. Raises AccountUnknown."""
        found = tx.execute(
            select(Account).where(Account.id == account_id).with_for_update()
        ).scalar_one_or_none()
        if found is None:
            raise AccountUnknown("the account of this token does not exist")
        return found

    def change_profile(self, tx: Tx, account: Account, change: Mapping[str, str | None]) -> None:
        """Sets the fields that are named; None clears one.

        Raises:
            LanguageInvalid, MoneyUnknown, CountryUnknown, TimeZoneUnknown: By what is wrong.
        """
        for field, value in change.items():
            setattr(account, field, None if value is None else _PROFILE[field](value))
        tx.flush()

    def _enter(self, tx: Tx, principal: Principal) -> Session:
        """Locks the account first: of two changes the second sees what the first did to its session."""
        self.lock(tx, principal.account_id)
        return self._sessions.require_fresh(tx, principal)

    def _identities(self, tx: Tx, account_id: uuid.UUID) -> int:
        return tx.execute(
            select(func.count()).select_from(Wallet).where(Wallet.account_id == account_id)
        ).scalar_one()

    def _require_room(self, tx: Tx, account_id: uuid.UUID) -> None:
        if self._identities(tx, account_id) >= IDENTITIES_MAX:
            raise TooManyIdentities(f"an account has at most {IDENTITIES_MAX} identities")

    def _require_another(self, tx: Tx, account_id: uuid.UUID) -> None:
        if self._identities(tx, account_id) <= 1:
            raise LastIdentity("link another wallet or phone first")

    def _insert_wallet(self, tx: Tx, account_id: uuid.UUID, address: Address) -> bool:
        """Whether it is now the account's. Waits for whoever is linking the same address."""
        inserted = tx.execute(
            insert(Wallet)
            .values(address=address, account_id=account_id, linked_at=self._clock.now())
            .on_conflict_do_nothing(index_elements=[Wallet.address])
            .returning(Wallet.address)
        )
        return inserted.scalar_one_or_none() is not None

    def _open(self, tx: Tx, address: Address) -> uuid.UUID:
        account_id = new_id()
        # Two first sign-ins at once: the second waits here for the first, then takes its account.
        with tx.begin_nested() as savepoint:
            tx.execute(insert(Account).values(id=account_id, opened_at=self._clock.now()))
            mine = self._insert_wallet(tx, account_id, address)
            if not mine:
                savepoint.rollback()
        if not mine:
            return tx.execute(select(Wallet.account_id).where(Wallet.address == address)).scalar_one()
        opened = AccountOpened(account_id=str(account_id), address=address)
        self._events.record(tx, f"account:{account_id}", opened, expected_version=0)
        return account_id

    def _note(self, tx: Tx, act: Act, principal: Principal, subject: str, client: Client) -> None:
        self._audit.note(tx, act, account_id=principal.account_id, subject=subject, origin=client.origin)
