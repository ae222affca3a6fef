"""What operators do to accounts: roles for the whole node, shutting out, signing out.

Each act is in the audit log with who did it. The first admin is made on the command line, by whoever runs the
node (`asoud role grant`): nobody gives himself a role through the API.
"""

import uuid

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from node.events.account import AccountFrozen as Frozen
from node.events.account import AccountUnfrozen as Unfrozen
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Invalid
from node.kernel.hexes import parse_address
from node.kernel.spine.record import EventRecorder
from node.services.identity.audit import Act, Audit
from node.services.identity.errors import AccountUnknown
from node.services.identity.models import Account, Phone, PlatformRole, RoleGrant, Wallet
from node.services.identity.numbers import parse_phone
from node.services.identity.sessions import SessionService


class RoleService:
    """`by` says who did it: `account:<id>` of an operator, or `cli:<user>` on the node's own machine."""

    def __init__(self, clock: Clock, events: EventRecorder, sessions: SessionService, audit: Audit) -> None:
        self._clock = clock
        self._events = events
        self._sessions = sessions
        self._audit = audit

    def find(self, tx: Tx, named: str) -> uuid.UUID:
        """The account that a person named by its id, one of its wallets or one of its phones.

        Raises:
            Invalid, AccountUnknown: It is none of these, or nobody's.
        """
        named = named.strip()
        if named.startswith("0x"):
            wanted = select(Wallet.account_id).where(Wallet.address == parse_address(named))
        elif named.startswith("+"):
            wanted = select(Phone.account_id).where(Phone.phone == parse_phone(named))
        else:
            wanted = select(Account.id).where(Account.id == _account_id(named))
        found = tx.execute(wanted).scalar_one_or_none()
        if found is None:
            raise AccountUnknown("there is no such account; it exists after its first sign-in")
        return found

    def grant(self, tx: Tx, account_id: uuid.UUID, role: PlatformRole, *, by: str) -> bool:
        """Whether the account did not have it before. Raises AccountUnknown."""
        self._locked(tx, account_id)
        row = {"account_id": account_id, "role": role.value, "granted_at": self._clock.now()}
        granted = tx.execute(
            insert(RoleGrant).values(**row).on_conflict_do_nothing().returning(RoleGrant.role)
        ).scalar_one_or_none()
        if granted is not None:
            self._note(tx, Act.ROLE_GRANTED, account_id, f"role:{role.value}", by)
        return granted is not None

    def revoke(self, tx: Tx, account_id: uuid.UUID, role: PlatformRole, *, by: str) -> bool:
        """Whether the account had it."""
        gone = tx.execute(
            delete(RoleGrant)
            .where(RoleGrant.account_id == account_id, RoleGrant.role == role.value)
            .returning(RoleGrant.role)
        ).scalar_one_or_none()
        if gone is not None:
            self._note(tx, Act.ROLE_REVOKED, account_id, f"role:{role.value}", by)
        return gone is not None

    def freeze(self, tx: Tx, account_id: uuid.UUID, *, by: str) -> bool:
        """Shuts an account out, and signs it out everywhere. Whether it was not so before.

        Raises:
            AccountUnknown: There is none.
        """
        account = self._locked(tx, account_id)
        if account.frozen_at is not None:
            return False
        account.frozen_at = self._clock.now()
        self._sessions.end_every(tx, account_id)
        self._events.record(tx, f"account:{account_id}", Frozen(account_id=str(account_id)))
        self._note(tx, Act.FROZEN, account_id, "", by)
        return True

    def unfreeze(self, tx: Tx, account_id: uuid.UUID, *, by: str) -> bool:
        """Lets an account sign in again. Whether it was frozen. Raises AccountUnknown."""
        account = self._locked(tx, account_id)
        if account.frozen_at is None:
            return False
        account.frozen_at = None
        self._events.record(tx, f"account:{account_id}", Unfrozen(account_id=str(account_id)))
        self._note(tx, Act.UNFROZEN, account_id, "", by)
        return True

    def sign_out(self, tx: Tx, account_id: uuid.UUID, *, by: str) -> int:
        """Signs an account out everywhere; says of how many devices. Raises AccountUnknown."""
        self._locked(tx, account_id)
        ended = self._sessions.end_every(tx, account_id)
        self._note(tx, Act.SIGNED_OUT_BY_OPERATOR, account_id, "session:all", by)
        return ended

    def of(self, tx: Tx, account_id: uuid.UUID) -> tuple[frozenset[str], bool]:
        """The account's roles, and whether it is frozen. Raises AccountUnknown."""
        account = tx.get(Account, account_id)
        if account is None:
            raise AccountUnknown("there is no such account")
        granted = select(RoleGrant.role).where(RoleGrant.account_id == account_id)
        return frozenset(tx.execute(granted).scalars()), account.frozen_at is not None

    def note(self, tx: Tx, act: Act, subject: str, *, by: str) -> None:
        """What an operator did to no account."""
        self._audit.note(tx, act, subject=subject, origin=by)

    def _locked(self, tx: Tx, account_id: uuid.UUID) -> Account:
        found = tx.execute(
            select(Account).where(Account.id == account_id).with_for_update()
        ).scalar_one_or_none()
        if found is None:
            raise AccountUnknown("there is no such account")
        return found

    def _note(self, tx: Tx, act: Act, account_id: uuid.UUID, subject: str, by: str) -> None:
        self._audit.note(tx, act, account_id=account_id, subject=subject, origin=by)


def _account_id(named: str) -> uuid.UUID:
    try:
        return uuid.UUID(named)
    except ValueError as error:
        raise Invalid("an account is named by its id, a wallet (0x…) or a phone (+…)") from error
