"""Deposits that are almost enough: the node adds the rest, and nobody gets more back than they paid."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from node.kernel.db.unit_of_work import Database
from node.kernel.money import Amount
from node.services.order.states import Action, Rail
from node.services.payment.funding import Tolerance
from node.services.payment.reconciling import PaymentsAgainstLedger
from tests.shop import NATIVE, Shop
from tests.stack import DatabaseUrls
from tests.till import PRICE, Till
from wallet.owners import TOLERANCE, owner_of_account

pytestmark = pytest.mark.pg

WAIT_S = 20.0
TEN = PRICE * 10 // 10_000


@pytest.fixture(scope="module")
def database(module_database: DatabaseUrls) -> Iterator[Database]:
    opened = Database(module_database.app, pool_size=3)
    yield opened
    opened.dispose()


def a_till(database: Database, **tolerance: int) -> Till:
    units = {NATIVE.asset.id: tolerance["units"]} if "units" in tolerance else {}
    return Till(Shop(database, tolerance=Tolerance(tolerance.get("bps", 0), units)))


def even(till: Till) -> None:
    till.follow()
    assert till.broken() == ()
    assert PaymentsAgainstLedger().compare(till.shop.database.transaction).differences == []


@pytest.mark.parametrize(
    ("tolerance", "short", "is_paid"),
    [
        ({}, 1, False),
        ({"bps": 10}, TEN, True),
        ({"bps": 10}, TEN + 1, False),
        ({"units": 3}, 3, True),
        ({"units": 3}, 4, False),
        ({"units": 3, "bps": 10}, TEN, True),
        ({"units": 2 * PRICE}, PRICE, False),  # where nothing came nothing is added
        ({"bps": 10}, 0, True),
        ({"bps": 10}, -5, True),
    ],
)
def test_what_is_short_by_no_more_than_the_tolerance_pays(
    database: Database, tolerance: dict[str, int], short: int, *, is_paid: bool
) -> None:
    till = a_till(database, **tolerance)
    added = till.node_has(TOLERANCE)
    buyer = till.buyer()
    order = till.order(buyer, Rail.DEPOSIT)
    till.pay(order, buyer)
    if short < PRICE:
        till.credit(buyer, PRICE - short)
    assert till.state(order)[0] == ("paid" if is_paid else "placed")
    (intent,) = till.payments(order)
    missing = max(short, 0) if is_paid else 0
    assert (intent.covered, till.node_has(TOLERANCE)) == (missing, added - missing)
    assert till.has_coin(buyer) == ((max(-short, 0), PRICE) if is_paid else (PRICE - short, 0))
    even(till)


ALL = PRICE
STORIES: dict[str, tuple[list[tuple[Action, int | None]], int]] = {
    "the goods come": ([(Action.SHIP, None), (Action.CONFIRM, None)], 0),
    "all goes back": ([(Action.REFUND, None)], ALL),
    "a part goes back": ([(Action.REFUND_PART, 4_000), (Action.CONFIRM, None)], 4_000),
    "the rest goes back": ([(Action.REFUND_PART, 4_000), (Action.REFUND, None)], ALL),
    "all in parts": ([(Action.REFUND_PART, ALL - 3), (Action.REFUND_PART, 2), (Action.REFUND_PART, 1)], ALL),
    "all but a unit": ([(Action.REFUND_PART, ALL - 1), (Action.CONFIRM, None)], ALL - 1),
    "back after the end": ([(Action.CONFIRM, None), (Action.REFUND_LATER, ALL)], ALL),
    "in parts after the end": (
        [(Action.CONFIRM, None), *((Action.REFUND_LATER, part) for part in (5_000, 4_995, 4, 2))],
        ALL,
    ),
    "before and after": ([(Action.RELEASE_PART, 9_999), (Action.REFUND_PART, 1), (Action.CONFIRM, None)], 1),
    "both halves": (
        [(Action.REFUND_PART, 5_000), (Action.CONFIRM, None), (Action.REFUND_LATER, ALL - 5_000)],
        ALL,
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_nobody_gets_more_back_than_they_paid(database: Database, story: str) -> None:
    till = a_till(database, bps=10)
    steps, given = STORIES[story]
    added, commission = till.node_has(TOLERANCE), till.node_has("commission")
    buyer = till.buyer()
    order = till.order(buyer, Rail.CHECKOUT)
    till.pay(order, buyer)
    till.credit(buyer, PRICE - TEN)
    for action, amount in steps:
        who = buyer if action in {Action.CONFIRM, Action.RELEASE_PART} else till.shop.seller
        till.act(order, who, action, gross=amount)
    back = min(given, PRICE - TEN)
    assert till.has_coin(buyer) == (back, 0)
    assert added - till.node_has(TOLERANCE) == TEN - (given - back)
    market = till.market_has_coin(order)
    assert market + till.node_has("commission") - commission == PRICE - given
    (intent,) = till.payments(order)
    assert intent.returned + intent.refunded == given
    even(till)


def test_only_a_deposit_is_completed(database: Database) -> None:
    till = a_till(database, bps=10)
    buyer = till.buyer()
    till.credit(buyer, PRICE - 1)
    order = till.order(buyer, Rail.DEPOSIT)
    payment_id = till.pay(order, buyer)  # what lay there is too little, and nothing came
    with till.shop.database.transaction() as tx:
        assert not till.shop.funding.take(tx, till.shop.payment.locked(tx, payment_id))
    assert till.state(order) == ("placed", "created")
    even(till)


def test_what_comes_at_the_same_moment_is_not_added_as_well(
    database: Database, module_database: DatabaseUrls
) -> None:
    """The posting waits for the account, and sees then that nothing is missing."""
    till = a_till(database, bps=10)
    added = till.node_has(TOLERANCE)
    buyer = till.buyer()
    order = till.order(buyer, Rail.DEPOSIT)
    payment_id = till.pay(order, buyer)
    owner = owner_of_account(buyer.account_id)
    with database.transaction() as tx:
        till.shop.balance.top_up(tx, owner, Amount(NATIVE.asset, PRICE - TEN))

    def take() -> bool:
        with database.transaction() as tx:
            intent = till.shop.payment.locked(tx, payment_id)
            return till.shop.funding.take(tx, intent, by_deposit=True)

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            till.shop.balance.top_up(tx, owner, Amount(NATIVE.asset, TEN + 2))
            taking = pool.submit(take)
            await_blocked(module_database)
        assert taking.result(WAIT_S) is False
        assert till.state(order) == ("placed", "created")
        assert take()
    till.follow()
    (intent,) = till.payments(order)
    assert (till.state(order), intent.covered, intent.received) == (("paid", "authorised"), 0, PRICE + 2)
    assert (till.has_coin(buyer), till.node_has(TOLERANCE)) == ((2, PRICE), added)
    even(till)


def await_blocked(urls: DatabaseUrls) -> None:
    """Until somebody of this database waits for somebody else's row."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    ends = time.monotonic() + WAIT_S
    with psycopg.connect(urls.app, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < ends
            time.sleep(0.01)
