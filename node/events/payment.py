"""Events of payments; their stream is `payment:<id>`. Amounts are in the payment's asset."""

from node.kernel.spine.event import Event


class PaymentCreated(Event, frozen=True, kw_only=True):
    """`method` is the gateway, where the rail is one."""

    type_name = "payment.created"

    payment_id: str
    order_id: str
    rail: str
    method: str | None
    amount: str
    asset_id: str


class PaymentMoved(Event, frozen=True, kw_only=True):
    """It is in another state now, or another part of its money moved."""

    type_name = "payment.moved"

    payment_id: str
    order_id: str
    state: str
    secured: str
    settled: str
    returned: str
    refunded: str


class PaymentSecured(Event, frozen=True, kw_only=True):
    """Its money is here. `order_id` may have been given up meanwhile."""

    type_name = "payment.secured"

    payment_id: str
    order_id: str
    rail: str
    secured: str


class PaymentParked(Event, frozen=True, kw_only=True):
    """An operator has to look. `kind` is the incident's."""

    type_name = "payment.parked"

    payment_id: str
    order_id: str
    kind: str


class RefundOwed(Event, frozen=True, kw_only=True):
    """The ledger gave money of a gateway back: the gateway has to be told. `number` is the step's."""

    type_name = "payment.refund_owed"

    payment_id: str
    number: int
    amount: str
