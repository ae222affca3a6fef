"""Payments against the ledger: even after all that happens to them, and what was tampered with is found."""

from collections.abc import Iterator

import psycopg
import pytest

from node.kernel.db.unit_of_work import Database
from node.services.order.states import Action, Rail
from node.services.payment.reconciling import PaymentsAgainstLedger
from tests.shop import Shop
from tests.stack import DatabaseUrls
from tests.till import PRICE, Till

pytestmark = pytest.mark.pg


@pytest.fixture
def till(fresh_database: DatabaseUrls) -> Iterator[Till]:
    database = Database(fresh_database.app, pool_size=3)
    yield Till(Shop(database))
    database.dispose()


def found(till: Till) -> list[tuple[str, str, str]]:
    comparison = PaymentsAgainstLedger().compare(till.shop.database.transaction)
    return [(one.key.split(":")[0], one.found, one.expected) for one in comparison.differences]


def test_payments_and_entries(till: Till, connection: psycopg.Connection) -> None:
    order, buyer = till.paid(Rail.HOLD)
    assert found(till) == []
    till.act(order, buyer, Action.RELEASE_PART, gross=1_000)
    till.act(order, till.shop.seller, Action.REFUND_PART, gross=1)
    assert found(till) == []
    till.act(order, till.shop.seller, Action.SHIP)
    till.act(order, buyer, Action.CONFIRM)
    till.act(order, till.shop.seller, Action.REFUND_LATER, gross=77)
    till.paid(Rail.BALANCE)
    waiting, _ = till.paid(Rail.HOLD)
    assert found(till) == []
    (intent,) = till.payments(waiting)
    connection.execute("UPDATE payment.intent SET returned = 4 WHERE id = %s", (intent.id,))
    assert found(till) == [("held", "10001 held", "9997 by the intent")]
    connection.execute("UPDATE payment.intent SET returned = 0 WHERE id = %s", (intent.id,))
    connection.execute(
        "UPDATE payment.step SET amount = amount + 1, market = market + 1 WHERE kind = 'refund'"
    )
    assert found(till) == [("step", "77 moved", "78 by refund")]
    connection.execute("UPDATE payment.step SET key = key || '-' WHERE kind = 'refund'")
    assert found(till) == [("step", "0 moved", "78 by refund")]


def test_every_rail_of_the_ledger_is_compared(till: Till, connection: psycopg.Connection) -> None:
    rails = [rail for rail in Rail if rail is not Rail.ESCROW]
    for rail in rails:
        buyer = till.buyer(PRICE)
        order = till.order(buyer, rail)
        payment_id = till.pay(order, buyer, method="test" if rail is Rail.GATEWAY else None)
        if rail is Rail.GATEWAY:
            with till.shop.database.transaction() as tx:
                till.shop.payment.authorise(tx, till.shop.payment.locked(tx, payment_id))
        elif rail in {Rail.DEPOSIT, Rail.CHECKOUT}:
            till.credit(buyer, PRICE)
        till.follow()
        till.act(order, till.shop.seller, Action.REFUND_PART, gross=10)
    assert found(till) == []
    connection.execute("UPDATE payment.intent SET returned = returned + 1 WHERE rail <> 'balance'")
    connection.execute("UPDATE payment.step SET amount = amount + 1 WHERE kind = 'give_back'")
    what = found(till)
    assert [one for one in what if one[0] == "held"] == [("held", "9991 held", "9990 by the intent")] * 4
    assert [one for one in what if one[0] == "step"] == [("step", "10 moved", "11 by give_back")]
