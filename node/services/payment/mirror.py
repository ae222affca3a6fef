"""Payments of orders that a contract judges: the intent follows what the chain made final, no more.

It listens to the order's events, which come from final events of exactly the order's own escrow; so what the
intent says of its money is what the contract paid out.
"""

import uuid
from collections.abc import Callable
from typing import Final

from sqlalchemy import select

from node.events.order import (
    OrderCancelled,
    OrderCompleted,
    OrderExpired,
    OrderPaid,
    OrderPartRefunded,
    OrderPartReleased,
    OrderPlaced,
    OrderRefunded,
    OrderRuled,
    OrderSettled,
)
from node.kernel.db.unit_of_work import Tx, typed_database_errors
from node.kernel.errors import Bug
from node.kernel.spine.event import StoredEvent
from node.services.payment.models import Intent
from node.services.payment.service import PaymentService, Wish
from node.services.payment.split import Parts
from node.services.payment.states import State

RAIL: Final = "escrow"
Paid = OrderCompleted | OrderRefunded | OrderRuled | OrderSettled | OrderPartReleased | OrderPartRefunded
_PAID = (OrderCompleted, OrderRefunded, OrderRuled, OrderSettled, OrderPartReleased, OrderPartRefunded)
ORDER_EVENTS: Final = tuple(
    kind.type_name for kind in (OrderPlaced, OrderPaid, OrderCancelled, OrderExpired, *_PAID)
)


# What an order asks to be paid, asked of whoever knows orders.
WishFor = Callable[[Tx, uuid.UUID], Wish]


class Mirror:
    def __init__(self, payments: PaymentService, wish_for: WishFor) -> None:
        self._payments = payments
        self._wish_for = wish_for

    def on_order_event(self, tx: Tx, stored: StoredEvent) -> None:
        """Consumes what `ORDER_EVENTS` names; of orders that no contract judges it does nothing."""
        event = stored.decode()
        with typed_database_errors():
            if isinstance(event, OrderPlaced):
                order_id = uuid.UUID(event.order_id)
                if event.rail == RAIL and self._of(tx, order_id) is None:
                    self._payments.create(tx, self._wish_for(tx, order_id))
                return
            intent = self._of(tx, uuid.UUID(stored.stream.partition(":")[2]))
            if intent is None:
                return
            if isinstance(event, OrderPaid):
                self._payments.authorise(tx, intent, received=int(event.received))
            elif isinstance(event, OrderCancelled | OrderExpired):
                to = State.CANCELLED if isinstance(event, OrderCancelled) else State.EXPIRED
                self._payments.go(tx, intent, to)
            elif isinstance(event, _PAID):
                self._follow(tx, intent, event)
            else:
                raise Bug("not an event that a payment follows", type_name=stored.type_name)

    def _of(self, tx: Tx, order_id: uuid.UUID) -> Intent | None:
        statement = select(Intent.id).where(Intent.order_id == order_id, Intent.rail == RAIL)
        found = tx.execute(statement).scalar_one_or_none()
        return None if found is None else self._payments.locked(tx, found)

    def _follow(self, tx: Tx, intent: Intent, event: Paid) -> None:
        parts = Parts(int(getattr(event, "to_seller", 0)), int(getattr(event, "fee", 0)))
        if parts.total:
            self._payments.capture(tx, intent, parts.total, as_=parts)
        to_buyer = int(getattr(event, "to_buyer", 0))
        if to_buyer:
            self._payments.void(tx, intent, to_buyer)
