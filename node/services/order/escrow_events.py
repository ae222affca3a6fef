"""What a final event of an escrow does to an order.

Invariant: only the escrow whose id is the order's own moves it, so a stranger who names our order in terms of
his own changes nothing. Each event is judged once; why one changed nothing is written down with it.
"""

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from node.chain.escrow import Terms
from node.events.escrow import (
    EscrowDisputed,
    EscrowFunded,
    EscrowRefunded,
    EscrowReleased,
    EscrowRuled,
    EscrowShipped,
)
from node.events.order import (
    OrderCompleted,
    OrderDisputed,
    OrderPaid,
    OrderRefunded,
    OrderRuled,
    OrderShipped,
)
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, typed_database_errors
from node.kernel.errors import Bug
from node.kernel.spine.event import StoredEvent
from node.services.order.models import HandledEscrowEvent, Order, order_id_of
from node.services.order.moving import Mover
from node.services.order.states import NEXT, State

EscrowMove = EscrowFunded | EscrowShipped | EscrowDisputed | EscrowReleased | EscrowRefunded | EscrowRuled

_MOVES = (EscrowFunded, EscrowShipped, EscrowDisputed, EscrowReleased, EscrowRefunded, EscrowRuled)
ESCROW_EVENTS = tuple(move.type_name for move in _MOVES)

_TO: dict[type[EscrowMove], State] = {
    EscrowFunded: State.PAID,
    EscrowShipped: State.SHIPPED,
    EscrowDisputed: State.DISPUTED,
    EscrowReleased: State.COMPLETED,
    EscrowRefunded: State.REFUNDED,
    EscrowRuled: State.RULED,
}


class EscrowFollower:
    def __init__(self, clock: Clock, mover: Mover) -> None:
        self._clock = clock
        self._mover = mover

    def on_escrow_event(self, tx: Tx, stored: StoredEvent) -> None:
        """Moves the order of the escrow, or writes down why not. A second time it does nothing."""
        event = stored.decode()
        if not isinstance(event, _MOVES):
            raise Bug("not an event that moves an order", type_name=stored.type_name)
        order_id = order_id_of(event.order_id)
        with typed_database_errors():  # a deadlock is worth another try, not a parked event
            order = None if order_id is None else _locked(tx, order_id)
            if tx.get(HandledEscrowEvent, stored.id) is not None:
                return
            reason = _why_not(order, event)
            if reason is None and order is not None:
                self._apply(tx, order, event)
            self._note(tx, stored, event, reason)

    def _apply(self, tx: Tx, order: Order, event: EscrowMove) -> None:
        """Writes what the event says of money onto the order, then moves it."""
        to = _TO[type(event)]
        match event:
            case EscrowFunded():
                order.received = int(event.received)
                self._mover.hold_if_late(tx, order)
                self._mover.move(tx, order, to, _paid(order, event), deadline=_at(event.ship_by))
            case EscrowShipped():
                self._mover.move(tx, order, to, _shipped(order, event), deadline=_at(event.inspection_ends))
            case EscrowDisputed():
                self._mover.move(tx, order, to, _disputed(order, event), deadline=_at(event.ruling_ends))
            case EscrowReleased():
                order.to_seller, order.to_buyer, order.fee = int(event.to_seller), 0, int(event.fee)
                self._mover.move(tx, order, to, _completed(order, event))
            case EscrowRefunded():
                order.to_seller, order.to_buyer, order.fee = 0, int(event.to_buyer), 0
                self._mover.move(tx, order, to, _refunded(order, event))
            case EscrowRuled():
                order.to_seller, order.to_buyer = int(event.to_seller), int(event.to_buyer)
                order.fee = int(event.fee)
                self._mover.move(tx, order, to, _ruled(order, event))

    def _note(self, tx: Tx, stored: StoredEvent, event: EscrowMove, reason: str | None) -> None:
        values = {
            "event_id": stored.id,
            "order_id": order_id_of(event.order_id),
            "escrow_id": event.escrow_id,
            "type_name": stored.type_name,
            "reason": reason,
            "handled_at": self._clock.now(),
        }
        tx.execute(insert(HandledEscrowEvent).values(**values))


def _why_not(order: Order | None, event: EscrowMove) -> str | None:
    """Why the event moves no order; None when it moves this one."""
    if order is None:
        return "no order of ours"
    if (event.chain_id, event.contract) != (order.chain_id, order.escrow_contract):
        return "another contract"
    if event.escrow_id != order.escrow_id:
        return "another escrow than the order's own"
    if isinstance(event, EscrowFunded) and _terms(event) != order.terms():
        return "other terms than the order's own"
    if _TO[type(event)] not in NEXT[State(order.state)]:
        return f"does not follow {order.state}"
    return None


def _locked(tx: Tx, order_id: uuid.UUID) -> Order | None:
    statement = select(Order).where(Order.id == order_id).with_for_update()
    # What an earlier event of this transaction flushed is what the lock reads again.
    return tx.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def _terms(event: EscrowFunded) -> Terms:
    return Terms(
        order_id=event.order_id,
        buyer=event.buyer,
        seller=event.seller,
        arbiter=event.arbiter,
        asset=event.asset,
        amount=int(event.amount),
        fee_receiver=event.fee_receiver,
        fee_bps=event.fee_bps,
        silence_seller_bps=event.silence_seller_bps,
        ship_by=event.ship_by,
        inspection=event.inspection,
        ruling=event.ruling,
    )


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _paid(order: Order, event: EscrowFunded) -> OrderPaid:
    return OrderPaid(
        order_id=str(order.id),
        received=event.received,
        ship_by=event.ship_by,
        late=order.state != State.PLACED.value,
        out_of_stock=order.out_of_stock,
    )


def _shipped(order: Order, event: EscrowShipped) -> OrderShipped:
    return OrderShipped(order_id=str(order.id), proof=event.proof, inspection_ends=event.inspection_ends)


def _disputed(order: Order, event: EscrowDisputed) -> OrderDisputed:
    return OrderDisputed(
        order_id=str(order.id), by=event.by, evidence=event.evidence, ruling_ends=event.ruling_ends
    )


def _completed(order: Order, event: EscrowReleased) -> OrderCompleted:
    return OrderCompleted(order_id=str(order.id), by=event.by, to_seller=event.to_seller, fee=event.fee)


def _refunded(order: Order, event: EscrowRefunded) -> OrderRefunded:
    return OrderRefunded(order_id=str(order.id), by=event.by, to_buyer=event.to_buyer)


def _ruled(order: Order, event: EscrowRuled) -> OrderRuled:
    return OrderRuled(
        order_id=str(order.id),
        by=event.by,
        silent=event.silent,
        to_seller=event.to_seller,
        to_buyer=event.to_buyer,
        fee=event.fee,
    )
