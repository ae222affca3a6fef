"""Where orders and gateways meet payments: none knows the others."""

import datetime as dt
import uuid

from sqlalchemy import select
from typing_extensions import override

from node.kernel.db.unit_of_work import Tx
from node.kernel.money import Asset
from node.services.gateway.paying import Payments as GatewayPayments
from node.services.gateway.paying import Pending, Phase
from node.services.order.models import Order
from node.services.order.paying import PaidOut, Payments
from node.services.payment.errors import PaymentUnknown
from node.services.payment.funding import RAILS, Funding
from node.services.payment.models import Intent
from node.services.payment.service import GATEWAY, PaymentService, Wish
from node.services.payment.split import Charge, Parts
from node.services.payment.states import IN_FLIGHT, UNPAID_ENDS, State

_MAY_COME = [state.value for state in sorted({*IN_FLIGHT, State.AUTHORISED})]


class Till(Payments):
    """`Payments` of orders, over the service."""

    def __init__(self, payments: PaymentService, funding: Funding) -> None:
        self._payments = payments
        self._funding = funding

    @override
    def begin(
        self, tx: Tx, order: Order, *, method: str | None, expires_at: dt.datetime
    ) -> tuple[uuid.UUID, bool]:
        intent = self._payments.waiting(tx, order.id) if order.rail in RAILS else None
        if intent is None:  # an invoice of a deposit address is one, however often it is asked for
            intent = self._payments.create(tx, _wish(order, method=method, expires_at=expires_at))
        if intent.rail == GATEWAY:
            return intent.id, False
        if intent.rail in RAILS:  # what the buyer has already counts as well
            return intent.id, self._funding.take(tx, intent)
        self._payments.authorise(tx, intent)
        return intent.id, True

    @override
    def is_in_flight(self, tx: Tx, order_id: uuid.UUID) -> bool:
        statement = select(Intent.id).where(Intent.order_id == order_id, Intent.state.in_(_MAY_COME))
        return tx.execute(statement.limit(1)).first() is not None

    @override
    def release(self, tx: Tx, payment_id: uuid.UUID, *, amount: int) -> PaidOut:
        return _paid(self._payments.capture(tx, self._payments.locked(tx, payment_id), amount))

    @override
    def give_back(self, tx: Tx, payment_id: uuid.UUID, *, amount: int) -> None:
        self._payments.give(tx, self._payments.locked(tx, payment_id), amount)

    @override
    def end(self, tx: Tx, payment_id: uuid.UUID, *, to_payer: int) -> PaidOut:
        return _paid(self._payments.end(tx, self._payments.locked(tx, payment_id), to_payer=to_payer))


_PHASES = {
    State.CREATED: Phase.NEW,
    State.REQUIRES_ACTION: Phase.WAITING,
    State.PROCESSING: Phase.UNSURE,
    State.UNKNOWN: Phase.UNSURE,
    **dict.fromkeys(UNPAID_ENDS, Phase.GIVEN_UP),
}


class Desk(GatewayPayments):
    """`Payments` of gateways, over the service."""

    def __init__(self, payments: PaymentService) -> None:
        self._payments = payments

    @override
    def pending(self, tx: Tx, payment_id: uuid.UUID) -> Pending | None:
        try:
            intent = self._payments.locked(tx, payment_id)
        except PaymentUnknown:
            return None
        if intent.method is None:
            return None
        phase = _PHASES.get(State(intent.state), Phase.SECURED)
        if intent.state == State.PARKED:
            is_wrong = self._payments.is_wrong(tx, intent)
            phase = Phase.WRONG if is_wrong else Phase.UNSURE
        return Pending(
            payment_id=intent.id,
            method=intent.method,
            reference=intent.reference,
            amount=intent.of(intent.amount),
            phase=phase,
            expires_at=intent.expires_at,
            looks=intent.looks,
        )

    @override
    def begun(self, tx: Tx, payment_id: uuid.UUID, reference: str, action: dict[str, str] | None) -> None:
        intent = self._payments.locked(tx, payment_id)
        intent.reference = reference
        if action is not None and self._payments.go(tx, intent, State.REQUIRES_ACTION):
            intent.action = action
        tx.flush()

    @override
    def secured(self, tx: Tx, payment_id: uuid.UUID) -> None:
        self._payments.authorise(tx, self._payments.locked(tx, payment_id))

    @override
    def become(self, tx: Tx, payment_id: uuid.UUID, state: str) -> None:
        self._payments.go(tx, self._payments.locked(tx, payment_id), State(state))

    @override
    def park(self, tx: Tx, payment_id: uuid.UUID, *, kind: str, detail: str) -> None:
        self._payments.park(tx, self._payments.locked(tx, payment_id), kind=kind, detail=detail)

    @override
    def look_again(self, tx: Tx, payment_id: uuid.UUID, *, at: dt.datetime, looks: int) -> None:
        intent = self._payments.locked(tx, payment_id)
        intent.look_at, intent.looks = at, looks
        tx.flush()


def wish_of_escrow(tx: Tx, order_id: uuid.UUID) -> Wish:
    """What an order asks the escrow contract to be paid."""
    order = tx.get_one(Order, order_id)
    return _wish(order, method=None, expires_at=order.deadline or order.placed_at)


def _charge(order: Order) -> Charge:
    """The contract knows one total, and pays all of it to the market and the platform."""
    if order.is_on_chain:
        return Charge(order.amount)
    return Charge(order.goods, order.tax, order.shipping)


def _wish(order: Order, *, method: str | None, expires_at: dt.datetime) -> Wish:
    return Wish(
        order_id=order.id,
        payer_account_id=order.buyer_account_id,
        market_id=order.market_id,
        asset=Asset(order.asset_id, order.asset_code, order.asset_exponent),
        charge=_charge(order),
        commission_bps=order.fee_bps,
        rail=order.rail,
        method=method,
        expires_at=expires_at,
    )


def _paid(parts: Parts) -> PaidOut:
    return PaidOut(to_seller=parts.to_market, fee=parts.commission + parts.tax)
