"""Orders of a shop, from the reservation of stock to wherever their money ends.

Invariants: what an order costs, what that is made up of, and the terms of its escrow are fixed when it is
placed; a unit is on sale, held by one order, or sold; an order's state moves along `NEXT` only, in
`Mover.move`, which records the event in the same transaction; money is never believed but from a final event
of exactly the order's own escrow, or from the ledger.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import func, select, text

from node.chain.deployments import Deployment
from node.chain.escrow import AppealTerms, escrow_id
from node.events.order import OrderCancelled, OrderExpired, OrderPlaced
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.spine.event import StoredEvent
from node.kernel.spine.record import EventRecorder
from node.kernel.text import prose
from node.services.order.access import Caller, Permit, allowed, find, permit
from node.services.order.acts import Acts
from node.services.order.charging import NOWHERE, Charged, Charges, Destination, Preview
from node.services.order.errors import (
    AppealNotAgreed,
    EscrowMoved,
    OrderTooLarge,
    OwnProduct,
    PaymentSeen,
    RailUnfit,
    SplitTooLarge,
    TooManyUnpaidOrders,
)
from node.services.order.escrow_events import EscrowFollower
from node.services.order.models import Order
from node.services.order.moving import Mover, Reservation, Stock, stream_of
from node.services.order.paying import Payments
from node.services.order.statements import Statements, Words
from node.services.order.states import Action, Rail, State

QUANTITY_MAX = 10_000
UNPAID_MAX = 20  # per account, so that nobody keeps a shop's goods from others for nothing
NOTE_CHARS_MAX = 1_000
AMOUNT_MAX = 2**128 - 1  # what the contract can hold for one escrow
SHIP_BY_MAX = dt.timedelta(days=364)  # below the contract's 365 days, whose clock is not ours

# Of a payment whose money may be on its way, or is here and the order was not told yet.
_WAITED_FOR = "'processing', 'unknown', 'parked', 'authorised'"
_SEEN = f"""
    (EXISTS (
        SELECT FROM chain.escrow
        WHERE escrow.chain_id = shop_order.chain_id AND escrow.escrow_id = shop_order.escrow_id
    ) OR EXISTS (
        SELECT FROM payment.intent
        WHERE intent.order_id = shop_order.id AND intent.state IN ({_WAITED_FOR})
    ))
"""  # noqa: S608 - constants
_IS_SEEN = text(f"SELECT {_SEEN} FROM orders.shop_order WHERE id = :order_id")  # noqa: S608 - constants
_NOT_SEEN = text(f"NOT {_SEEN}")
_COURT = text("""
    SELECT '0x' || encode(court, 'hex'), appeal_window_s, court_time_s FROM chain.escrow
    WHERE chain_id = :chain_id AND escrow_id = decode(substr(:escrow_id, 3), 'hex') AND court IS NOT NULL
