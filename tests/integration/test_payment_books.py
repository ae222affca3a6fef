"""Payments against the ledger: even after all that happens to them, and what was tampered with is found."""

from collections.abc import Iterator

import psycopg
import pytest

from node.kernel.db.unit_of_work import Database
from node.kernel.money import Amount
from node.services.charge.reconciling import TaxAgainstLedger
from node.services.order.states import Action, Rail
from node.services.payment.funding import Tolerance
from node.services.payment.reconciling import PaymentsAgainstLedger
from tests.shop import Shop
from tests.stack import DatabaseUrls
from tests.till import EUR, PRICE, Till
from wallet.ledger.commands import Posting, Transfer
from wallet.owners import NODE, TAX, owner_of_market

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


def test_tax_and_what_was_added_to_deposits(till: Till, connection: psycopg.Connection) -> None:
    database = till.shop.database
    till.shop.funding._tolerance = Tolerance(bps=10)
    buyer = till.buyer(PRICE)
    till.pay(till.order(buyer, Rail.BALANCE), buyer)
    short = till.order(buyer, Rail.DEPOSIT)
    till.pay(short, buyer)
    till.credit(buyer, PRICE - 10)
    till.act(short, till.shop.seller, Action.REFUND_PART, gross=PRICE - 4)
    tax = TaxAgainstLedger()
    assert (found(till), tax.compare(database.transaction).differences) == ([], [])
    connection.execute("UPDATE payment.intent SET covered = 3 WHERE covered > 0")
    assert found(till) == [("tolerance", "4 booked", "3 added by intents")]
    connection.execute("UPDATE payment.intent SET covered = 10 WHERE covered > 0")
    with database.transaction() as tx:
        shop, asset = till.shop, EUR
        account = shop.ledger.account(tx, NODE, TAX, asset, floor=None)
        market = shop.balance.wallet(tx, owner_of_market(short.market_id), asset)
        shop.ledger.post(tx, Transfer("x:1:y", "x", (Posting(account, market, Amount(asset, 3)),)))
    (difference,) = tax.compare(database.transaction).differences
    assert (difference.found, difference.expected) == ("-3 booked", "0 by payments and remittances")


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
