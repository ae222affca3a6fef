"""What a final event of an escrow does to an order.

Invariants: only the escrow whose id is the order's own moves it, so a stranger who names our order in terms
of his own changes nothing; at an end, what was paid out is what was received. Each event is judged once; why
one changed nothing is written down with it.
"""

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from node.chain.escrow import Terms
from node.events.escrow import (
    EscrowAppealAgreed,
    EscrowAppealed,
    EscrowDisputed,
    EscrowFunded,
    EscrowPartRefunded,
    EscrowPartReleased,
    EscrowRefunded,
    EscrowReleased,
    EscrowRuled,
    EscrowRulingProposed,
    EscrowSettled,
    EscrowShipped,
)
from node.events.order import (
    OrderAppealAgreed,
    OrderAppealed,
    OrderCompleted,
    OrderDisputed,
    OrderPaid,
    OrderPartRefunded,
    OrderPartReleased,
    OrderRefunded,
    OrderRuled,
    OrderRulingProposed,
    OrderSettled,
    OrderShipped,
)
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, typed_database_errors
from node.kernel.errors import Bug
from node.kernel.spine.event import StoredEvent
from node.services.order.models import HandledEscrowEvent, Order, order_id_of
from node.services.order.moving import Mover
from node.services.order.states import NEXT, State

EscrowStep = EscrowFunded | EscrowShipped | EscrowDisputed | EscrowRulingProposed | EscrowAppealed
EscrowEnd = EscrowReleased | EscrowRefunded | EscrowRuled | EscrowSettled
EscrowMove = EscrowStep | EscrowEnd
EscrowNews = EscrowAppealAgreed | EscrowPartReleased | EscrowPartRefunded
Told = EscrowMove | EscrowNews

_TO: dict[type[EscrowMove], State] = {
    EscrowFunded: State.PAID,
    EscrowShipped: State.SHIPPED,
    EscrowDisputed: State.DISPUTED,
    EscrowReleased: State.COMPLETED,
    EscrowRefunded: State.REFUNDED,
    EscrowRuled: State.RULED,
    EscrowRulingProposed: State.PROPOSED,
    EscrowAppealed: State.APPEALED,
    EscrowSettled: State.SETTLED,
}
# What happens within a state, and in which.
_IN: dict[type[EscrowNews], frozenset[State]] = {
    EscrowAppealAgreed: frozenset({State.PAID}),
    EscrowPartReleased: frozenset({State.PAID, State.SHIPPED}),
    EscrowPartRefunded: frozenset({State.PAID, State.SHIPPED}),
}
_ENDS = (EscrowReleased, EscrowRefunded, EscrowRuled, EscrowSettled)
_MOVES = (EscrowFunded, EscrowShipped, EscrowDisputed, EscrowRulingProposed, EscrowAppealed, *_ENDS)
_NEWS = (EscrowAppealAgreed, EscrowPartReleased, EscrowPartRefunded)
ESCROW_EVENTS = tuple(kind.type_name for kind in (*_MOVES, *_NEWS))


