"""Orders in euros, paid from balances and by holds: the order and its money move together, and once."""

import datetime as dt
import threading
from collections.abc import Iterator

import pytest

from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError
from node.kernel.money import Amount
from node.services.order.access import Caller
from node.services.order.errors import AlreadyPaid, OtherRail, RailUnfit, SplitTooLarge, WrongOrderState
from node.services.order.models import Order
from node.services.order.states import Action, Rail
from node.services.payment.errors import PartTooLarge
from node.services.payment.states import State
from tests.shop import ARBITER, UNFUNDED, EscrowTold, Shop, a_caller
from tests.stack import DatabaseUrls
from tests.till import EUR, FEE, PRICE, Till
from wallet.ledger.commands import Posting, Transfer
from wallet.ledger.errors import InsufficientFunds
from wallet.owners import owner_of_account, owner_of_market

pytestmark = pytest.mark.pg

NET = PRICE - FEE
BOTH = pytest.mark.parametrize("rail", [Rail.BALANCE, Rail.HOLD])
JUDGE = a_caller(ARBITER)


@pytest.fixture(scope="module")
def database(module_database: DatabaseUrls) -> Iterator[Database]:
    opened = Database(module_database.app, pool_size=9)
    yield opened
    opened.dispose()


@pytest.fixture
def till(database: Database) -> Iterator[Till]:
    found = Till(Shop(database))
    yield found
    found.follow()
    assert found.broken() == ()


def seller(till: Till) -> Caller:
    return till.shop.seller


def spend(till: Till, order: Order, cents: int) -> None:
    """The market takes its money elsewhere."""
    shop = till.shop
    with shop.database.transaction() as tx:
        market = shop.balance.wallet(tx, owner_of_market(order.market_id), EUR)
        other = shop.balance.wallet(tx, owner_of_account(a_caller().account_id), EUR)
        posting = Posting(market, other, Amount(EUR, cents))
        shop.ledger.post(tx, Transfer(f"spent:{order.id}:{cents}", "spent", (posting,)))


def test_from_a_balance_the_market_is_paid_at_once(till: Till) -> None:
    before = till.node_has("commission")
    order, buyer = till.paid(Rail.BALANCE, PRICE + 5)
    assert till.state(order) == ("paid", "captured")
    assert (till.has(buyer), till.market_has(order)) == ((5, 0), NET)
    assert till.node_has("commission") - before == FEE
    till.act(order, seller(till), Action.SHIP)
    till.act(order, buyer, Action.CONFIRM)
    assert (till.state(order), till.split(order)) == (("completed", "captured"), (NET, 0, FEE))
    assert till.market_has(order) == NET


def test_a_hold_waits_for_the_goods(till: Till) -> None:
    order, buyer = till.paid(Rail.HOLD)
    assert till.state(order) == ("paid", "authorised")
    assert (till.has(buyer), till.market_has(order)) == ((0, PRICE), 0)
    till.act(order, buyer, Action.RELEASE_PART, gross=1_000)
    till.act(order, seller(till), Action.REFUND_PART, gross=1)
    assert till.state(order) == ("paid", "partly_captured")
    assert till.has(buyer) == (1, PRICE - 1_001)
    till.act(order, seller(till), Action.SHIP)
    till.act(order, buyer, Action.CONFIRM)
    assert till.state(order) == ("completed", "partly_refunded")
    to_seller, to_buyer, fee = till.split(order)
    assert (to_buyer, till.has(buyer), till.market_has(order)) == (1, (1, 0), to_seller)
    assert (to_seller or 0) + (fee or 0) == PRICE - 1
    assert fee == 25 + (PRICE - 1_001) * 250 // 10_000  # each part is rounded for the seller, as on the chain


