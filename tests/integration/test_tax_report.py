"""The tax of orders, by market and rate: off the chain the node's to pay out, on the escrow the market's."""

import datetime as dt
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner

from node.cli.payments import payments
from node.kernel.db.unit_of_work import Database
from node.kernel.money import Amount
from node.kernel.tax import TaxClass
from node.services.catalog.models import Product
from node.services.charge.errors import ChargeInvalid, TaxTooLarge
from node.services.charge.models import Receiver
from node.services.charge.pricing import TaxRule
from node.services.charge.reconciling import TaxAgainstLedger
from node.services.charge.remitting import Period, TaxService
from node.services.charge.service import MethodDraft
from node.services.order.access import Caller
from node.services.order.charging import Destination
from node.services.order.models import Order
from node.services.order.states import Action, Rail
from tests.shop import NATIVE, EscrowTold, Shop, a_caller
from tests.stack import DatabaseUrls
from tests.till import EUR, EUROS, Till
from wallet.owners import BANK, TAX

pytestmark = pytest.mark.pg

VAT = TaxRule(name="=MwSt", is_included=False, standard_bps=1900, reduced_bps=700)
PRICE, POST = 9_999, 501
GOODS_TAX, POST_TAX = 700, 95  # at 7 % of 9999, and 19 % of 501


@pytest.fixture
def till(fresh_database: DatabaseUrls) -> Iterator[Till]:
    database = Database(fresh_database.app, pool_size=3)
    found = Till(Shop(database))
    yield found
    found.follow()
    assert found.broken() == ()
    assert TaxAgainstLedger().compare(database.transaction).differences == []
    database.dispose()


@pytest.fixture
def tax(till: Till) -> TaxService:
    return TaxService(till.shop.clock, till.shop.ledger, till.shop.balance)


def a_book(till: Till, *, in_coin: bool) -> tuple[Product, Destination]:
    """At the lower rate, sent by a post that has the standard one."""
    shop, currency = till.shop, NATIVE if in_coin else EUROS
    product = shop.add_product(stock=50, price=PRICE, currency=currency)
    with shop.database.transaction() as tx:
        tx.get_one(Product, product.id).tax_class = TaxClass.REDUCED.value
        shop.charge.put_tax(tx, product.market_id, "DE", VAT)
        draft = MethodDraft(name="Post", price=POST)
        method = shop.charge.add_method(tx, product.market_id, asset=currency.asset, draft=draft)
        return product, Destination(country="DE", method_id=method.id)


def bought(till: Till, product: Product, to: Destination, buyer: Caller, rail: Rail) -> Order:
    with till.shop.database.transaction() as tx:
        order = till.shop.order.place(tx, buyer, product_id=product.id, quantity=1, note="", rail=rail, to=to)
    assert (order.tax, order.shipping_tax, order.tax_bps) == (GOODS_TAX + POST_TAX, POST_TAX, 700)
    if rail is not Rail.ESCROW:
        till.pay(order, buyer)
    till.follow()
    return order


def rows(
    till: Till, tax: TaxService, market_id: uuid.UUID | None, *period: dt.datetime
) -> list[tuple[object, ...]]:
    within = Period(since=period[0], until=period[1]) if period else Period()
    with till.shop.database.transaction() as tx:
        found = tax.rows(tx, within, market_id=market_id)
    return [(row.bps, row.remitter, int(row.collected), int(row.refunded)) for row in found]


def held(till: Till, tax: TaxService, market_id: uuid.UUID) -> int:
    with till.shop.database.transaction() as tx:
        return tax.held(tx, market_id=market_id).get((market_id, EUR.id), 0)