class EscrowFollower:
    def __init__(self, clock: Clock, mover: Mover) -> None:
        self._clock = clock
        self._mover = mover

    def on_escrow_event(self, tx: Tx, stored: StoredEvent) -> None:
        """Moves the order of the escrow, or writes down why not. A second time it does nothing."""
        event = stored.decode()
        if not isinstance(event, (*_MOVES, *_NEWS)):
            raise Bug("not an event that an order follows", type_name=stored.type_name)
        order_id = order_id_of(event.order_id)
        with typed_database_errors():  # a deadlock is worth another try, not a parked event
            order = None if order_id is None else _locked(tx, order_id)
            if tx.get(HandledEscrowEvent, stored.id) is not None:
                return
            reason = _why_not(order, event)
            if reason is None and order is not None:
                self._apply(tx, order, event)
            self._note(tx, stored, event, reason)

    def _apply(self, tx: Tx, order: Order, event: Told) -> None:
        if isinstance(event, _NEWS):
            self._hear(tx, order, event)
        elif isinstance(event, _ENDS):
            self._end(tx, order, event)
        else:
            self._go_on(tx, order, event)

    def _go_on(self, tx: Tx, order: Order, event: EscrowStep) -> None:
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
            case EscrowRulingProposed():
                self._mover.move(tx, order, to, _proposed(order, event), deadline=_at(event.appeal_ends))
            case EscrowAppealed():
                self._mover.move(tx, order, to, _appealed(order, event), deadline=_at(event.court_ends))

    def _end(self, tx: Tx, order: Order, event: EscrowEnd) -> None:
        """Writes who got what of the rest onto the order, then moves it."""
        to = _TO[type(event)]
        match event:
            case EscrowReleased():
                order.pay_out(to_seller=int(event.to_seller), fee=int(event.fee))
                self._mover.move(tx, order, to, _completed(order, event))
            case EscrowRefunded():
                order.pay_out(to_buyer=int(event.to_buyer))
                self._mover.move(tx, order, to, _refunded(order, event))
            case EscrowRuled():
                order.pay_out(**_split(event))
                self._mover.move(tx, order, to, _ruled(order, event))
            case EscrowSettled():
                order.pay_out(**_split(event))
                self._mover.move(tx, order, to, _settled(order, event))

    def _hear(self, tx: Tx, order: Order, event: EscrowNews) -> None:
        match event:
            case EscrowAppealAgreed():
                self._mover.note(tx, order, _appeal_agreed(order, event))
            case EscrowPartReleased():
                order.pay_out(to_seller=int(event.to_seller), fee=int(event.fee))
                self._mover.note(tx, order, _part_released(order, event))
            case EscrowPartRefunded():
                order.pay_out(to_buyer=int(event.to_buyer))
                self._mover.note(tx, order, _part_refunded(order, event))

    def _note(self, tx: Tx, stored: StoredEvent, event: Told, reason: str | None) -> None:
        values = {
            "event_id": stored.id,
            "order_id": order_id_of(event.order_id),
            "escrow_id": event.escrow_id,
            "type_name": stored.type_name,
            "reason": reason,
            "handled_at": self._clock.now(),
        }
        tx.execute(insert(HandledEscrowEvent).values(**values))


def _why_not(order: Order | None, event: Told) -> str | None:
    """Why the event changes no order; None when it changes this one."""
    if order is None:
        return "no order of ours"
    if (event.chain_id, event.contract) != (order.chain_id, order.escrow_contract):
        return "another contract"
    if event.escrow_id != order.escrow_id:
        return "another escrow than the order's own"
    if isinstance(event, EscrowFunded) and _terms(event) != order.terms():
        return "other terms than the order's own"
    if not _fits(State(order.state), event):
        return f"does not follow {order.state}"
    return None


def _fits(state: State, event: Told) -> bool:
    if isinstance(event, _NEWS):
        return state in _IN[type(event)]
    return _TO[type(event)] in NEXT[state]


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


def _split(event: EscrowRuled | EscrowSettled) -> dict[str, int]:
    return {"to_seller": int(event.to_seller), "to_buyer": int(event.to_buyer), "fee": int(event.fee)}


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


def _settled(order: Order, event: EscrowSettled) -> OrderSettled:
    return OrderSettled(
        order_id=str(order.id),
        by=event.by,
        to_seller=event.to_seller,
        to_buyer=event.to_buyer,
        fee=event.fee,
    )


def _proposed(order: Order, event: EscrowRulingProposed) -> OrderRulingProposed:
    return OrderRulingProposed(
        order_id=str(order.id),
        by=event.by,
        to_seller=event.to_seller,
        reason=event.reason,
        appeal_ends=event.appeal_ends,
    )


def _appealed(order: Order, event: EscrowAppealed) -> OrderAppealed:
    return OrderAppealed(
        order_id=str(order.id), by=event.by, evidence=event.evidence, court_ends=event.court_ends
    )


def _appeal_agreed(order: Order, event: EscrowAppealAgreed) -> OrderAppealAgreed:
    return OrderAppealAgreed(
        order_id=str(order.id), court=event.court, window=event.window, court_time=event.court_time
    )


def _part_released(order: Order, event: EscrowPartReleased) -> OrderPartReleased:
    return OrderPartReleased(
        order_id=str(order.id), by=event.by, to_seller=event.to_seller, fee=event.fee, left=event.left
    )


def _part_refunded(order: Order, event: EscrowPartRefunded) -> OrderPartRefunded:
    return OrderPartRefunded(order_id=str(order.id), by=event.by, to_buyer=event.to_buyer, left=event.left)
