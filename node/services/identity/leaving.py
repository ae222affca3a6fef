"""An account's end: merged into another one of its owner, or deleted; and what it takes along (export).

Invariants: nothing moves that its owner was not shown, and the owner has proved to own both; what the books
need stays, without the person; an account that ended never signs in again.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import select, update

from node.events.account import AccountClosed, AccountMerged
from node.kernel.clock import Clock
from node.kernel.db.types import Uint256
from node.kernel.db.unit_of_work import Tx
from node.kernel.spine.record import EventRecorder
from node.services.identity.accounts import IDENTITIES_MAX, AccountService
from node.services.identity.audit import Act, Audit
from node.services.identity.devices import DeviceService
from node.services.identity.errors import ClosingRefused, MergeMoved, MergeRefused
from node.services.identity.holdings import Fate, Holding, Holdings
from node.services.identity.models import Account, Phone, PhoneChallenge
from node.services.identity.sessions import Client, SessionService
from node.services.identity.step_up import StepUpService
from node.services.identity.tokens import Principal

EXPORT_ROWS_MAX = 10_000  # of one kind; the export says where there are more
PROFILE: Final = ("language", "currency", "country", "time_zone")


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge does, as of now. `confirm` names exactly this: the merge is asked for by it."""

    account_id: uuid.UUID
    into: uuid.UUID
    moves: Mapping[str, int]
    stays: Mapping[str, int]
    ends: Mapping[str, int]
    refused: tuple[str, ...]

    @property
    def confirm(self) -> str:
        parts = [str(self.account_id), str(self.into), self.moves, self.stays, self.ends, self.refused]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class LeavingService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        audit: Audit,
        holdings: Holdings,
        *,
        accounts: AccountService,
        sessions: SessionService,
        step_up: StepUpService,
        devices: DeviceService,
    ) -> None:
        self._clock = clock
        self._events = events
        self._audit = audit
        self._holdings = holdings
        self._accounts = accounts
        self._sessions = sessions
        self._step_up = step_up
        self._devices = devices

    def preview(self, tx: Tx, principal: Principal, given_up: Principal) -> MergePreview:
        """What would become of `given_up`, who proved itself by an access token.

        Raises:
            SessionEnded, StepUpNeeded, SignInTooOld: Of either of the two, which need the same proofs.
        """
        # In the order of ids, as two merges the other way round would wait for each other.
        for account_id in sorted({principal.account_id, given_up.account_id}):
            self._accounts.lock(tx, account_id)
        for one in (principal, given_up):
            self._step_up.require(tx, one, is_first_proof_enough=True)
        source, target = given_up.account_id, principal.account_id
        return MergePreview(
            source,
            target,
            moves=self._holdings.count(tx, source, Fate.MOVES),
            stays=self._holdings.count(tx, source, Fate.STAYS),
            ends=self._holdings.count(tx, source, Fate.ENDS),
            refused=tuple(self._reasons(tx, source, target)),
        )

    def merge(
        self, tx: Tx, principal: Principal, given_up: Principal, confirm: str, client: Client
    ) -> MergePreview:
        """Does what the preview showed, and signs the account that is given up out everywhere.

        Raises:
            MergeRefused: The preview says why.
            MergeMoved: It is not what the preview showed.
        """
        preview = self.preview(tx, principal, given_up)
        if preview.refused:
            raise MergeRefused("the accounts can't become one", reasons="; ".join(preview.refused))
        if preview.confirm != confirm:
            raise MergeMoved("ask for the preview again, and confirm what it shows")
        source, target = preview.account_id, preview.into
        self._sessions.end_every(tx, source)
        self._holdings.move(tx, source, target)
        self._close(tx, source, merged_into=target)
        self._devices.cool_down(tx, target)
        merged = AccountMerged(account_id=str(source), into=str(target))
        for account_id, other in ((source, target), (target, source)):
            self._events.record(tx, f"account:{account_id}", merged)
            self._audit.note(
                tx, Act.MERGED, account_id=account_id, subject=f"account:{other}", origin=client.origin
            )
        return preview

    def delete(self, tx: Tx, principal: Principal, client: Client) -> None:
        """Takes the person out of the account, which then stays as a number in the books.

        Raises:
            SessionEnded, StepUpNeeded, SignInTooOld: It is not proved who asks.
            ClosingRefused: What is open has to come to an end first.
        """
        account_id = principal.account_id
        self._accounts.lock(tx, account_id)
        self._step_up.require(tx, principal, is_first_proof_enough=True)
        unfinished = [*self._holdings.unfinished(tx, account_id), *self._holdings.money(tx, account_id)]
        if unfinished:
            raise ClosingRefused("something of it is not finished", reasons="; ".join(unfinished))
        codes = PhoneChallenge.phone.in_(select(Phone.phone).where(Phone.account_id == account_id))
        tx.execute(PhoneChallenge.__table__.delete().where(codes))  # type: ignore[attr-defined]
        self._holdings.end(tx, account_id)
        self._close(tx, account_id)
        self._events.record(tx, f"account:{account_id}", AccountClosed(account_id=str(account_id)))
        self._audit.note(tx, Act.CLOSED, account_id=account_id, origin=client.origin)

    def export(self, tx: Tx, principal: Principal, client: Client) -> dict[str, object]:
        """Everything that the node keeps of the person, by kind. Raises SessionEnded, AccountUnknown."""
        self._sessions.require_open(tx, principal)
        account = self._accounts.lock(tx, principal.account_id)
        kinds = {holding.name: self._rows(tx, holding, account.id) for holding in self._holdings.all}
        self._audit.note(tx, Act.EXPORTED, account_id=account.id, origin=client.origin)
        return {
            "account_id": str(account.id),
            "exported_at": _plain(self._clock.now()),
            "opened_at": _plain(account.opened_at),
            "profile": {name: getattr(account, name) for name in PROFILE},
            "truncated": [name for name, rows in kinds.items() if len(rows) > EXPORT_ROWS_MAX],
            "holdings": {name: rows[:EXPORT_ROWS_MAX] for name, rows in kinds.items()},
        }

    def _reasons(self, tx: Tx, source: uuid.UUID, target: uuid.UUID) -> list[str]:
        if source == target:
            return ["it is the same account"]
        reasons = self._holdings.open_between(tx, source, target)
        reasons += [f"pay out first: {name}" for name in self._holdings.money(tx, source)]
        if sum(self._accounts.identities(tx, one) for one in (source, target)) > IDENTITIES_MAX:
            reasons.append(f"one account has at most {IDENTITIES_MAX} wallets and phones")
        return reasons

    def _close(self, tx: Tx, account_id: uuid.UUID, *, merged_into: uuid.UUID | None = None) -> None:
        nothing = dict.fromkeys(PROFILE)
        values = {**nothing, "closed_at": self._clock.now(), "merged_into": merged_into}
        tx.execute(update(Account).where(Account.id == account_id).values(values))

    def _rows(self, tx: Tx, holding: Holding, account_id: uuid.UUID) -> list[dict[str, object]]:
        """One more than an export holds, where there are more."""
        columns = [
            column for column in holding.column.class_.__table__.columns if column.name not in holding.secret
        ]
        amounts = {column.name for column in columns if isinstance(column.type, Uint256)}
        rows = tx.execute(select(*columns).where(holding.column == account_id).limit(EXPORT_ROWS_MAX + 1))
        return [
            {
                name: str(value) if name in amounts and value is not None else _plain(value)
                for name, value in row.items()
            }
            for row in rows.mappings()
        ]


def _plain(value: object) -> object:
    """As JSON has it everywhere else in the API."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (bytes, memoryview)):
        return "0x" + bytes(value).hex()
    return str(value) if isinstance(value, (uuid.UUID, Decimal)) else value