def test_a_market_sees_what_the_node_collected_and_the_node_pays_it_out(
    till: Till, tax: TaxService, fresh_database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = till.shop
    product, to = a_book(till, in_coin=False)
    other, other_to = a_book(till, in_coin=False)
    buyer = till.buyer(60_000)
    start = shop.clock.now()
    for where, there in ((product, to), (other, other_to)):
        bought(till, where, there, buyer, Rail.BALANCE)
    waiting = bought(till, product, to, buyer, Rail.HOLD)
    market = product.market_id
    both = [(1900, "node", POST_TAX, 0), (700, "node", GOODS_TAX, 0)]
    assert rows(till, tax, market) == both  # what is held was not collected yet
    assert sorted(rows(till, tax, None)) == sorted([*both, *both])
    later = start + dt.timedelta(days=31)
    shop.clock.advance(dt.timedelta(days=40))
    for part in (1, 77, 999):  # rates keep to their parts of the whole, dust and all
        till.act(waiting, buyer, Action.RELEASE_PART, gross=part)
    till.act(waiting, buyer, Action.CONFIRM)
    assert rows(till, tax, market, start, later) == both
    assert rows(till, tax, market, later, later + dt.timedelta(days=31)) == both
    with shop.database.transaction() as tx:
        for money, receiver, refusal in (
            (Amount(EUR, 1 + 2 * (GOODS_TAX + POST_TAX)), Receiver.MARKET, TaxTooLarge),
            (Amount(EUR, 0), Receiver.MARKET, ChargeInvalid),
            (Amount(NATIVE.asset, 1), Receiver.AUTHORITY, ChargeInvalid),
        ):
            with pytest.raises(refusal):
                tax.remit(tx, market, money, to=receiver, reason="2026-01", by="test")
        tax.remit(tx, market, Amount(EUR, GOODS_TAX), to=Receiver.AUTHORITY, reason="2026-01", by="test")
    assert till.node_has(BANK) == GOODS_TAX
    had = till.market_has(waiting)
    monkeypatch.setenv("ASOUD_DATABASE_URL", fresh_database.app)
    run = CliRunner()
    paid = ["remit-tax", str(market), "EUR", str(POST_TAX), "--to", "market", "--reason", "2026-01"]
    assert run.invoke(payments, paid).output == f"{POST_TAX} of {EUR.id} to the market\n"
    assert till.market_has(waiting) == had + POST_TAX
    assert held(till, tax, market) == GOODS_TAX + POST_TAX
    assert till.node_has(TAX) == 2 * (GOODS_TAX + POST_TAX)  # of the other market as well
    told = run.invoke(payments, ["tax", "--market", str(market), "--until", "2026-01-31"])
    assert told.stdout.splitlines()[1:] == [
        f"{market},DE,'=MwSt,1900,{EUR.id},node,{POST_TAX},0",
        f"{market},DE,'=MwSt,700,{EUR.id},node,{GOODS_TAX},0",
    ]
    assert told.stderr == f"the node has {GOODS_TAX + POST_TAX} of {EUR.id} of market {market}\n"
    # A refund takes tax back, whether or not it was paid out: what comes next makes it good.
    for part in (5_001, waiting.amount - 5_001):
        till.act(waiting, shop.seller, Action.REFUND_LATER, gross=part)
    assert rows(till, tax, market, later, later + dt.timedelta(days=31)) == [
        (1900, "node", POST_TAX, POST_TAX),
        (700, "node", GOODS_TAX, GOODS_TAX),
    ]
    assert held(till, tax, market) == 0


def test_the_escrow_pays_the_market_which_remits_the_tax(
    till: Till, tax: TaxService, connection: psycopg.Connection
) -> None:
    product, to = a_book(till, in_coin=True)
    buyer = a_caller()
    order = bought(till, product, to, buyer, Rail.ESCROW)
    assert order.amount == PRICE + POST + GOODS_TAX + POST_TAX
    # Its rate is lowered, so that the contract takes no more of the whole than the node's part of the goods.
    assert order.fee_bps == 250 * PRICE // order.amount
    assert order.terms().fee_bps == order.fee_bps
    assert order.amount * order.fee_bps // 10_000 <= PRICE * 250 // 10_000
    for step in ("funded", "part_released", "part_refunded", "shipped", "released"):
        till.shop.tell(getattr(EscrowTold(till.shop.read(order.id)), step)())
        till.follow()
    ended = till.shop.read(order.id)
    (intent,) = till.payments(order)
    assert (intent.tax, intent.shipping, intent.settled) == (0, 0, (ended.to_seller or 0) + (ended.fee or 0))
    steps = connection.execute(
        "SELECT sum(market), sum(commission), sum(tax + shipping) FROM payment.step WHERE kind = 'settle'"
    ).fetchone()
    assert steps == (ended.to_seller, ended.fee, 0)  # what the contract did, and nothing else
    whole = order.tax * intent.settled // order.amount
    of_post = whole * POST_TAX // order.tax
    assert rows(till, tax, product.market_id) == [
        (1900, "market", of_post, 0),
        (700, "market", whole - of_post, 0),
    ]
    assert till.node_has(TAX) == 0
