"""Taking money from a balance on the node to an address on the chain.

    request   hold in the ledger            -> WAITING for an operator, or SENDING, or BOOKED on the node
    approve   the wish enters the outbox    -> SENDING
    reject, cancel: the hold is void
    final     the treasury captured the hold in the transaction of its book; this hears of it by the spine

Everything here is one transaction without a network: what talks to the chain is `wallet.treasury.outbox`.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import select

from node.chain.artifacts import load_artifact
from node.events.withdrawal import WithdrawalMoved, WithdrawalRequested, withdrawal_stream
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from node.kernel.ids import new_id
from node.kernel.money import Amount
from node.kernel.spine.event import StoredEvent
from node.kernel.spine.record import EventRecorder
from node.services.withdrawal.errors import (
    OwnWithdrawal,
    WithdrawalAddressRefused,
    WithdrawalAssetUnknown,
    WithdrawalsClosed,
    WithdrawalStateWrong,
    WithdrawalUnknown,
)
from node.services.withdrawal.models import WithdrawalRow
from node.services.withdrawal.states import NEXT, State
from wallet.ledger.commands import HoldId, Ledger, Posting, Transfer, derived_key
from wallet.ledger.errors import AmountInvalid
from wallet.owners import WALLET, owner_of_account
from wallet.treasury.accounts import TRANSIT, ChainAccounts, Tracked
from wallet.treasury.outbox import Outbox, Wish
from wallet.treasury.receivers import ApprovalRules, Receivers

NEVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # the chain ends the hold, no clock
REASON_CHARS_MAX = 500
SUBJECT: Final = "withdrawal"
OUTGOING_EVENTS: Final = ("outgoing.final", "outgoing.vanished", "outgoing.refused")


class Spending(Protocol):
    """The bounds of what leaves a wallet."""

    def take(self, tx: Tx, owner: str, amount: Amount, *, account_id: uuid.UUID | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    account_id: uuid.UUID
    asset_id: str
    amount: int
    to: Address


class WithdrawalService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        *,
        ledger: Ledger,
        accounts: ChainAccounts,
        outbox: Outbox,
        receivers: Receivers,
        depositor: Callable[[Tx, Address], str | None],
        spending: Spending,
        rules: ApprovalRules,
    ) -> None:
        """`depositor` names the owner of a deposit address of the node, in the ledger."""
        self._clock = clock
        self._events = events
        self._ledger = ledger
        self._accounts = accounts
        self._outbox = outbox
        self._receivers = receivers
        self._depositor = depositor
        self._spending = spending
        self._rules = rules

    def require_open(self, open_at: dt.datetime | None) -> None:
        """Takes what `DeviceService.withdrawals_open_at` says. Raises WithdrawalsClosed."""
        if open_at is not None:
            raise WithdrawalsClosed(
                "something of the account changed a short time ago", open_at=open_at.isoformat()
            )

    def request(self, tx: Tx, request: Request) -> WithdrawalRow:
        """Sets the money aside and has it sent, or asks an operator first.

        Raises:
            TreasuryMissing, WithdrawalAssetUnknown, WithdrawalAddressRefused: Not that, or not there.
            LimitExceeded: Not so much, by the bounds of spending.
            InsufficientFunds, AccountFrozen, AmountInvalid: By the ledger.
        """
        if request.amount <= 0:
            raise AmountInvalid("an amount is a whole number from 1 to 2^256 - 1", amount=str(request.amount))
        tracked = self._tracked(tx, request.asset_id)
        self._check_address(tx, request.to)
        owner, now = owner_of_account(request.account_id), self._clock.now()
        receiver = self._depositor(tx, request.to)
        if receiver == owner:
            raise WithdrawalAddressRefused("the address leads back to the balance", reason="own_deposit")
        amount = Amount(tracked.asset, request.amount)
        withdrawal_id = new_id()
        self._spending.take(tx, owner, amount, account_id=request.account_id)
        wallet = self._ledger.account(tx, owner, WALLET, amount.asset)
        key = derived_key(SUBJECT, withdrawal_id, "hold")
        hold = self._ledger.hold(tx, key, wallet, amount, expires_at=NEVER)
        row = WithdrawalRow(
            id=withdrawal_id,
            chain_id=self._accounts.chain_id,
            account_id=request.account_id,
            owner=owner,
            asset=tracked.address,
            amount=request.amount,
            to=request.to,
            state=State.WAITING,
            hold_id=hold,
            requested_at=now,
            changed_at=now,
        )
        tx.add(row)
        tx.flush()
        asked = WithdrawalRequested(
            withdrawal_id=str(row.id),
            owner=owner,
            asset_id=amount.asset.id,
            amount=str(amount.value),
            to=row.to,
        )
        self._events.record(tx, withdrawal_stream(row.id), asked)
        if receiver is not None:
            self._book(tx, row, amount, receiver)
        elif not self._rules.needs_approval(amount):
            self._send(tx, row, by=None)
        return row

    def cancel(self, tx: Tx, withdrawal_id: uuid.UUID, *, account_id: uuid.UUID) -> WithdrawalRow:
        """By its owner, while it waits. Raises WithdrawalUnknown, WithdrawalStateWrong."""
        row = self._waiting(tx, withdrawal_id, account_id=account_id)
        self._ledger.void(tx, HoldId(row.hold_id))
        self._move(tx, row, State.CANCELLED)
        return row

    def approve(self, tx: Tx, withdrawal_id: uuid.UUID, *, by: str) -> WithdrawalRow:
        """By an operator. Raises WithdrawalUnknown, WithdrawalStateWrong, OwnWithdrawal."""
        row = self._waiting(tx, withdrawal_id)
        self._require_other(row, by)
        self._send(tx, row, by=by)
        return row

    def reject(self, tx: Tx, withdrawal_id: uuid.UUID, *, by: str, reason: str) -> WithdrawalRow:
        """By an operator: the money is free again. Raises as `approve`."""
        row = self._waiting(tx, withdrawal_id)
        self._require_other(row, by)
        self._ledger.void(tx, HoldId(row.hold_id))
        self._move(tx, row, State.REJECTED, by=by, reason=reason[:REASON_CHARS_MAX])
        return row

    def waiting(self, tx: Tx, *, limit: int) -> Sequence[WithdrawalRow]:
        """What an operator has to decide, the oldest first."""
        query = select(WithdrawalRow).where(WithdrawalRow.state == State.WAITING)
        return tx.execute(query.order_by(WithdrawalRow.requested_at).limit(limit)).scalars().all()

    def on_outgoing_event(self, tx: Tx, event: StoredEvent) -> None:
        """The treasury tells what became of a transaction of ours; the ledger knows already."""
        noun, _, number = str(event.payload["subject"]).partition(":")
        if noun != SUBJECT:
            return
        row = tx.get(WithdrawalRow, uuid.UUID(number), with_for_update=True)
        if row is None:
            raise Bug("the treasury sent a withdrawal that nobody asked for", withdrawal=number)
        if event.type_name == "outgoing.vanished":
            self._move(tx, row, State.SENDING, reason="the chain lost it; it is sent again")
        elif event.type_name == "outgoing.refused":
            if event.payload["paid"]:
                self._pay_back(tx, row)
            self._move(tx, row, State.FAILED, reason=str(event.payload["reason"]))
        else:
            row.tx_hash = Hash32(event.payload["tx_hash"])
            succeeded = bool(event.payload["succeeded"])
            reason = None if succeeded else "the transaction reverted"
            self._move(tx, row, State.DONE if succeeded else State.FAILED, reason=reason)

    # What may be asked for

    def _tracked(self, tx: Tx, asset_id: str) -> Tracked:
        for tracked in self._accounts.tracked(tx).values():
            if tracked.asset.id == asset_id:
                return tracked
        raise WithdrawalAssetUnknown("the node pays no such asset out", asset=asset_id)

    def _check_address(self, tx: Tx, to: Address) -> None:
        reason = self._receivers.why_not(tx, to)
        if reason is not None:
            raise WithdrawalAddressRefused("money that is sent there would be lost", reason=reason)

    def _waiting(
        self, tx: Tx, withdrawal_id: uuid.UUID, *, account_id: uuid.UUID | None = None
    ) -> WithdrawalRow:
        row = tx.get(WithdrawalRow, withdrawal_id, with_for_update=True)
        if row is None or (account_id is not None and row.account_id != account_id):
            raise WithdrawalUnknown("there is no such withdrawal")
        if row.state != State.WAITING:
            raise WithdrawalStateWrong("it does not wait any more", state=row.state)
        return row

    def _require_other(self, row: WithdrawalRow, by: str) -> None:
        if by == owner_of_account(row.account_id):
            raise OwnWithdrawal("somebody else decides on one's own money")

    # What becomes of it

    def _book(self, tx: Tx, row: WithdrawalRow, amount: Amount, receiver: str) -> None:
        """No chain is needed where the address is one of ours."""
        wallet = self._ledger.account(tx, receiver, WALLET, amount.asset)
        key = derived_key(SUBJECT, row.id, "booked")
        self._ledger.capture(tx, key, "withdrawal.booked", HoldId(row.hold_id), [(wallet, amount)])
        self._move(tx, row, State.BOOKED)

    def _send(self, tx: Tx, row: WithdrawalRow, *, by: str | None) -> None:
        is_coin = row.asset == ZERO_ADDRESS
        data = "0x" if is_coin else load_artifact("IERC20Metadata").encode("transfer", row.to, row.amount)
        row.outgoing_id = self._outbox.queue(
            tx,
            Wish(
                subject=f"{SUBJECT}:{row.id}",
                to=row.to if is_coin else row.asset,
                data=bytes.fromhex(data[2:]),
                value=row.amount if is_coin else 0,
                asset=row.asset,
                amount=row.amount,
                hold=HoldId(row.hold_id),
            ),
        )
        self._move(tx, row, State.SENDING, by=by)

    def _pay_back(self, tx: Tx, row: WithdrawalRow) -> None:
        """It was final, vanished and never comes again: what was in transit is its owner's."""
        asset = self._accounts.asset_of(tx, row.asset)
        if asset is None:
            raise Bug("a withdrawal in an asset that is not booked", asset=row.asset)
        transit, wallet = (
            self._accounts.of_node(tx, TRANSIT, asset),
            self._ledger.account(tx, row.owner, WALLET, asset),
        )
        posting = Posting(transit, wallet, Amount(asset, row.amount))
        key = derived_key(SUBJECT, row.id, "paid-back")
        self._ledger.post(tx, Transfer(key, "withdrawal.paid_back", (posting,)))

    def _move(
        self, tx: Tx, row: WithdrawalRow, state: State, *, by: str | None = None, reason: str | None = None
    ) -> None:
        """The one place that changes a state."""
        was = State(row.state)
        if state not in NEXT[was]:
            raise Bug("a withdrawal does not go that way", withdrawal=str(row.id), state=was, to=state)
        row.state, row.changed_at, row.reason = state, self._clock.now(), reason
        row.decided_by = by or row.decided_by
        tx.flush()
        moved = WithdrawalMoved(
            withdrawal_id=str(row.id),
            state=state,
            was=was,
            by=by,
            reason=reason,
            tx_hash=row.tx_hash if state in (State.DONE, State.FAILED) else None,
        )
        self._events.record(tx, withdrawal_stream(row.id), moved)
