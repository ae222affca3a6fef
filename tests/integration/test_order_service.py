"""Orders on a real database: stock under concurrency, money from the chain only, words only for parties."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from eth_utils.crypto import keccak

from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError, Refused
from node.kernel.hexes import Address
from node.kernel.spine.event import StoredEvent
from node.services.catalog.errors import OutOfStock, ProductNotForSale, ProductUnknown
from node.services.catalog.models import Product, Status
from node.services.catalog.service import ProductDraft
from node.services.order.access import Caller
from node.services.order.errors import (
    AppealNotAgreed,
    DeadlineNotReached,
    DeadlinePassed,
    EscrowMoved,
    NotThatParty,
    OrderTooLarge,
    OrderUnknown,
    OwnProduct,
    SplitTooLarge,
    TooManyStatements,
    TooManyUnpaidOrders,
    WrongOrderState,
)
from node.services.order.models import Order, Statement, chain_id_of, order_id_of
from node.services.order.service import UNPAID_MAX
from node.services.order.statements import STATEMENTS_MAX, Kind, Words
from node.services.order.states import RULES, Action, State
from node.services.order.verify import differences
from tests.shop import (
    ARBITER,
    START,
    UNFUNDED,
    EscrowTold,
    Shop,
    a_caller,
    a_deployment,
    of_a_stranger,
    order_events,
    reasons,
)
from tests.stack import DatabaseUrls

pytestmark = pytest.mark.pg


@pytest.fixture
def database(fresh_database: DatabaseUrls) -> Iterator[Database]:
    opened = Database(fresh_database.app, pool_size=12)
    yield opened
    opened.dispose()


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def at_once(count: int, action: Callable[[], object]) -> list[object]:
    """Runs the action in that many threads, all let go together; exceptions are among the results."""
    gate = threading.Barrier(count)
    results: list[object] = []

    def run() -> None:
        gate.wait()
        try:
            results.append(action())
        except AsoudError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# ---------------------------------------------------------------------------------------------- stock


def test_nobody_gets_a_unit_that_is_not_there(shop: Shop) -> None:
    product = shop.add_product(stock=5)
    results = at_once(12, lambda: shop.place(product, buyer=a_caller()))
    assert sum(isinstance(result, Order) for result in results) == 5
    assert sum(isinstance(result, OutOfStock) for result in results) == 7
    assert shop.stock(product.id) == (0, 5, 0)


def test_cancel_and_expiry_at_once_give_a_unit_back_once(shop: Shop) -> None:
    product = shop.add_product(stock=1)
    order = shop.place(product)
    shop.clock.advance(UNFUNDED + dt.timedelta(seconds=1))
    turn = iter(range(8))

    def end() -> object:
        with shop.database.transaction() as tx:
            if next(turn) % 2:
                return shop.order.expire_due(tx, now=shop.clock.now(), limit=10)
            shop.order.cancel(tx, shop.buyer, order.id)
            return 1

    results = at_once(8, end)
    assert sum(1 for result in results if result == 1) == 1
    assert shop.stock(product.id) == (1, 0, 0)


def test_the_same_event_by_two_processes_moves_the_order_once(
    shop: Shop, connection: psycopg.Connection
) -> None:
    order = shop.place(shop.add_product(stock=1))
    funded = EscrowTold(order).funded()
    results = at_once(6, lambda: shop.tell(funded))
    assert shop.read(order.id).state == State.PAID
    assert results == [None] * 6
    assert order_events(connection, order.id) == [(1, "order.placed"), (2, "order.paid")]


def test_stock_follows_the_order_to_its_end(shop: Shop) -> None:
    product = shop.add_product(stock=9)
    completed, refunded, late_refund, ruled = (shop.place(product, quantity=2) for _ in range(4))
    assert shop.stock(product.id) == (1, 8, 0)
    told = EscrowTold(completed)
    shop.tell(told.funded(), told.shipped())
    assert shop.stock(product.id) == (1, 6, 2)
    shop.tell(told.released())
    told = EscrowTold(refunded)
    shop.tell(told.funded(), told.refunded())
    assert shop.stock(product.id) == (3, 4, 2)
    told = EscrowTold(late_refund)  # the goods had left the shop: they don't come back by a payment
    shop.tell(told.funded(), told.shipped(), told.refunded())
    told = EscrowTold(ruled)
    shop.tell(told.funded(), told.shipped(), told.disputed(), told.ruled())
    assert shop.stock(product.id) == (3, 0, 6)


def test_nobody_holds_a_shop_for_nothing(shop: Shop) -> None:
    product = shop.add_product(stock=100)
    orders = [shop.place(product) for _ in range(UNPAID_MAX)]
    with pytest.raises(TooManyUnpaidOrders):
        shop.place(product)
    shop.place(product, buyer=a_caller())
    shop.tell(EscrowTold(orders[0]).funded())
    shop.place(product)
    assert shop.stock(product.id) == (100 - UNPAID_MAX - 2, UNPAID_MAX + 2, 0)


def test_a_product_that_is_not_for_sale_is_not_sold(shop: Shop) -> None:
    product = shop.add_product(stock=5)
    expected = {Status.ARCHIVED: ProductNotForSale, Status.DRAFT: ProductUnknown}
    for status, error in expected.items():
        with shop.database.transaction() as tx:
            owned = shop.catalog.owned(tx, product.id, account_id=shop.seller.account_id)
            shop.catalog.change(tx, owned, ProductDraft(status=status))
        with pytest.raises(error):
            shop.place(product)
    assert shop.stock(product.id) == (5, 0, 0)


# ---------------------------------------------------------------------------------------------- terms


def test_terms_are_fixed_when_the_order_is_placed(shop: Shop) -> None:
    product = shop.add_product(stock=5, price=7)
    order = shop.place(product, quantity=3)
    terms = order.terms()
    assert order_id_of(terms.order_id) == order.id
    assert (terms.amount, terms.buyer, terms.seller) == (21, shop.buyer.wallet, shop.seller.wallet)
    assert (terms.arbiter, terms.fee_bps) == (ARBITER, 250)
    assert terms.fee_receiver == shop.deployment.timelock.address
    assert terms.ship_by == int((START + UNFUNDED).timestamp()) + 3600
    with shop.database.transaction() as tx:
        owned = shop.catalog.owned(tx, product.id, account_id=shop.seller.account_id)
        shop.catalog.change(tx, owned, ProductDraft(title="Coffee", stock=0))
    assert shop.read(order.id).terms() == terms
    assert shop.read(order.id).title == "Tea"


def test_names_on_the_chain_lead_back() -> None:
    order_id = uuid.uuid4()
    assert order_id_of(chain_id_of(order_id)) == order_id
    assert order_id_of(chain_id_of(order_id).replace("0x0", "0x1", 1)) is None  # type: ignore[arg-type]


def test_nobody_buys_from_themselves_or_beyond_an_escrow(shop: Shop) -> None:
    product = shop.add_product(stock=5, price=2**127)
    payout_wallet = a_caller(shop.seller.wallet)
    for buyer in (shop.seller, payout_wallet, shop.arbiter):
        with pytest.raises(OwnProduct):
            shop.place(product, buyer=buyer)
    with pytest.raises(OrderTooLarge):
        shop.place(product, quantity=2)
    assert shop.stock(product.id) == (5, 0, 0)


# -------------------------------------------------------------------------------------- chain's word


def test_a_strangers_escrow_pays_nothing(shop: Shop, connection: psycopg.Connection) -> None:
    order = shop.place(shop.add_product(stock=1))
    told = EscrowTold(order)
    stranger = of_a_stranger(order)
    elsewhere = told.funded(contract=Address("0x" + "99" * 20))
    other_terms = told.funded(seller=a_caller().wallet)
    unknown = told.funded(order_id=chain_id_of(uuid.uuid4()))
    nobody = told.funded(order_id="0x" + "ff" * 32)
    shop.tell(stranger, elsewhere, other_terms, unknown, nobody)
    assert shop.read(order.id).state == State.PLACED
    assert order_events(connection, order.id) == [(1, "order.placed")]
    assert reasons(connection) == [
        "another escrow than the order's own",
        "another contract",
        "other terms than the order's own",
        "no order of ours",
        "no order of ours",
    ]


def test_what_does_not_follow_is_written_down(shop: Shop, connection: psycopg.Connection) -> None:
    order = shop.place(shop.add_product(stock=1))
    told = EscrowTold(order)
    shop.tell(told.disputed(), told.funded(), told.funded(), told.released(), told.refunded())
    assert shop.read(order.id).state == State.COMPLETED
    assert reasons(connection) == [
        "does not follow placed",
        None,
        "does not follow paid",
        None,
        "does not follow completed",
    ]


def test_parts_add_up_to_what_was_received(shop: Shop, connection: psycopg.Connection) -> None:
    product = shop.add_product(stock=1)
    order = shop.place(product)
    shop.tell(EscrowTold(order).funded(), EscrowTold(order).shipped())
    for step in ("part_released", "part_refunded", "settled"):
        before = shop.read(order.id)
        event = getattr(EscrowTold(before), step)()
        shop.tell(event, event)
        assert shop.read(order.id).held == before.held - _paid_by(event)
    done = shop.read(order.id)
    # Of 1000: 500 out, 250 back, of the other 250 a half each; a fortieth of what goes out is the fee.
    assert (done.state, done.to_seller, done.fee, done.to_buyer) == (State.SETTLED, 488 + 122, 12 + 3, 375)
    assert (done.deadline, done.ended_at is None) == (None, False)
    assert shop.stock(product.id) == (0, 0, 1)
    assert [name for _, name in order_events(connection, order.id)][3:] == [
        "order.part_released",
        "order.part_refunded",
        "order.settled",
    ]


def _paid_by(event: StoredEvent) -> int:
    return sum(int(event.payload.get(part, 0)) for part in ("to_seller", "to_buyer", "fee"))


def test_units_go_back_unless_some_were_paid_for(shop: Shop) -> None:
    product = shop.add_product(stock=2)
    untouched, in_part = shop.place(product), shop.place(product)
    shop.tell(EscrowTold(untouched).funded(), EscrowTold(in_part).funded())
    shop.tell(EscrowTold(shop.read(untouched.id)).part_refunded())
    shop.tell(EscrowTold(shop.read(in_part.id)).part_released())
    for order in (untouched, in_part):
        shop.tell(EscrowTold(shop.read(order.id)).refunded())
        assert shop.read(order.id).state == State.REFUNDED
    assert shop.stock(product.id) == (1, 0, 1)


def test_a_part_of_a_disputed_order_does_not_follow(shop: Shop, connection: psycopg.Connection) -> None:
    order = shop.place(shop.add_product(stock=1))
    told = EscrowTold(order)
    shop.tell(told.funded(), told.shipped(), told.disputed(), told.part_released(), told.appeal_agreed())
    assert shop.read(order.id).to_seller is None
    assert reasons(connection)[3:] == ["does not follow disputed"] * 2


def test_a_ruling_can_be_appealed(shop: Shop) -> None:
    order = shop.place(shop.add_product(stock=1))
    told = EscrowTold(order)
    shop.tell(told.funded(), told.appeal_agreed(), told.shipped(), told.disputed(), told.ruling_proposed())
    proposed = shop.read(order.id)
    assert (proposed.state, proposed.held) == (State.PROPOSED, 1_000)
    assert proposed.deadline == START + dt.timedelta(seconds=960)
    assert _refusal(shop, order, shop.arbiter, Action.RULE) is WrongOrderState
    assert _refusal(shop, order, shop.buyer, Action.CONFIRM) is None
    assert _refusal(shop, order, shop.seller, Action.EVIDENCE) is WrongOrderState
    shop.tell(told.appealed())
    appealed = shop.read(order.id)
    assert (appealed.state, appealed.deadline) == (State.APPEALED, START + dt.timedelta(seconds=1_560))
    assert _refusal(shop, order, shop.seller, Action.EVIDENCE) is None
    shop.tell(told.ruled())
    assert shop.read(order.id).state == State.RULED


def test_goods_are_not_sent_under_a_court_of_the_buyers_choice(
    shop: Shop, connection: psycopg.Connection
) -> None:
    order = shop.place(shop.add_product(stock=1))
    shop.tell(EscrowTold(order).funded(), EscrowTold(order).appeal_agreed())
    _on_chain(connection, order, block=10, received=order.amount)
    assert _ship(shop, order) is None
    connection.execute("UPDATE chain.escrow SET court = %s", (b"\xcc" * 20,))
    assert _ship(shop, order) is AppealNotAgreed
    assert _refusal(shop, order, shop.seller, Action.REFUND) is None
    shop.tell(EscrowTold(order).shipped())  # the seller's own wallet may know better
    assert shop.read(order.id).state == State.SHIPPED


def _ship(shop: Shop, order: Order) -> type[Refused] | None:
    try:
        with shop.database.transaction() as tx:
            shop.order.permit(tx, shop.seller, order.id, Action.SHIP, words=Words(Kind.TRACKING, "parcel"))
    except Refused as refusal:
        return type(refusal)
    return None


def test_late_money_takes_the_units_back_when_they_are_there(shop: Shop) -> None:
    product = shop.add_product(stock=2)
    first = shop.place(product, quantity=2)
    with shop.database.transaction() as tx:
        shop.order.cancel(tx, shop.buyer, first.id)
    shop.tell(EscrowTold(first).funded())
    paid = shop.read(first.id)
    assert (paid.state, paid.out_of_stock) == (State.PAID, False)
    assert shop.stock(product.id) == (0, 2, 0)


def test_late_money_for_units_that_are_gone_is_there_to_be_refunded(
    shop: Shop, connection: psycopg.Connection
) -> None:
    product = shop.add_product(stock=2)
    late = shop.place(product, quantity=2)
    shop.clock.advance(UNFUNDED + dt.timedelta(seconds=1))
    with shop.database.transaction() as tx:
        assert shop.order.expire_due(tx, now=shop.clock.now(), limit=10) == 1
    shop.place(product, quantity=1)
    shop.tell(EscrowTold(late).funded())
    paid = shop.read(late.id)
    assert (paid.state, paid.out_of_stock) == (State.PAID, True)
    assert shop.stock(product.id) == (1, 1, 0)
    with shop.database.transaction() as tx:
        assert shop.order.permit(tx, shop.seller, late.id, Action.REFUND).sender == shop.seller.wallet
    shop.tell(EscrowTold(late).refunded())
    assert shop.read(late.id).state == State.REFUNDED
    assert shop.stock(product.id) == (1, 1, 0)
    assert [name for _, name in order_events(connection, late.id)] == [
        "order.placed",
        "order.expired",
        "order.paid",
        "order.refunded",
    ]


def test_expiry_takes_what_is_due_and_no_more(shop: Shop) -> None:
    product = shop.add_product(stock=10)
    due = [shop.place(product) for _ in range(3)]
    paid = shop.place(product)
    shop.tell(EscrowTold(paid).funded())
    shop.clock.advance(dt.timedelta(minutes=1))
    fresh = shop.place(product)
    now = START + UNFUNDED + dt.timedelta(seconds=1)
    with shop.database.transaction() as tx:
        assert shop.order.expire_due(tx, now=now, limit=2) == 2
    with shop.database.transaction() as tx:
        assert shop.order.expire_due(tx, now=now, limit=2) == 1
    states = [shop.read(order.id).state for order in (*due, paid, fresh)]
    assert states == [State.EXPIRED] * 3 + [State.PAID, State.PLACED]
    assert shop.stock(product.id) == (8, 2, 0)


# ---------------------------------------------------------------------------------------- who may what


def test_each_action_is_for_its_party_in_its_state(shop: Shop) -> None:
    """Walks the whole table: every action, by every party, in every state of the happy path."""
    product = shop.add_product(stock=100)
    parties = {"buyer": shop.buyer, "seller": shop.seller, "arbiter": shop.arbiter}
    for state in (State.PLACED, State.PAID, State.SHIPPED, State.DISPUTED, State.COMPLETED):
        order = shop.place(product)
        told = EscrowTold(order)
        steps = [told.funded(), told.shipped(), told.disputed(), told.released()]
        shop.tell(*steps[: list(State).index(state) if state != State.COMPLETED else 4])
        assert shop.read(order.id).state == state
        for action, rule in RULES.items():
            for role, caller in parties.items():
                allowed = role in rule.roles and state in rule.states
                expected = None if allowed else (WrongOrderState if role in rule.roles else NotThatParty)
                assert _refusal(shop, order, caller, action) in (expected, DeadlineNotReached), (
                    action,
                    role,
                    state,
                )
                if not allowed:
                    assert _refusal(shop, order, caller, action) is expected


def _refusal(shop: Shop, order: Order, caller: Caller, action: Action) -> type[Refused] | None:
    try:
        with shop.database.transaction() as tx:
            shop.order.permit(tx, caller, order.id, action)
    except Refused as refusal:
        return type(refusal)
    return None


def test_strangers_learn_of_no_order(shop: Shop) -> None:
    order = shop.place(shop.add_product(stock=1))
    for action in Action:
        with pytest.raises(OrderUnknown), shop.database.transaction() as tx:
            shop.order.permit(tx, a_caller(), order.id, action)


def test_deadlines_are_told_in_words(shop: Shop) -> None:
    order = shop.place(shop.add_product(stock=1))
    told = EscrowTold(order)
    late = dt.timedelta(seconds=1)

    def refused(caller: Caller, action: Action) -> type[Refused] | None:
        return _refusal(shop, order, caller, action)

    shop.clock.at = START + UNFUNDED + late
    assert refused(shop.buyer, Action.FUND) is DeadlinePassed
    shop.tell(told.funded())
    shop.clock.at = order.ship_by
    assert refused(shop.seller, Action.SHIP) is None
    assert refused(shop.buyer, Action.REFUND_EXPIRED) is DeadlineNotReached
    shop.clock.advance(late)
    assert refused(shop.seller, Action.SHIP) is DeadlinePassed
    assert refused(shop.buyer, Action.REFUND_EXPIRED) is None
    shop.tell(told.shipped())
    shop.clock.at = START + dt.timedelta(seconds=600)
    assert refused(shop.buyer, Action.DISPUTE) is None
    assert refused(shop.seller, Action.RELEASE_EXPIRED) is DeadlineNotReached
    shop.clock.advance(late)
    assert refused(shop.buyer, Action.DISPUTE) is DeadlinePassed
    assert refused(shop.seller, Action.RELEASE_EXPIRED) is None


def test_a_moved_contract_gets_no_steps(shop: Shop) -> None:
    order = shop.place(shop.add_product(stock=1))
    shop.deployment = a_deployment()
    object.__setattr__(shop.deployment, "escrow", shop.deployment.exchange)
    with pytest.raises(EscrowMoved), shop.database.transaction() as tx:
        shop.order.permit(tx, shop.buyer, order.id, Action.FUND)


def test_words_stay_here_and_their_salted_hash_goes_out(shop: Shop) -> None:
    order = shop.place(shop.add_product(stock=1))
    shop.tell(EscrowTold(order).funded())

    def say(text: str) -> str:
        with shop.database.transaction() as tx:
            return shop.order.permit(
                tx, shop.seller, order.id, Action.SHIP, words=Words(Kind.TRACKING, text)
            ).reference

    digest = say("  parcel 1 ")
    assert say("parcel 1") == digest
    assert say("parcel 2") != digest
    with shop.database.transaction() as tx:
        kept = tx.query(Statement).filter_by(digest=digest).one()
        assert (kept.text, kept.author, kept.kind) == ("parcel 1", "seller", "tracking")
        assert "0x" + keccak(kept.salt + b"parcel 1").hex() == digest
    for number in range(2, STATEMENTS_MAX):
        say(f"more {number}")
    with pytest.raises(TooManyStatements):
        say("one too many")


def test_a_ruling_splits_what_is_held(shop: Shop) -> None:
    order = shop.place(shop.add_product(stock=1, price=1_000))
    told = EscrowTold(order)
    shop.tell(told.funded(received="900"), told.shipped(), told.disputed())
    with shop.database.transaction() as tx:
        shop.order.permit(
            tx, shop.arbiter, order.id, Action.RULE, words=Words(Kind.RULING, "as agreed"), gross=900
        )
    with pytest.raises(SplitTooLarge), shop.database.transaction() as tx:
        shop.order.permit(tx, shop.arbiter, order.id, Action.RULE, words=Words(Kind.RULING, ""), gross=901)
    parts = shop.place(shop.add_product(stock=1, price=1_000))
    told = EscrowTold(parts)
    shop.tell(told.funded(), told.part_refunded(), told.shipped(), told.disputed())
    with pytest.raises(SplitTooLarge) as refused, shop.database.transaction() as tx:
        shop.order.permit(tx, shop.arbiter, parts.id, Action.RULE, words=Words(Kind.RULING, ""), gross=501)
    assert refused.value.fields == {"held": "500"}


# --------------------------------------------------------------------------------------------- verify


def test_verify_finds_each_kind_of_difference(shop: Shop, connection: psycopg.Connection) -> None:
    product = shop.add_product(stock=9)
    same, behind, ahead, unpaid, wrong_sum, provisional = (shop.place(product) for _ in range(6))
    for order in (same, ahead, wrong_sum):
        shop.tell(EscrowTold(order).funded())
    shop.tell(EscrowTold(ahead).shipped())
    connection.execute(
        """
        INSERT INTO chain.checkpoint (chain_id, genesis_hash, start_block, number, undo_floor,
            finalized_number, emit_after, head_number, state, seen_at)
        VALUES (31337, %s, 0, 20, 0, 15, 0, 20, 'live', now())
        """,
        (b"\0" * 32,),
    )
    for order in (same, behind, ahead, wrong_sum):
        _on_chain(connection, order, block=10, received=order.amount - (1 if order is wrong_sum else 0))
    _on_chain(connection, provisional, block=16, received=provisional.amount)
    with shop.database.transaction() as tx:
        found = {(item.order_id, item.field, item.order, item.chain) for item in differences(tx)}
    assert found == {
        (behind.id, "state", "placed", "funded"),
        (behind.id, "received", "0", "1000"),
        (ahead.id, "state", "shipped", "funded"),
        (wrong_sum.id, "received", "1000", "999"),
    }
    assert unpaid.id not in {item[0] for item in found}


def test_an_order_whose_money_was_seen_is_neither_cancelled_nor_expired(
    shop: Shop, connection: psycopg.Connection
) -> None:
    order = shop.place(shop.add_product(stock=1))
    _on_chain(connection, order, block=16, received=order.amount)
    with pytest.raises(Refused, match="on its way"), shop.database.transaction() as tx:
        shop.order.cancel(tx, shop.buyer, order.id)
    with shop.database.transaction() as tx:
        assert shop.order.expire_due(tx, now=START + dt.timedelta(days=1), limit=10) == 0
    assert shop.read(order.id).state == State.PLACED


def _on_chain(connection: psycopg.Connection, order: Order, *, block: int, received: int) -> None:
    """What the indexer would have written of the order's escrow."""
    connection.execute(
        """
        INSERT INTO chain.escrow (chain_id, escrow_id, contract, order_id, buyer, seller, arbiter, asset,
            amount, received, fee_receiver, fee_bps, silence_seller_bps, ship_by, inspection_s, ruling_s,
            state, deadline, held, funded_block, funded_log, funded_at, funded_tx,
            changed_block, changed_log, changed_at)
        SELECT chain_id, escrow_id, escrow_contract, %(key)s, buyer, seller, arbiter, asset, amount,
            %(received)s, fee_receiver, fee_bps, silence_seller_bps, ship_by, inspection_s, ruling_s,
            'funded', ship_by, %(received)s, %(block)s, 0, now(), %(key)s, %(block)s, 0, now()
        FROM orders.shop_order WHERE id = %(id)s
        """,
        {"key": order.id.int.to_bytes(32), "received": received, "block": block, "id": order.id},
    )


def test_products_are_told_apart(shop: Shop) -> None:
    with pytest.raises(ProductUnknown):
        shop.place(Product(id=uuid.uuid4()))
