"""What the parties do about an order whose money the node itself holds: the same steps as on the contract.

Invariants: the rules are those of `RULES`, the states those of `NEXT`; the order and its money move in one
transaction; what a deadline decides happens by itself, soon after it.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import select

from node.events.order import (
    OrderCompleted,
    OrderDisputed,
    OrderPaid,
    OrderPartRefunded,
    OrderPartReleased,
    OrderRefunded,
    OrderRefundedLater,
    OrderRuled,
    OrderShipped,
)
from node.events.payment import PaymentSecured
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, typed_database_errors
from node.kernel.errors import Bug, Refused
from node.kernel.hexes import ZERO_HASH, Hash32
from node.kernel.log import get_logger
from node.kernel.money import BASIS_POINTS
from node.kernel.spine.event import StoredEvent
from node.services.order.access import Caller, allowed, find
from node.services.order.errors import AlreadyPaid, OtherRail, SplitTooLarge
from node.services.order.models import Order
from node.services.order.moving import Mover
from node.services.order.paying import Payments
from node.services.order.statements import Statements, Words
from node.services.order.states import NEXT, RULES, Action, Rail, State, When

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]
BY_TIME: Final = "time"
_DUE: Final = {
    State.PAID: Action.REFUND_EXPIRED,
    State.SHIPPED: Action.RELEASE_EXPIRED,
    State.DISPUTED: Action.RULE_EXPIRED,
}


class Acts:
    def __init__(self, clock: Clock, mover: Mover, statements: Statements, payments: Payments) -> None:
        self._clock = clock
        self._mover = mover
        self._statements = statements
        self._payments = payments

    # ------------------------------------------------------------------------------------ money

    def pay(self, tx: Tx, caller: Caller, order_id: uuid.UUID, *, method: str | None) -> uuid.UUID:
        """Begins a payment; where its money is on the node the order is paid at once. Returns its id.

        Raises:
            OrderUnknown, NotThatParty, WrongOrderState, DeadlinePassed: By what forbids it.
            OtherRail: The order is paid into the contract, by `fund`.
            AlreadyPaid: Another payment of the order is on its way.
            InsufficientFunds, AccountFrozen: From the ledger.
        """
        order = find(tx, order_id, caller, lock=True)
        allowed(order, caller, Action.FUND, now=self._clock.now())
        if order.is_on_chain:
            raise OtherRail("the order is paid into the escrow contract", rail=order.rail)
        if self._payments.is_in_flight(tx, order_id):
            raise AlreadyPaid("a payment of the order is on its way")
        assert order.deadline is not None  # a placed order waits for its money until then
        payment_id, is_here = self._payments.begin(tx, order, method=method, expires_at=order.deadline)
        if is_here:
            self._take(tx, order, payment_id, order.amount)
        return payment_id

    def on_secured(self, tx: Tx, stored: StoredEvent) -> None:
        """Money came. It pays the order, late or not; what is not needed any more goes back."""
        event = stored.decode()
        if not isinstance(event, PaymentSecured):
            raise Bug("not an event that an order follows", type_name=stored.type_name)
        if event.rail == Rail.ESCROW:
            return
        with typed_database_errors():
            statement = select(Order).where(Order.id == uuid.UUID(event.order_id)).with_for_update()
            order = tx.execute(statement.execution_options(populate_existing=True)).scalar_one()
            payment_id = uuid.UUID(event.payment_id)
            if order.payment_id == payment_id:
                return
            if order.payment_id is None and State.PAID in NEXT[State(order.state)]:
                self._take(tx, order, payment_id, int(event.secured))
            else:
                self._payments.give_back(tx, payment_id, amount=int(event.secured))

    def _take(self, tx: Tx, order: Order, payment_id: uuid.UUID, received: int) -> None:
        is_late = order.state != State.PLACED.value
        order.payment_id, order.received = payment_id, received
        self._mover.hold_if_late(tx, order)
        # Late money does not shorten the seller's time.
        ship_by = self._clock.now() + (order.ship_by - order.placed_at) if is_late else order.ship_by
        paid = OrderPaid(
            order_id=str(order.id),
            received=str(received),
            ship_by=int(ship_by.timestamp()),
            late=is_late,
            out_of_stock=order.out_of_stock,
        )
        self._mover.move(tx, order, State.PAID, paid, deadline=ship_by)

    # ---------------------------------------------------------------------------------- parties

    def take(
        self,
        tx: Tx,
        caller: Caller,
        order_id: uuid.UUID,
        action: Action,
        *,
        words: Words | None,
        gross: int | None,
    ) -> Hash32 | None:
        """Takes a step; returns the hash of what was said with it.

        Raises:
            OrderUnknown, NotThatParty, WrongOrderState: By what forbids it.
            DeadlinePassed, DeadlineNotReached: It is another one's time.
            SplitTooLarge: More than is held.
            OtherRail: There is no such step without the contract, or none but on it.
            InsufficientFunds: The market has spent what it would have to give back.
        """
        order = find(tx, order_id, caller, lock=True)
        role = allowed(order, caller, action, now=self._clock.now())
        if gross is not None and gross > order.held and action is not Action.REFUND_LATER:
            raise SplitTooLarge("this gives away more than is held", held=str(order.held))
        if order.is_on_chain:
            raise OtherRail("the escrow contract holds the money", rail=order.rail)
        said = None
        if words is not None:
            said = self._statements.say(tx, order, kind=words.kind, author=role, text=words.text)
        self._do(tx, order, action, by=role.value, said=said or ZERO_HASH, gross=gross)
        return said

    def act_due(self, begin: Begin, *, limit: int) -> int:
        """What deadlines decide, an order in a transaction; returns how many moved.

        One that is refused (a market that owes too much, say) is told in the log, and tried again.
        """
        moved, seen = 0, set[uuid.UUID]()
        for _ in range(limit):
            with begin() as tx:
                order = self._due(tx, seen)
                if order is None:
                    return moved
                seen.add(order.id)
                try:
                    with tx.begin_nested():
                        action = _DUE[State(order.state)]
                        self._do(tx, order, action, by=BY_TIME, said=ZERO_HASH, gross=None)
                    moved += 1
                except Refused as refusal:
                    log.error("order_stuck", order_id=str(order.id), reason=refusal.message)  # noqa: TRY400
        return moved

    def _due(self, tx: Tx, seen: set[uuid.UUID]) -> Order | None:
        statement = (
            select(Order)
            .where(
                Order.rail != Rail.ESCROW.value,
                Order.state.in_([state.value for state in _DUE]),
                Order.deadline < self._clock.now(),
                Order.id.not_in(seen),
            )
            .order_by(Order.deadline)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return tx.execute(statement).scalar_one_or_none()

    def _do(self, tx: Tx, order: Order, action: Action, *, by: str, said: Hash32, gross: int | None) -> None:
        now = self._clock.now()
        match action:
            case Action.SHIP:
                ends = now + dt.timedelta(seconds=order.inspection_s)
                shipped = OrderShipped(
                    order_id=str(order.id), proof=said, inspection_ends=int(ends.timestamp())
                )
                self._mover.move(tx, order, State.SHIPPED, shipped, deadline=ends)
            case Action.DISPUTE:
                ends = now + dt.timedelta(seconds=order.ruling_s)
                disputed = OrderDisputed(
                    order_id=str(order.id), by=by, evidence=said, ruling_ends=int(ends.timestamp())
                )
                self._mover.move(tx, order, State.DISPUTED, disputed, deadline=ends)
            case Action.EVIDENCE:
                pass  # the words are all of it
            case Action.RELEASE_PART | Action.REFUND_PART:
                assert gross is not None  # the edge asks for it
                self._part(tx, order, action, by=by, amount=gross)
            case Action.REFUND_LATER:
                assert gross is not None  # the edge asks for it
                self._payments.give_back(tx, _payment(order), amount=gross)
                later = OrderRefundedLater(order_id=str(order.id), by=by, to_buyer=str(gross))
                self._mover.note(tx, order, later)
            case Action.CONFIRM | Action.RELEASE_EXPIRED:
                self._end(tx, order, State.COMPLETED, by=by, to_buyer=0)
            case Action.REFUND | Action.REFUND_EXPIRED:
                self._end(tx, order, State.REFUNDED, by=by, to_buyer=order.held)
            case Action.RULE:
                assert gross is not None  # the edge asks for it
                self._end(tx, order, State.RULED, by=by, to_buyer=order.held - gross)
            case Action.RULE_EXPIRED:
                to_seller = order.held * order.silence_seller_bps // BASIS_POINTS
                self._end(tx, order, State.RULED, by=by, to_buyer=order.held - to_seller)
            case _:
                raise OtherRail("there is no such step without the escrow contract", rail=order.rail)

    def _part(self, tx: Tx, order: Order, action: Action, *, by: str, amount: int) -> None:
        """A part that is all there is ends the order, as on the contract."""
        is_release = action is Action.RELEASE_PART
        if amount == order.held:
            to, to_buyer = (State.COMPLETED, 0) if is_release else (State.REFUNDED, amount)
            self._end(tx, order, to, by=by, to_buyer=to_buyer)
        elif is_release:
            if order.rail == Rail.BALANCE:
                raise OtherRail("the market has the money already", rail=order.rail)
            paid = self._payments.release(tx, _payment(order), amount=amount)
            order.pay_out(to_seller=paid.to_seller, fee=paid.fee)
            released = OrderPartReleased(
                order_id=str(order.id),
                by=by,
                to_seller=str(paid.to_seller),
                fee=str(paid.fee),
                left=str(order.held),
            )
            self._mover.note(tx, order, released)
        else:
            self._payments.give_back(tx, _payment(order), amount=amount)
            order.pay_out(to_buyer=amount)
            refunded = OrderPartRefunded(
                order_id=str(order.id), by=by, to_buyer=str(amount), left=str(order.held)
            )
            self._mover.note(tx, order, refunded)

    def _end(self, tx: Tx, order: Order, to: State, *, by: str, to_buyer: int) -> None:
        """Writes who got what of the rest onto the order, then moves it."""
        had_seller, had_fee = order.to_seller or 0, order.fee or 0
        paid = self._payments.end(tx, _payment(order), to_payer=to_buyer)
        to_seller, fee = paid.to_seller - had_seller, paid.fee - had_fee
        order.pay_out(to_seller=to_seller, to_buyer=to_buyer, fee=fee)
        if order.held:
            raise Bug("an order ends with all its money paid out", order_id=str(order.id))
        told = {"order_id": str(order.id), "by": by}
        event: OrderCompleted | OrderRefunded | OrderRuled
        if to is State.COMPLETED:
            event = OrderCompleted(**told, to_seller=str(to_seller), fee=str(fee))
        elif to is State.REFUNDED:
            event = OrderRefunded(**told, to_buyer=str(to_buyer))
        else:
            event = OrderRuled(
                **told,
                silent=by == BY_TIME,
                to_seller=str(to_seller),
                to_buyer=str(to_buyer),
                fee=str(fee),
            )
        self._mover.move(tx, order, to, event)


def _payment(order: Order) -> uuid.UUID:
    assert order.payment_id is not None  # it was paid
    return order.payment_id


assert all(RULES[action].when is When.AFTER for action in _DUE.values())