""")


class OrderService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        stock: Stock,
        deployment: Callable[[], Deployment],
        payments: Payments,
        *,
        charges: Charges,
        fee_bps: int,
        appeal_times: tuple[int, int],
        unfunded: dt.timedelta,
    ) -> None:
        """`appeal_times` are the window of an appeal and the time of the court, in seconds."""
        self._clock = clock
        self._events = events
        self._stock = stock
        self._charges = charges
        self._mover = Mover(clock, events, stock)
        self._follower = EscrowFollower(clock, self._mover)
        self._deployment = deployment
        self._statements = Statements(clock)
        self._payments = payments
        self.acts = Acts(clock, self._mover, self._statements, payments)
        self._fee_bps = fee_bps
        self._appeal_times = appeal_times
        self._unfunded = unfunded

    # ------------------------------------------------------------------------------ by the parties

    def place(
        self,
        tx: Tx,
        caller: Caller,
        *,
        product_id: uuid.UUID,
        quantity: int,
        note: str,
        rail: Rail = Rail.ESCROW,
        appeal: bool = False,
        to: Destination = NOWHERE,
    ) -> Order:
        """Reserves the units and fixes costs and terms; with `appeal` the DAO judges over the arbiter.

        Raises:
            ProductUnknown, ProductNotForSale, OutOfStock: From the stock.
            OwnProduct, OrderTooLarge, TextInvalid: By what is wrong.
            CountryNeeded, ShippingMethodUnfit and so on: From the market's charges.
            RailUnfit: What the product costs is not paid in that way; no appeal without the contract.
            TooManyUnpaidOrders: The caller has to pay or cancel some first.
            NotDeployed: There is no escrow on the chain yet.
        """
        note = prose(note, field="note", chars_max=NOTE_CHARS_MAX)
        self._check_unpaid(tx, caller)
        reserved = self._stock.reserve(tx, product_id, quantity=quantity)
        _check_rail(rail, reserved, caller, appeal=appeal)
        if caller.account_id == reserved.owner_account_id or caller.wallet == reserved.payout_address:
            raise OwnProduct("nobody buys from themselves", product_id=str(product_id))
        if caller.wallet == reserved.arbiter:
            raise OwnProduct("the arbiter of a market does not buy there", product_id=str(product_id))
        charged = self._charges.charged(
            tx, reserved, quantity=quantity, country=to.country, method_id=to.method_id
        )
        _check_size(charged)
        order = self._drafted(caller, reserved, rail, charged, product_id=product_id, quantity=quantity)
        order.note = note
        if order.is_on_chain:
            self._name_escrow(order, reserved, self._deployment(), appeal=appeal)
        tx.add(order)
        tx.flush()
        self._events.record(tx, stream_of(order.id), _placed(order), expected_version=0)
        return order

    def preview(self, tx: Tx, *, product_id: uuid.UUID, quantity: int, to: Destination) -> Preview:
        """What an order would come to, and how it can be shipped. Nothing is set aside.

        Raises:
            As `place`, but for what the caller and the rail forbid, and a way of shipping not chosen yet.
        """
        reserved = self._stock.look(tx, product_id, quantity=quantity)
        offers = self._charges.offers(tx, reserved, quantity=quantity, country=to.country)
        charged = None
        if offers is None or to.method_id is not None:
            charged = self._charges.charged(
                tx, reserved, quantity=quantity, country=to.country, method_id=to.method_id
            )
        for found in (charged, *(offers or ())):
            if found is not None:
                _check_size(found)
        return Preview(reserved, charged, offers)

    def cancel(self, tx: Tx, caller: Caller, order_id: uuid.UUID) -> None:
        """By the buyer, before any money was seen: the units go back on sale.

        Raises:
            OrderUnknown, NotThatParty, WrongOrderState, PaymentSeen: By what forbids it.
        """
        order = find(tx, order_id, caller, lock=True)
        allowed(order, caller, Action.CANCEL, now=self._clock.now())
        if tx.execute(_IS_SEEN, {"order_id": order_id}).scalar_one():
            raise PaymentSeen("the money is on its way; the seller can refund it")
        self._mover.move(tx, order, State.CANCELLED, OrderCancelled(order_id=str(order_id)))

    def is_on_chain(self, tx: Tx, order_id: uuid.UUID) -> bool:
        """Whether the escrow contract judges it; so is what there is not."""
        rail = tx.execute(select(Order.rail).where(Order.id == order_id)).scalar_one_or_none()
        return rail in {None, Rail.ESCROW.value}

    def payable(self, tx: Tx, caller: Caller, order_id: uuid.UUID) -> Order:
        """An order that the caller may pay now, but for the rail. Raises as `permit`."""
        order = find(tx, order_id, caller)
        allowed(order, caller, Action.FUND, now=self._clock.now())
        return order

    def permit(
        self,
        tx: Tx,
        caller: Caller,
        order_id: uuid.UUID,
        action: Action,
        *,
        words: Words | None = None,
        gross: int | None = None,
    ) -> Permit:
        """Leave to take an action on the chain.

        What a party says about it is kept, and its hash for the chain is in the permit. `gross` is what the
        action gives away of the money.

        Raises:
            OrderUnknown, NotThatParty, WrongOrderState, DeadlinePassed, DeadlineNotReached, EscrowMoved: By
                what forbids it.
            SplitTooLarge: More than is held.
            AppealNotAgreed: To ship, where the buyer named a court that the seller never agreed to.
        """
        order = find(tx, order_id, caller, lock=words is not None)
        leave = permit(order, caller, action, now=self._clock.now())
        if order.escrow_contract != self._deployment().escrow.address:
            raise EscrowMoved("the order's escrow is another contract", contract=order.escrow_contract)
        if gross is not None and gross > order.held:
            raise SplitTooLarge("this gives away more than is held", held=str(order.held))
        if action is Action.SHIP:
            _check_appeal(tx, order)
        if words is None:
            return leave
        digest = self._statements.say(tx, order, kind=words.kind, author=leave.role, text=words.text)
        return replace(leave, reference=digest)

    # ----------------------------------------------------------------------------------- by time

    def expire_due(self, tx: Tx, *, now: dt.datetime, limit: int) -> int:
        """Ends unfunded orders whose time is over; returns how many. Runs beside itself without harm.

        An order whose money was seen on the chain waits for its finality instead.
        """
        due = (
            select(Order)
            .where(Order.state == State.PLACED.value, Order.deadline < now, _NOT_SEEN)
            .order_by(Order.deadline)
            .limit(limit)
            .with_for_update(of=Order, skip_locked=True)
        )
        orders = tx.execute(due).scalars().all()
        for order in sorted(orders, key=lambda found: found.product_id):  # one order of locks for everybody
            self._mover.move(tx, order, State.EXPIRED, OrderExpired(order_id=str(order.id)))
        return len(orders)

    # ------------------------------------------------------------------------------ by the chain

    def on_escrow_event(self, tx: Tx, stored: StoredEvent) -> None:
        """Consumes the final events that `ESCROW_EVENTS` names; a second time it does nothing."""
        self._follower.on_escrow_event(tx, stored)

    def _name_escrow(
        self, order: Order, reserved: Reservation, deployment: Deployment, *, appeal: bool
    ) -> None:
        order.chain_id, order.escrow_contract = deployment.chain_id, deployment.escrow.address
        order.asset, order.fee_receiver = reserved.asset_address, deployment.timelock.address
        if appeal:
            order.court = deployment.timelock.address
            order.appeal_window_s, order.court_time_s = self._appeal_times
        order.escrow_id = escrow_id(
            order.terms(), chain_id=deployment.chain_id, escrow=deployment.escrow.address
        )

    def _check_unpaid(self, tx: Tx, caller: Caller) -> None:
        """Two at once may both pass, so the bound is one of order of magnitude; expiry is the exact one."""
        unpaid = select(func.count()).where(
            Order.buyer_account_id == caller.account_id, Order.state == State.PLACED.value
        )
        if tx.execute(unpaid).scalar_one() >= UNPAID_MAX:
            raise TooManyUnpaidOrders("pay or cancel some of your orders first", most=UNPAID_MAX)

    def _drafted(
        self,
        caller: Caller,
        reserved: Reservation,
        rail: Rail,
        charged: Charged,
        *,
        product_id: uuid.UUID,
        quantity: int,
    ) -> Order:
        now = self._clock.now()
        pay_by = now + self._unfunded
        ship_by = pay_by + min(dt.timedelta(seconds=reserved.ship_within_s), SHIP_BY_MAX - self._unfunded)
        return Order(
            id=new_id(),
            market_id=reserved.market_id,
            product_id=product_id,
            title=reserved.title,
            quantity=quantity,
            state=State.PLACED.value,
            out_of_stock=False,
            stock_held=True,
            deadline=pay_by,
            placed_at=now,
            changed_at=now,
            ended_at=None,
            buyer_account_id=caller.account_id,
            seller_account_id=reserved.owner_account_id,
            unit_price=reserved.price,
            asset_id=reserved.asset_id,
            asset_code=reserved.asset_code,
            asset_exponent=reserved.asset_exponent,
            rail=rail.value,
            buyer=caller.wallet,
            seller=reserved.payout_address,
            arbiter=reserved.arbiter,
            amount=charged.total,
            goods=charged.goods,
            shipping=charged.shipping,
            tax=charged.tax,
            shipping_tax=charged.shipping_tax,
            tax_name=charged.tax_name,
            tax_bps=charged.tax_bps,
            shipping_tax_bps=charged.shipping_tax_bps,
            tax_included=charged.tax_included,
            country=charged.country,
            shipping_method_id=charged.shipping_method_id,
            shipping_name=charged.shipping_name,
            fee_bps=_fee_bps(self._fee_bps, rail, charged),
            silence_seller_bps=reserved.silence_seller_bps,
            ship_by=ship_by.replace(microsecond=0),
            inspection_s=reserved.inspection_s,
            ruling_s=reserved.ruling_s,
        )


def _check_size(charged: Charged) -> None:
    if charged.total > AMOUNT_MAX:
        raise OrderTooLarge("the amount is beyond what an escrow can hold", amount=str(charged.total))


def _fee_bps(fee_bps: int, rail: Rail, charged: Charged) -> int:
    """The contract takes its part of all that it holds, so of tax and shipping too.

    Its rate is lowered to what comes to no more than the node's rate of the goods alone.
    """
    return fee_bps * charged.goods // charged.total if rail is Rail.ESCROW else fee_bps


def _check_appeal(tx: Tx, order: Order) -> None:
    """A court is no part of the escrow's id: the buyer could name a friend in place of what was agreed."""
    key = {"chain_id": order.chain_id, "escrow_id": order.escrow_id}
    named = tx.execute(_COURT, key).one_or_none()
    if named is not None and AppealTerms(*named) != order.appeal():
        raise AppealNotAgreed("the buyer named a court that the order's terms do not", court=named[0])


