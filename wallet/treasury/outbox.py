"""Sending what the node decided to send: wish -> nonce -> signed -> broadcast -> final.

    1. the wish is a row, committed by whoever has it (QUEUED)
    2. it gets the next nonce of our address, under the lock of that counter (NUMBERED)
    3. a signed transaction is stored before anybody outside hears of it (an attempt)
    4. it is broadcast, again and again until the chain has it
    5. one that waits too long gets another attempt with the same nonce and a higher fee, within a bound
    6. it is booked when it is final, in the transaction that moves the book (`settling.py`)

Killed anywhere, the next round looks at rows and chain alone and goes on. Two processes may do rounds at
once: nonces and numbers of attempts are unique, and who comes second broadcasts what the first stored.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from node.chain.artifacts import load_artifact
from node.chain.client import Call, ChainClient, Fee, Receipt, tx_hash_of
from node.chain.errors import ExecutionReverted, FeeTooLow, InsufficientNativeFunds, NonceTooLow
from node.events.treasury import OutgoingRefused, outgoing_stream
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug, Refused
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.ids import new_id
from node.kernel.log import get_logger
from node.kernel.spine.record import EventRecorder
from wallet.custody.signer import Signer, Transaction
from wallet.ledger.commands import HoldId, Ledger
from wallet.treasury.errors import OutgoingMayArrive, OutgoingUnknown, TreasuryMissing
from wallet.treasury.models import AttemptRow, BookRow, NonceRow, OutgoingRow, OutgoingState
from wallet.treasury.parts import Part, Parts

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]

IN_FLIGHT_MAX = 16  # numbered at once: servers keep few waiting transactions of one sender
LOOKED_AT_MAX = 50  # queued ones in a round, so that one that must wait keeps no other back
GAS_SPARE_BPS = 2_000  # on top of the estimate, as the state may move until it is mined
# A server takes a replacement that pays a tenth more; an eighth is what most ask of both fees.
BUMP_DIVISOR = 8
REASON_CHARS_MAX = 500
SHORT = "the treasury is short of it"


@dataclass(frozen=True, slots=True)
class FeeRules:
    """`max_fee` bounds what one gas may ever cost, in wei; a transaction that would need more waits."""

    max_fee: int
    stuck_after: dt.timedelta


@dataclass(frozen=True, slots=True)
class Wish:
    """A transaction without nonce and fees. `amount` of `asset` leaves our custody by it.

    It is set aside in one `hold`, or in those of the `parts`.
    """

    subject: str
    to: Address
    data: bytes = b""
    value: int = 0
    asset: Address = ZERO_ADDRESS
    amount: int = 0
    hold: HoldId | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Mined:
    """An attempt that is in a block."""

    outgoing_id: uuid.UUID
    receipt: Receipt


class Outbox:
    def __init__(
        self,
        clock: Clock,
        chain: ChainClient,
        *,
        ledger: Ledger,
        parts: Parts,
        events: EventRecorder,
        signer: Callable[[], Signer] | None,
        rules: FeeRules,
    ) -> None:
        """Without a `signer` the node keeps no money on its chain."""
        self._clock = clock
        self._chain = chain
        self._ledger = ledger
        self._parts = parts
        self._events = events
        self._signer = signer
        self._rules = rules

    @property
    def is_open(self) -> bool:
        return self._signer is not None

    @property
    def address(self) -> Address:
        """The treasury. Raises TreasuryMissing."""
        return self._key().address

    def queue(self, tx: Tx, wish: Wish) -> uuid.UUID:
        """Takes note of a wish in the caller's transaction."""
        now = self._clock.now()
        row = OutgoingRow(
            id=new_id(),
            chain_id=self._chain.chain_id,
            sender=self.address,
            subject=wish.subject,
            to=wish.to,
            data=wish.data,
            value=wish.value,
            asset=wish.asset,
            amount=wish.amount,
            hold_id=wish.hold,
            state=OutgoingState.QUEUED,
            times=0,
            paid=False,
            queued_at=now,
            changed_at=now,
        )
        tx.add(row)
        tx.flush()
        if wish.parts:
            self._parts.add(tx, row, wish.parts)
        return row.id

    def advance(self, begin: Begin) -> None:
        """One round. Raises `Transient` when the chain is away: nothing is lost by that."""
        if not self.is_open:
            return
        with begin() as tx:
            queued, numbered = self._open(tx)
        if not queued and not numbered:
            return
        fee = self._chain.fee()
        for row in queued[: max(0, IN_FLIGHT_MAX - len(numbered))]:
            self._number(begin, row, fee)
        with begin() as tx:
            _, numbered = self._open(tx)
        for row in numbered:
            self._push(begin, row, fee)

    def mined(self, begin: Begin) -> list[Mined]:
        """Which of the numbered are in a block by now, final or not."""
        with begin() as tx:
            attempts = tx.execute(
                select(AttemptRow.outgoing_id, AttemptRow.tx_hash)
                .join(OutgoingRow, OutgoingRow.id == AttemptRow.outgoing_id)
                .where(
                    OutgoingRow.chain_id == self._chain.chain_id, OutgoingRow.state == OutgoingState.NUMBERED
                )
                .order_by(OutgoingRow.nonce, AttemptRow.number)
            ).all()
        found = []
        for outgoing_id, tx_hash in attempts:
            receipt = self._chain.receipt(tx_hash)
            if receipt is not None:
                found.append(Mined(outgoing_id, receipt))
        return found

    def is_short(self, tx: Tx) -> bool:
        """Whether something waits for what may still lie at deposit addresses."""
        short = select(OutgoingRow.id).where(
            OutgoingRow.chain_id == self._chain.chain_id,
            OutgoingRow.state == OutgoingState.QUEUED,
            OutgoingRow.reason == SHORT,
        )
        return tx.execute(short.limit(1)).first() is not None

    def _key(self) -> Signer:
        if self._signer is None:
            raise TreasuryMissing("this node keeps no money on its chain")
        return self._signer()

    def waiting(self, tx: Tx) -> Sequence[OutgoingRow]:
        """What is not final yet, the oldest first."""
        queued, numbered = self._open(tx)
        return [*numbered, *queued]

    # From the wish to a nonce

    def _open(self, tx: Tx) -> tuple[Sequence[OutgoingRow], Sequence[OutgoingRow]]:
        ours = select(OutgoingRow).where(OutgoingRow.chain_id == self._chain.chain_id)
        queued = ours.where(OutgoingRow.state == OutgoingState.QUEUED).order_by(OutgoingRow.id)
        numbered = ours.where(OutgoingRow.state == OutgoingState.NUMBERED).order_by(OutgoingRow.nonce)
        return (
            tx.execute(queued.limit(LOOKED_AT_MAX)).scalars().all(),
            tx.execute(numbered).scalars().all(),
        )

    def _number(self, begin: Begin, row: OutgoingRow, fee: Fee) -> None:
        """Gives it a nonce, unless it must wait or would be refused: then it takes none."""
        has = self._has(row)
        if has < row.amount:
            self._wait(begin, row, SHORT)
            return
        gas = self._gas(begin, row, fee)
        if gas is None:
            return
        used = self._chain.nonce(row.sender, at="latest")
        with begin() as tx:
            made = insert(NonceRow).values(chain_id=row.chain_id, address=row.sender, next=used)
            tx.execute(made.on_conflict_do_nothing())
            counter = tx.get(NonceRow, (row.chain_id, row.sender), with_for_update=True)
            assert counter is not None
            if has - self._promised(tx, row) < row.amount:
                return  # another one under way takes it; looked at again in the next round
            # Somebody else with this key may have used nonces; ours are never lowered.
            nonce = max(counter.next, used)
            taken = tx.execute(
                update(OutgoingRow)
                .where(OutgoingRow.id == row.id, OutgoingRow.state == OutgoingState.QUEUED)
                .values(
                    state=OutgoingState.NUMBERED,
                    nonce=nonce,
                    gas=gas,
                    reason=None,
                    changed_at=self._clock.now(),
                )
                .returning(OutgoingRow.id)
            ).scalar_one_or_none()
            if taken is not None:
                counter.next = nonce + 1

    def _gas(self, begin: Begin, row: OutgoingRow, fee: Fee) -> int | None:
        """Its limit of gas; None when it is refused, or waits."""
        call = Call(to=row.to, data="0x" + row.data.hex(), sender=row.sender, value=row.value)
        try:
            estimate = self._chain.estimate_gas(call)
        except ExecutionReverted as refusal:
            self._refuse(begin, row, refusal.message)
            return None
        except InsufficientNativeFunds:
            self._wait(begin, row, SHORT)
            return None
        with begin() as tx:
            least = self._parts.gas_least(tx, row)
        gas = max(estimate + estimate * GAS_SPARE_BPS // 10_000, least)
        dearest = row.value + gas * min(fee.max_fee, self._rules.max_fee)
        if least and self._chain.balance(row.sender) < dearest:
            self._wait(begin, row, SHORT)  # with a nonce it would keep back all later ones
            return None
        return gas

    def _has(self, row: OutgoingRow) -> int:
        """What the treasury has of the asset. Sweeps may still be on their way."""
        if row.asset == ZERO_ADDRESS:
            return self._chain.balance(row.sender)
        has = self._chain.read(load_artifact("IERC20Metadata"), row.asset, "balanceOf", row.sender)
        return int(has)

    def _promised(self, tx: Tx, row: OutgoingRow) -> int:
        """What those before it take; the ones in a block already are counted twice until they are final."""
        query = select(func.coalesce(func.sum(OutgoingRow.amount), 0)).where(
            OutgoingRow.chain_id == row.chain_id,
            OutgoingRow.sender == row.sender,
            OutgoingRow.state == OutgoingState.NUMBERED,
            OutgoingRow.asset == row.asset,
        )
        return int(tx.execute(query).scalar_one())

    def _wait(self, begin: Begin, row: OutgoingRow, reason: str) -> None:
        if row.reason == reason:
            return
        log.warning("outgoing_waits", outgoing=str(row.id), subject=row.subject, reason=reason)
        with begin() as tx:
            tx.execute(
                update(OutgoingRow)
                .where(OutgoingRow.id == row.id, OutgoingRow.state == OutgoingState.QUEUED)
                .values(reason=reason, changed_at=self._clock.now())
            )

    def give_up(self, begin: Begin, outgoing_id: uuid.UUID, *, reason: str) -> None:
        """By an operator: of one whose nonce another transaction with our key has used up, for good.

        Raises:
            OutgoingUnknown: There is none.
            OutgoingMayArrive: It is not lost: the nonce is free, or an attempt is in a block.
        """
        with begin() as tx:
            row, book = tx.get(OutgoingRow, outgoing_id), tx.get(BookRow, self._chain.chain_id)
        if row is None:
            raise OutgoingUnknown("there is no such transaction of the node")
        is_numbered = row.state == OutgoingState.NUMBERED and row.nonce is not None
        # Final: what a fork could take back would free the nonce again, and an attempt could still arrive.
        if (
            not is_numbered
            or book is None
            or self._chain.nonce(row.sender, at=book.number) <= (row.nonce or 0)
        ):
            raise OutgoingMayArrive("it waits, or its nonce is not used up by a final block", state=row.state)
        if any(item.outgoing_id == row.id for item in self.mined(begin)):
            raise OutgoingMayArrive("an attempt of it is in a block", state=row.state)
        self._refuse(begin, row, reason)

    def _refuse(self, begin: Begin, row: OutgoingRow, reason: str) -> None:
        with begin() as tx:
            refused = tx.execute(
                update(OutgoingRow)
                .where(OutgoingRow.id == row.id, OutgoingRow.state == row.state)
                .values(
                    state=OutgoingState.REFUSED,
                    nonce=None,
                    reason=reason[:REASON_CHARS_MAX],
                    changed_at=self._clock.now(),
                )
                .returning(OutgoingRow.id)
            ).scalar_one_or_none()
            if refused is None:
                return
            if row.hold_id is not None and not row.paid:
                self._ledger.void(tx, HoldId(row.hold_id))
            self._parts.give_up(tx, row)
            event = OutgoingRefused(
                outgoing_id=str(row.id),
                subject=row.subject,
                chain_id=row.chain_id,
                reason=reason[:REASON_CHARS_MAX],
                paid=row.paid,
            )
            self._events.record(tx, outgoing_stream(row.id), event)

    # From the nonce to the chain

    def _push(self, begin: Begin, row: OutgoingRow, fee: Fee) -> None:
        """Sees to it that the chain has the newest attempt, or makes one that it takes."""
        with begin() as tx:
            newest = self._newest(tx, row.id)
        if newest is None:
            newest = self._sign(begin, row, 1, fee)
        elif self._is_stuck(row, newest):
            raised = self._raised(newest, fee)
            if raised is None:
                log.error("outgoing_stuck", outgoing=str(row.id), nonce=row.nonce, max_fee=newest.max_fee)
            else:
                newest = self._sign(begin, row, newest.number + 1, raised)
        self._broadcast(begin, newest)

    def _newest(self, tx: Tx, outgoing_id: uuid.UUID) -> AttemptRow | None:
        query = select(AttemptRow).where(AttemptRow.outgoing_id == outgoing_id)
        return tx.execute(query.order_by(AttemptRow.number.desc()).limit(1)).scalar_one_or_none()

    def _sign(self, begin: Begin, row: OutgoingRow, number: int, fee: Fee) -> AttemptRow:
        """Signs outside of a transaction, as a signer may be far away, and stores before anybody hears."""
        if row.nonce is None or row.gas is None:
            raise Bug("only what has a nonce is signed", outgoing=str(row.id))
        raw = self._key().sign_transaction(
            Transaction(
                chain_id=row.chain_id,
                nonce=row.nonce,
                to=row.to,
                data="0x" + row.data.hex(),
                value=row.value,
                gas=row.gas,
                max_fee_per_gas=min(fee.max_fee, self._rules.max_fee),
                max_priority_fee_per_gas=min(fee.max_priority_fee, fee.max_fee, self._rules.max_fee),
            )
        )
        with begin() as tx:
            tx.execute(
                insert(AttemptRow)
                .values(
                    outgoing_id=row.id,
                    number=number,
                    tx_hash=tx_hash_of(raw),
                    raw=raw,
                    max_fee=min(fee.max_fee, self._rules.max_fee),
                    max_priority_fee=min(fee.max_priority_fee, fee.max_fee, self._rules.max_fee),
                    signed_at=self._clock.now(),
                )
                .on_conflict_do_nothing()
            )
            stored = self._newest(tx, row.id)
        assert stored is not None
        return stored

    def _is_stuck(self, row: OutgoingRow, newest: AttemptRow) -> bool:
        """Waits longer than it should, and for no other nonce but its own."""
        since = newest.sent_at
        if since is None or self._clock.now() - since < self._rules.stuck_after:
            return False
        return self._chain.nonce(row.sender, at="latest") == row.nonce

    def _raised(self, newest: AttemptRow, fee: Fee) -> Fee | None:
        """What replaces the attempt; None when it would cost more than allowed."""
        least = newest.max_fee + newest.max_fee // BUMP_DIVISOR + 1
        priority = newest.max_priority_fee + newest.max_priority_fee // BUMP_DIVISOR + 1
        raised = Fee(
            base=fee.base,
            max_fee=max(least, fee.max_fee),
            max_priority_fee=max(priority, fee.max_priority_fee),
        )
        return raised if raised.max_fee <= self._rules.max_fee else None

    def _broadcast(self, begin: Begin, attempt: AttemptRow) -> None:
        if self._chain.is_known(attempt.tx_hash):
            self._note_sent(begin, attempt)
            return
        try:
            self._chain.send_raw(attempt.raw)
        except NonceTooLow:
            return  # an attempt of ours is in a block, or the key was used elsewhere: settling finds out
        except (FeeTooLow, InsufficientNativeFunds) as refusal:
            log.warning("outgoing_not_taken", tx_hash=attempt.tx_hash, reason=refusal.message)
        except Refused as refusal:
            log.warning("outgoing_not_valid", tx_hash=attempt.tx_hash, reason=refusal.message)
            return
        self._note_sent(begin, attempt)

    def _note_sent(self, begin: Begin, attempt: AttemptRow) -> None:
        """When it went out first: from then on it may be stuck, also where the server wants a higher fee."""
        if attempt.sent_at is not None:
            return
        with begin() as tx:
            tx.execute(
                update(AttemptRow)
                .where(
                    AttemptRow.outgoing_id == attempt.outgoing_id,
                    AttemptRow.number == attempt.number,
                )
                .values(sent_at=func.coalesce(AttemptRow.sent_at, self._clock.now()))
            )