@BOTH
@pytest.mark.parametrize("to_seller", [0, 1, 3_333, PRICE])
def test_rulings_are_the_same_everywhere(till: Till, rail: Rail, to_seller: int) -> None:
    order, buyer = till.paid(rail)
    till.act(order, seller(till), Action.SHIP)
    till.act(order, buyer, Action.DISPUTE, says="a stone in the box")
    with pytest.raises(AsoudError):
        till.act(order, buyer, Action.RULE, gross=0)
    with pytest.raises(SplitTooLarge):
        till.act(order, JUDGE, Action.RULE, gross=PRICE + 1)
    till.act(order, JUDGE, Action.RULE, gross=to_seller)
    got, back, fee = till.split(order)
    assert (back, till.has(buyer)) == (PRICE - to_seller, (PRICE - to_seller, 0))
    assert (got or 0) + (fee or 0) == to_seller
    assert till.market_has(order) == got
    expected = {0: State.REFUNDED, PRICE: State.CAPTURED}.get(to_seller, State.PARTLY_REFUNDED)
    assert till.state(order) == ("ruled", expected)


@BOTH
def test_deadlines_act_by_themselves(till: Till, rail: Rail) -> None:
    silent, unshipped, accepted = (till.paid(rail) for _ in range(3))
    for order, _ in (silent, accepted):
        till.act(order, seller(till), Action.SHIP)
    till.act(silent[0], silent[1], Action.DISPUTE)
    till.shop.clock.advance(dt.timedelta(hours=3))
    assert till.act_due() >= 3  # and what other tests left
    assert till.shop.read(accepted[0].id).state == "completed"
    assert (till.shop.read(unshipped[0].id).state, till.has(unshipped[1])) == ("refunded", (PRICE, 0))
    assert (till.shop.read(silent[0].id).state, till.has(silent[1])) == ("ruled", (PRICE - PRICE // 2, 0))


@BOTH
def test_refunds_after_the_end_come_from_all_who_were_paid(till: Till, rail: Rail) -> None:
    order, buyer = till.paid(rail)
    till.act(order, seller(till), Action.SHIP)
    with pytest.raises(WrongOrderState):
        till.act(order, seller(till), Action.REFUND_LATER, gross=1)
    till.act(order, buyer, Action.CONFIRM)
    commission = till.node_has("commission")
    for cents in (1, 3_333):
        till.act(order, seller(till), Action.REFUND_LATER, gross=cents)
    assert till.state(order) == ("completed", "partly_refunded")
    assert till.has(buyer) == (3_334, 0)
    assert commission - till.node_has("commission") in (83, 84)
    with pytest.raises(PartTooLarge) as refused:
        till.act(order, seller(till), Action.REFUND_LATER, gross=PRICE - 3_333)
    assert refused.value.fields["left"] == str(PRICE - 3_334)
    till.act(order, seller(till), Action.REFUND_LATER, gross=PRICE - 3_334)
    assert (till.state(order), till.has(buyer)) == (("completed", "refunded"), (PRICE, 0))
    assert till.market_has(order) == 0
    assert commission - till.node_has("commission") == FEE


def test_a_market_that_spent_it_owes_and_pays_off_with_the_next_money(till: Till) -> None:
    order, _ = till.paid(Rail.BALANCE)
    spend(till, order, NET)
    till.act(order, seller(till), Action.REFUND)
    assert (till.market_has(order), till.market_floor(order)) == (-NET, -NET)
    with pytest.raises(InsufficientFunds):
        spend(till, order, 1)
    product = till.shop.read(order.id).product_id
    buyer = till.buyer(PRICE)
    with till.shop.database.transaction() as tx:
        again = till.shop.order.place(tx, buyer, product_id=product, quantity=1, note="", rail=Rail.HOLD)
    till.pay(again, buyer)
    till.act(again, buyer, Action.RELEASE_PART, gross=1_000)
    assert (till.market_has(order), till.market_floor(order)) == (975 - NET, 975 - NET)
    till.act(again, buyer, Action.CONFIRM)
    assert till.market_floor(order) == min(0, till.market_has(order))


def test_a_market_owes_no_more_than_it_may(database: Database) -> None:
    till = Till(Shop(database, debt_max={"EUR": 100}))
    order, buyer = till.paid(Rail.BALANCE)
    spend(till, order, NET)
    with pytest.raises(InsufficientFunds):
        till.act(order, seller(till), Action.REFUND)
    till.shop.clock.advance(dt.timedelta(hours=3))
    till.act_due()  # tells it in the log
    assert (till.state(order), till.has(buyer), till.market_floor(order)) == (("paid", "captured"), (0, 0), 0)
    till.act(order, seller(till), Action.REFUND_PART, gross=100)
    assert till.has(buyer) == (100, 0)


def test_an_order_is_paid_once(till: Till) -> None:
    buyer = till.buyer(5 * PRICE)
    order = till.order(buyer, Rail.HOLD)
    failures: list[AsoudError] = []

    def pay() -> None:
        try:
            till.pay(order, buyer)
        except AsoudError as error:
            failures.append(error)

    racers = [threading.Thread(target=pay) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [type(failure) for failure in failures] == [WrongOrderState] * 3
    assert till.has(buyer) == (4 * PRICE, PRICE)
    till.follow()
    till.follow()
    assert till.has(buyer) == (4 * PRICE, PRICE)


def test_without_money_nothing_happens(till: Till) -> None:
    buyer = till.buyer(PRICE - 1)
    for rail in (Rail.BALANCE, Rail.HOLD):
        order = till.order(buyer, rail)
        with pytest.raises(InsufficientFunds):
            till.pay(order, buyer)
        assert (till.shop.read(order.id).state, till.payments(order)) == ("placed", [])
    assert till.has(buyer) == (PRICE - 1, 0)
    till.shop.clock.advance(UNFUNDED * 2)
    with till.shop.database.transaction() as tx:
        assert till.shop.order.expire_due(tx, now=till.shop.clock.now(), limit=100) >= 2


def test_an_unpaid_order_is_cancelled_and_a_paid_one_is_not(till: Till) -> None:
    buyer = till.buyer(PRICE)
    order = till.order(buyer, Rail.HOLD)
    with till.shop.database.transaction() as tx:
        till.shop.order.cancel(tx, buyer, order.id)
    assert till.shop.read(order.id).state == "cancelled"
    assert till.shop.stock(order.product_id) == (5, 0, 0)
    paid, buyer = till.paid(Rail.HOLD)
    with pytest.raises(WrongOrderState), till.shop.database.transaction() as tx:
        till.shop.order.cancel(tx, buyer, paid.id)


@pytest.mark.parametrize("rail", [Rail.DEPOSIT, Rail.CHECKOUT])
def test_deposits_pay_as_soon_as_they_are_enough(till: Till, rail: Rail) -> None:
    buyer = till.buyer()
    first, second, given_up = (till.order(buyer, rail) for _ in range(3))
    for order in (given_up, first, second):
        assert till.pay(order, buyer) == till.pay(order, buyer)  # the same invoice
    with till.shop.database.transaction() as tx:
        till.shop.order.cancel(tx, buyer, given_up.id)
    till.credit(buyer, PRICE - 1)
    assert till.state(first) == ("placed", "created")
    till.credit(buyer, 5)
    assert (till.state(first), till.has_coin(buyer)) == (("paid", "authorised"), (4, PRICE))
    assert till.state(second) == ("placed", "created")
    till.act(first, seller(till), Action.REFUND)
    assert till.has_coin(buyer) == (PRICE + 4, 0)
    with till.shop.database.transaction() as tx:  # what is there already counts, when somebody looks again
        assert till.shop.funding.take(tx, till.shop.payment.locked(tx, till.payments(second)[0].id))
    till.follow()
    assert (till.state(second), till.has_coin(buyer)) == (("paid", "authorised"), (4, PRICE))
    assert till.state(given_up)[0] == "cancelled"


def test_what_does_not_fit_is_refused(till: Till) -> None:
    with pytest.raises(RailUnfit):
        till.order(till.buyer(), Rail.ESCROW)
    wallet = a_caller()
    coin = till.shop.add_product(stock=1)
    with pytest.raises(RailUnfit):
        till.shop.place(coin, buyer=wallet, rail=Rail.GATEWAY)
    with pytest.raises(RailUnfit):
        till.order(wallet, Rail.ESCROW)
    order = till.shop.place(coin, buyer=wallet)
    with pytest.raises(OtherRail):
        till.pay(order, wallet)
    with pytest.raises(OtherRail):
        till.act(order, wallet, Action.CANCEL)


def test_the_intent_follows_the_contract(till: Till) -> None:
    order = till.shop.place(till.shop.add_product(stock=9, price=1_001))
    told = EscrowTold
    till.follow()
    assert till.state(order) == ("placed", "created")
    till.shop.tell(told(order).funded())
    till.shop.tell(told(till.shop.read(order.id)).part_released())
    till.shop.tell(told(till.shop.read(order.id)).part_refunded())
    till.follow()
    assert till.state(order) == ("paid", "partly_captured")
    till.shop.tell(told(till.shop.read(order.id)).released())
    till.follow()
    (intent,) = till.payments(order)
    found = till.shop.read(order.id)
    assert till.state(order) == ("completed", "partly_refunded")
    assert (intent.settled, intent.returned) == ((found.to_seller or 0) + (found.fee or 0), found.to_buyer)
    assert intent.secured == intent.settled + intent.returned == 1_001


def test_late_money_pays_or_goes_back(till: Till) -> None:
    """As a gateway brings it: two payments of one order, the first one after the order had expired."""
    buyer = till.buyer()
    order = till.order(buyer, Rail.GATEWAY)
    first, second = (till.pay(order, buyer, method="test") for _ in range(2))
    till.shop.clock.advance(UNFUNDED * 2)
    with till.shop.database.transaction() as tx:
        assert till.shop.order.expire_due(tx, now=till.shop.clock.now(), limit=100) >= 1
    clearing = till.node_has("clearing", "gateway:test")
    for payment_id in (first, second, second):
        with till.shop.database.transaction() as tx:
            till.shop.payment.authorise(tx, till.shop.payment.locked(tx, payment_id))
    with pytest.raises(WrongOrderState):
        till.pay(order, buyer)
    till.follow()
    found = till.shop.read(order.id)
    assert (found.state, found.payment_id, found.out_of_stock) == ("paid", first, False)
    assert [intent.state for intent in till.payments(order)] == ["authorised", "refunded"]
    assert till.node_has("clearing", "gateway:test") - clearing == -PRICE
    till.act(order, seller(till), Action.SHIP)
    till.act(order, buyer, Action.CONFIRM)
    assert (till.state(order)[0], till.market_has(order)) == ("completed", NET)


def test_what_nobody_knows_waits_for_an_operator(till: Till) -> None:
    buyer = till.buyer()
    order = till.order(buyer, Rail.GATEWAY)
    payment_id = till.pay(order, buyer, method="test")
    payments = till.shop.payment
    for _ in range(2):
        with till.shop.database.transaction() as tx:
            payments.park(tx, payments.locked(tx, payment_id), kind="amount", detail="1 and not 10001")
    with pytest.raises(AlreadyPaid):
        till.pay(order, buyer, method="test")
    till.shop.clock.advance(UNFUNDED * 2)
    with till.shop.database.transaction() as tx:
        till.shop.order.expire_due(tx, now=till.shop.clock.now(), limit=100)
        assert tx.get_one(Order, order.id).state == "placed"
        payments.decide(tx, payment_id, to=State.AUTHORISED, reason="the bank said so", by="ada")
    till.follow()
    assert till.state(order) == ("paid", "authorised")
