"""The one place where an order changes its state: with its units, and with the event that tells of it."""

import datetime as dt
import uuid
from typing import Protocol

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.hexes import Address
from node.kernel.spine.event import Event
from node.kernel.spine.record import EventRecorder
from node.kernel.tax import TaxClass
from node.services.order.models import Order
from node.services.order.states import NEXT, RETURNS_STOCK, SELLS_STOCK, State


class Reservation(Protocol):
    """Units set aside, what they are sold for, and the seller's conditions of this moment."""

    @property
    def market_id(self) -> uuid.UUID: ...
    @property
    def title(self) -> str: ...
    @property
    def price(self) -> int: ...
    @property
    def asset_id(self) -> str: ...
    @property
    def asset_code(self) -> str: ...
    @property
    def asset_exponent(self) -> int: ...
    @property
    def asset_address(self) -> Address | None: ...
    @property
    def tax_class(self) -> TaxClass: ...
    @property
    def needs_shipping(self) -> bool: ...
    @property
    def owner_account_id(self) -> uuid.UUID: ...
    @property
    def payout_address(self) -> Address: ...
    @property
    def arbiter(self) -> Address: ...
    @property
    def ship_within_s(self) -> int: ...
    @property
    def inspection_s(self) -> int: ...
    @property
    def ruling_s(self) -> int: ...
    @property
    def silence_seller_bps(self) -> int: ...


class Stock(Protocol):
    """Where units come from and go to; each call is atomic under concurrency."""

    def reserve(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> Reservation: ...
    def look(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> Reservation: ...
    def reserve_again(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> bool: ...
    def release(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> None: ...
    def sell(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> None: ...


class Mover:
    def __init__(self, clock: Clock, events: EventRecorder, stock: Stock) -> None:
        self._clock = clock
        self._events = events
        self._stock = stock

    def move(
        self, tx: Tx, order: Order, to: State, event: Event, *, deadline: dt.datetime | None = None
    ) -> None:
        """Moves a locked order to a next state, which ends at `deadline`.

        Raises:
            Bug: The order cannot go there.
        """
        state = State(order.state)
        if to not in NEXT[state]:
            raise Bug("an order cannot go there", order_id=str(order.id), state=state.value, to=to.value)
        self._move_stock(tx, order, to)
        order.state = to.value
        order.deadline = deadline
        order.changed_at = self._clock.now()
        if not NEXT[to]:
            order.ended_at = order.changed_at
        tx.flush()
        self._events.record(tx, stream_of(order.id), event)

    def note(self, tx: Tx, order: Order, event: Event) -> None:
        """Tells of something that happened to a locked order within its state."""
        order.changed_at = self._clock.now()
        tx.flush()
        self._events.record(tx, stream_of(order.id), event)

    def hold_if_late(self, tx: Tx, order: Order) -> None:
        """Of an order that was given up before its money came: takes its units back, or notes their lack."""
        if not order.stock_held:
            order.stock_held = self._stock.reserve_again(tx, order.product_id, quantity=order.quantity)
            order.out_of_stock = not order.stock_held

    def _move_stock(self, tx: Tx, order: Order, to: State) -> None:
        if not order.stock_held or to not in RETURNS_STOCK | SELLS_STOCK:
            return
        # A seller who was paid a part has delivered some of it; how much, nobody here can tell.
        if to in RETURNS_STOCK and not order.to_seller:
            self._stock.release(tx, order.product_id, quantity=order.quantity)
        else:
            self._stock.sell(tx, order.product_id, quantity=order.quantity)
        order.stock_held = False


def stream_of(order_id: uuid.UUID) -> str:
    return f"order:{order_id}"
