"""Orders under whatever comes, in any order and twice: no unit is lost, no state reached that cannot be."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from node.kernel.db.unit_of_work import Database
from node.kernel.errors import Refused
from node.kernel.spine.event import StoredEvent
from node.services.catalog.errors import OutOfStock
from node.services.catalog.models import Product
from node.services.order.models import Order
from node.services.order.states import ENDS, NEXT, State
from tests.shop import UNFUNDED, EscrowTold, Shop, a_caller, of_a_stranger, order_events
from tests.stack import DatabaseUrls

pytestmark = pytest.mark.pg

STOCK = 6
STEPS = (
    *("funded", "appeal_agreed", "shipped", "part_released", "part_refunded", "disputed"),
    *("ruling_proposed", "appealed", "released", "refunded", "ruled", "settled"),
)


class OrderMachine(RuleBasedStateMachine):
    """One product with few units, so that orders meet each other. The database is the model's only memory."""

    orders: Bundle[Order] = Bundle("orders")
    told: Bundle[StoredEvent] = Bundle("told")

    def __init__(self, shop: Shop, connection: psycopg.Connection) -> None:
        super().__init__()
        self.shop = shop
        self.connection = connection
        self.seen: dict[uuid.UUID, State] = {}

    @initialize()
    def open(self) -> None:
        # Orders of earlier runs are not this one's, and must not be what `expire` finds first.
        self.shop.buyer = a_caller()
        self.shop.clock.advance(UNFUNDED)
        with self.shop.database.transaction() as tx:
            self.shop.order.expire_due(tx, now=self.shop.clock.now(), limit=1_000)
        self.product: Product = self.shop.add_product(stock=STOCK)

    @rule(target=orders, quantity=st.integers(1, 3))
    def place(self, quantity: int) -> object:
        available = self.shop.stock(self.product.id)[0]
        try:
            order = self.shop.place(self.product, quantity=quantity)
        except OutOfStock:
            assert quantity > available
            return multiple()
        assert quantity <= available
        self.seen[order.id] = State.PLACED
        return order

    @rule(order=orders)
    def cancel(self, order: Order) -> None:
        before = self.shop.read(order.id).state
        try:
            with self.shop.database.transaction() as tx:
                self.shop.order.cancel(tx, self.shop.buyer, order.id)
        except Refused:
            assert before != State.PLACED
        else:
            assert before == State.PLACED

    @rule(minutes=st.integers(1, 40), limit=st.integers(1, 3))
    def expire(self, minutes: int, limit: int) -> None:
        self.shop.clock.advance(dt.timedelta(minutes=minutes))
        with self.shop.database.transaction() as tx:
            ended = self.shop.order.expire_due(tx, now=self.shop.clock.now(), limit=limit)
        assert ended <= limit

    @rule(target=told, order=orders, step=st.sampled_from(STEPS))
    def happen(self, order: Order, step: str) -> StoredEvent:
        event: StoredEvent = getattr(EscrowTold(self.shop.read(order.id)), step)()
        self.shop.tell(event)
        return event

    @rule(order=orders)
    def go_through(self, order: Order) -> None:
        """A whole life at once, for random steps alone rarely come in their order."""
        told = EscrowTold(order)
        self.shop.tell(told.funded())
        self._follow()
        self.shop.tell(told.shipped())
        self._follow()

    @rule(order=orders, appealed=st.booleans())
    def go_to_court(self, order: Order, *, appealed: bool) -> None:
        """From wherever it stands, by what fits."""
        for step in ("disputed", "ruling_proposed", *(["appealed"] if appealed else [])):
            self.shop.tell(getattr(EscrowTold(order), step)())
            self._follow()

    @rule(event=consumes(told))
    def happen_again(self, event: StoredEvent) -> None:
        before = self._states()
        self.shop.tell(event)
        assert self._states() == before

    @rule(order=orders)
    def stranger_pays(self, order: Order) -> None:
        before = self._states()
        self.shop.tell(of_a_stranger(order))
        assert self._states() == before

    @invariant()
    def units_are_conserved(self) -> None:
        if not hasattr(self, "product"):
            return
        available, reserved, sold = self.shop.stock(self.product.id)
        assert available + reserved + sold == STOCK
        held = self.connection.execute(
            "SELECT coalesce(sum(quantity), 0) FROM orders.shop_order WHERE product_id = %s AND stock_held",
            (self.product.id,),
        ).fetchone()
        assert held == (reserved,)

    @invariant()
    def states_move_along_next(self) -> None:
        self._follow()

    @invariant()
    def versions_are_consecutive_and_tell_the_state(self) -> None:
        for order_id, state in self._states().items():
            events = order_events(self.connection, order_id)
            assert [version for version, _ in events] == list(range(1, len(events) + 1))
            words = [name.removeprefix("order.") for _, name in events]
            assert set(words) <= {*State, "part_released", "part_refunded", "appeal_agreed"}
            told = [State(word) for word in words if word in set(State)]
            assert told[0] is State.PLACED
            assert told[-1] is state
            assert all(later in NEXT[earlier] for earlier, later in itertools.pairwise(told))

    @invariant()
    def money_is_conserved(self) -> None:
        if not hasattr(self, "product"):
            return
        for order_id, state in self._states().items():
            order = self.shop.read(order_id)
            assert order.held >= 0
            assert (order.held == 0) == (order.received is None or state in ENDS)

    def _follow(self) -> None:
        for order_id, state in self._states().items():
            before = self.seen[order_id]
            assert state is before or state in NEXT[before], (before, state)
            self.seen[order_id] = state

    def _states(self) -> dict[uuid.UUID, State]:
        rows = self.connection.execute(
            "SELECT id, state FROM orders.shop_order WHERE product_id = %s", (self.product.id,)
        ).fetchall()
        return {order_id: State(state) for order_id, state in rows}


@pytest.fixture
def shop(fresh_database: DatabaseUrls) -> Iterator[Shop]:
    database = Database(fresh_database.app, pool_size=2)
    yield Shop(database)
    database.dispose()


def test_orders_in_any_order(shop: Shop, connection: psycopg.Connection) -> None:
    assert dt.timedelta(minutes=40) > UNFUNDED  # one step of `expire` can end an order
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: OrderMachine(shop, connection),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
