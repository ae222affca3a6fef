"""Events of shop orders; their stream is `order:<id>`. Amounts are in the order's asset."""

from node.kernel.spine.event import Event


class OrderPlaced(Event, frozen=True, kw_only=True):
    """`pay_by` and the windows of the terms are seconds; `asset_id` is CAIP-19 or `iso4217:<code>`.

    `escrow_id` is null off the chain, `buyer` where the buyer has no wallet.
    """

    type_name = "order.placed"

    order_id: str
    market_id: str
    product_id: str
    quantity: int
    amount: str
    asset_id: str
    buyer_account_id: str
    seller_account_id: str
    rail: str = "escrow"
    buyer: str | None
    seller: str
    arbiter: str
    escrow_id: str | None
    pay_by: int


class OrderPaid(Event, frozen=True, kw_only=True):
    """`late`: it had been cancelled or had expired. `out_of_stock`: and its units are gone."""

    type_name = "order.paid"

    order_id: str
    received: str
    ship_by: int
    late: bool
    out_of_stock: bool


class OrderShipped(Event, frozen=True, kw_only=True):
    type_name = "order.shipped"

    order_id: str
    proof: str
    inspection_ends: int


class OrderDisputed(Event, frozen=True, kw_only=True):
    type_name = "order.disputed"

    order_id: str
    by: str
    evidence: str
    ruling_ends: int


class OrderCompleted(Event, frozen=True, kw_only=True):
    type_name = "order.completed"

    order_id: str
    by: str
    to_seller: str
    fee: str


class OrderRefunded(Event, frozen=True, kw_only=True):
    type_name = "order.refunded"

    order_id: str
    by: str
    to_buyer: str


class OrderRefundedLater(Event, frozen=True, kw_only=True):
    """After its end the seller gave money back. What the order paid out is told by its end still."""

    type_name = "order.refunded_later"

    order_id: str
    by: str
    to_buyer: str


class OrderRuled(Event, frozen=True, kw_only=True):
    """`silent`: by the split of the terms, because the arbiter stayed silent."""

    type_name = "order.ruled"

    order_id: str
    by: str
    silent: bool
    to_seller: str
    to_buyer: str
    fee: str


class OrderSettled(Event, frozen=True, kw_only=True):
    """By a split that the parties agreed on; `by` accepted it."""

    type_name = "order.settled"

    order_id: str
    by: str
    to_seller: str
    to_buyer: str
    fee: str


class OrderRulingProposed(Event, frozen=True, kw_only=True):
    """The arbiter ruled where a party may appeal. `to_seller` is before the fee."""

    type_name = "order.proposed"

    order_id: str
    by: str
    to_seller: str
    reason: str
    appeal_ends: int


class OrderAppealed(Event, frozen=True, kw_only=True):
    type_name = "order.appealed"

    order_id: str
    by: str
    evidence: str
    court_ends: int


class OrderAppealAgreed(Event, frozen=True, kw_only=True):
    """The buyer named a court when it paid, which the order's terms do not."""

    type_name = "order.appeal_agreed"

    order_id: str
    court: str
    window: int
    court_time: int


class OrderPartReleased(Event, frozen=True, kw_only=True):
    """`left` is still held."""

    type_name = "order.part_released"

    order_id: str
    by: str
    to_seller: str
    fee: str
    left: str


class OrderPartRefunded(Event, frozen=True, kw_only=True):
    """`left` is still held."""

    type_name = "order.part_refunded"

    order_id: str
    by: str
    to_buyer: str
    left: str


class OrderCancelled(Event, frozen=True, kw_only=True):
    type_name = "order.cancelled"

    order_id: str


class OrderExpired(Event, frozen=True, kw_only=True):
    """The money did not come in time."""

    type_name = "order.expired"

    order_id: str
