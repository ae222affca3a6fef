"""How an order is paid where no contract holds the money: begin a payment, follow it, give money back."""

import datetime as dt
import uuid

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.commands import Begin
from api.readback import read_back
from api.routing import CommandTx, EffectTx, edge_router
from api.schemas import AmountOut, Input, Output, Page, UintOut, UintString
from api.v1.order import OrderOut, caller_of, order_params
from api.views import ThePage, Views
from node.services.identity.tokens import Principal
from node.services.order import queries as order_queries
from node.services.order.states import Action, Rail
from node.services.payment import queries
from node.services.payment.models import Kind
from node.services.payment.states import State

router = edge_router("payments")

METHOD_CHARS_MAX = 40
URL_CHARS_MAX = 2_000


class PayIn(Input):
    method: str | None = Field(
        None,
        max_length=METHOD_CHARS_MAX,
        examples=["sandbox"],
        description="A gateway; the best one without it",
    )
    return_url: str | None = Field(
        None,
        max_length=URL_CHARS_MAX,
        description="Where the payer comes back to, with `?payment=<id>`: a page of this node or of"
        " `ASOUD_CORS_ORIGINS`",
    )


class RefundIn(Input):
    amount: UintString = Field(description="At most what the market and the platform have of it")


class PaymentStepOut(Output):
    number: int
    kind: Kind
    amount: UintOut
    market: UintOut = Field(description="Of a capture and a refund: the market's part, and so on")
    commission: UintOut
    tax: UintOut
    shipping: UintOut
    transfer: str = Field(description="Its key in statements")
    at: dt.datetime


class PaymentOut(Output):
    id: uuid.UUID
    order_id: uuid.UUID
    rail: Rail
    method: str | None = Field(description="The gateway", examples=["sandbox"])
    state: State
    amount: AmountOut
    secured: UintOut
    captured: UintOut = Field(description="Paid out to the market and the platform so far")
    returned: UintOut = Field(description="Given back of what was held")
    refunded: UintOut = Field(description="Given back of what was captured")
    action: dict[str, str] | None = Field(
        description="For the payer: `redirect_url` to go to, or `client_secret` for the gateway's own form"
    )
    expires_at: dt.datetime
    created_at: dt.datetime
    changed_at: dt.datetime
    steps: list[PaymentStepOut]


@router.post("/v1/orders/{order_id}/pay", status_code=201, response_model=PaymentOut)
def pay_order(
    order_id: uuid.UUID,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
    body: PayIn | None = None,
) -> Response:
    """By the buyer: pay as the order says. From a balance it is paid at once, through a gateway by `action`.

    A gateway that does not answer leaves the payment `unknown`: it is asked again soon, or by `check`.
    """
    body = body or PayIn(method=None, return_url=None)
    services.gateway.back_to(order_id, body.return_url)  # before anything is made
    with begin() as tx:
        order = services.order.payable(tx, caller_of(principal), order_id)
        method = None
        if order.rail == Rail.GATEWAY:
            method = services.gateway.choice.chosen(body.method, currency=order.asset_code)
        payment_id = services.order.acts.pay(tx, caller_of(principal), order_id, method=method)
    if method is not None:
        return_url = services.gateway.back_to(payment_id, body.return_url)
        services.gateway.begin(begin, payment_id, title=order.title, return_url=return_url)
    return _payment(begin, principal, payment_id, status=201)


@router.post("/v1/orders/{order_id}/payments/{payment_id}/check", response_model=PaymentOut)
def check_payment(
    order_id: uuid.UUID,
    payment_id: uuid.UUID,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """By the buyer, back from a gateway: ask there now how the payment is."""
    with begin() as tx:
        services.payment.of_order(tx, payment_id, order_id)
    services.gateway.check(begin, payment_id)
    return _payment(begin, principal, payment_id, status=200)


def _payment(begin: Begin, principal: Principal, payment_id: uuid.UUID, *, status: int) -> Response:
    with begin() as tx:
        params = {"payment_id": payment_id, "account_id": principal.account_id}
        return read_back(tx, queries.PAYMENT, params, status=status)


@router.get("/v1/orders/{order_id}/payments", response_model=Page[PaymentOut])
async def list_order_payments(
    order_id: uuid.UUID, views: Views, page: ThePage, principal: CurrentPrincipal
) -> Response:
    """What was tried to pay the order, the newest first, with every part that moved."""
    params = {"order_id": order_id, "account_id": principal.account_id}
    return await views.page(queries.PAYMENTS_OF_ORDER, params, page, private=True)


@router.post("/v1/orders/{order_id}/refunds", response_model=OrderOut)
def refund_order_later(
    order_id: uuid.UUID,
    body: RefundIn,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """By the seller, after the order's end: give a part of the money back, several times if need be.

    Each who was paid gives back in proportion. The market may owe afterwards.
    """
    services.order.acts.take(
        tx, caller_of(principal), order_id, Action.REFUND_LATER, words=None, gross=body.amount
    )
    return read_back(tx, order_queries.ORDER, order_params(services, principal, order_id))