_OF_THE_CHAIN = frozenset({Rail.ESCROW, Rail.DEPOSIT, Rail.CHECKOUT})


def _check_rail(rail: Rail, reserved: Reservation, caller: Caller, *, appeal: bool) -> None:
    """The contract takes what is on its chain, from a wallet; a gateway takes what is not."""
    is_on_chain = reserved.asset_address is not None
    if rail is Rail.ESCROW and caller.wallet is None:
        raise RailUnfit("paying into the escrow contract takes a wallet", field="rail", rail=rail.value)
    if (rail in _OF_THE_CHAIN and not is_on_chain) or (rail is Rail.GATEWAY and is_on_chain):
        words = "what the product costs can't be paid in that way"
        raise RailUnfit(words, field="rail", rail=rail.value, asset=reserved.asset_id)
    if appeal and rail is not Rail.ESCROW:
        raise RailUnfit("only the escrow contract knows appeals", field="appeal", rail=rail.value)


def _placed(order: Order) -> OrderPlaced:
    assert order.deadline is not None
    return OrderPlaced(
        order_id=str(order.id),
        market_id=str(order.market_id),
        product_id=str(order.product_id),
        quantity=order.quantity,
        amount=str(order.amount),
        asset_id=order.asset_id,
        rail=order.rail,
        buyer_account_id=str(order.buyer_account_id),
        seller_account_id=str(order.seller_account_id),
        buyer=order.buyer,
        seller=order.seller,
        arbiter=order.arbiter,
        escrow_id=order.escrow_id,
        pay_by=int(order.deadline.timestamp()),
    )
