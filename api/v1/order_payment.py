"""How an order is paid where no contract holds the money: begin a payment, follow it, give money back."""

import datetime as dt
import io
import uuid
from typing import Literal

import msgspec
import segno
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.commands import Begin
from api.readback import read_back
from api.routing import CommandTx, EffectTx, edge_router
from api.schemas import AmountOut, Input, Output, Page, UintOut, UintString
from api.steps import StepOut, steps_out
from api.v1.order import OrderOut, caller_of, order_params
from api.views import PRIVATE, ThePage, Views
from node.chain.checkout_actions import Invoice
from node.chain.deposits import payment_uri
from node.kernel.hexes import parse_address
from node.services.container import Services
from node.services.deposit.service import Owner
from node.services.identity.tokens import Principal
from node.services.order import queries as order_queries
from node.services.order.models import Order
from node.services.order.states import Action, Rail
from node.services.payment import queries
from node.services.payment.errors import PaymentUnknown, WrongPaymentState
from node.services.payment.funding import RAILS
from node.services.payment.models import Kind
from node.services.payment.states import State

router = edge_router("payments")

METHOD_CHARS_MAX = 40
URL_CHARS_MAX = 2_000
QR_SCALE = 6


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


class InvoiceOut(Output):
    """How far an invoice of one's own deposit address is paid."""

    status: Literal["waiting", "partial", "paid", "over", "late", "ended"] = Field(
        description="`late`: money came after its time, and is the payer's; `ended`: nothing came"
    )
    received: UintOut = Field(description="What there is for it so far; `late`: what came too late")
    missing: UintOut
    over: UintOut = Field(description="What was more than enough, and stays in the balance")


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
    underpaid_by: UintOut = Field(description="What a deposit fell short of, within the node's tolerance")
    invoice: InvoiceOut | None = Field(description="For the payer, of `deposit` and `checkout`")
    action: dict[str, str] | None = Field(
        description="For the payer: `redirect_url` to go to, `client_secret` for the gateway's own form, or"
        " `address` and `uri` (EIP-681) to send coin or tokens to"
    )
    expires_at: dt.datetime
    created_at: dt.datetime
    changed_at: dt.datetime
    steps: list[PaymentStepOut]


class CheckoutOut(Output):
    """Send them one by one. The order follows when that is final."""

    payment_id: uuid.UUID
    steps: list[StepOut]


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
    if order.rail in RAILS:
        _ask_for_deposit(begin, services, principal, payment_id, order)
    if method is not None:
        return_url = services.gateway.back_to(payment_id, body.return_url)
        services.gateway.begin(begin, payment_id, title=order.title, return_url=return_url)
    return _payment(begin, services, principal, payment_id, status=201)


@router.post("/v1/orders/{order_id}/payments/{payment_id}/check", response_model=PaymentOut)
def check_payment(
    order_id: uuid.UUID,
    payment_id: uuid.UUID,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """By the buyer, back from a gateway: ask there now how the payment is; or look at the balance again."""
    with begin() as tx:
        services.payment.of_order(tx, payment_id, order_id)
        intent = services.payment.locked(tx, payment_id)
        if intent.rail in RAILS:
            services.funding.take(tx, intent)
    services.gateway.check(begin, payment_id)
    return _payment(begin, services, principal, payment_id, status=200)


def _ask_for_deposit(
    begin: Begin, services: Services, principal: Principal, payment_id: uuid.UUID, order: Order
) -> None:
    """Where to send it: what comes to the payer's own address pays as soon as it is enough."""
    address = services.deposits.address(begin, Owner(account_id=principal.account_id))
    token = services.currencies.address(order.asset_id)
    uri = payment_uri(chain_id=services.chain.chain_id, address=address, token=token, amount=order.amount)
    with begin() as tx:
        services.funding.wait(tx, payment_id, {"address": address, "token": token, "uri": uri})


@router.get(
    "/v1/orders/{order_id}/payments/{payment_id}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def draw_payment(
    order_id: uuid.UUID, payment_id: uuid.UUID, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """By the buyer: the payment link (EIP-681) as a QR code, for a wallet to read."""
    params = {"payment_id": payment_id, "order_id": order_id, "account_id": principal.account_id}
    body = await services.queries.json(queries.LINK, params)
    if body is None:
        raise PaymentUnknown("no payment of yours waits for money by the chain there")
    drawn = io.BytesIO()
    segno.make(msgspec.json.decode(body, type=str), micro=False).save(drawn, kind="svg", scale=QR_SCALE)
    return Response(drawn.getvalue(), headers={"Cache-Control": PRIVATE}, media_type="image/svg+xml")


@router.post("/v1/orders/{order_id}/payments/{payment_id}/checkout")
def checkout_payment(
    order_id: uuid.UUID,
    payment_id: uuid.UUID,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> CheckoutOut:
    """By the buyer: the steps that pay it through the checkout contract, from a wallet, exactly and once."""
    with begin() as tx:
        services.payment.of_order(tx, payment_id, order_id)
        intent = services.payment.locked(tx, payment_id)
        if intent.rail != Rail.CHECKOUT or intent.state != State.REQUIRES_ACTION or intent.action is None:
            raise WrongPaymentState("nothing is to be paid through the checkout", state=intent.state)
        invoice = Invoice(
            payment_id=intent.id,
            payee=parse_address(intent.action["address"]),
            asset=parse_address(intent.action["token"]),
            amount=intent.amount,
            expires=int(intent.expires_at.timestamp()),
        )
    steps = services.checkout_actions().pay(invoice, payer=principal.address)
    return CheckoutOut(payment_id=payment_id, steps=steps_out(steps))


def _payment(
    begin: Begin, services: Services, principal: Principal, payment_id: uuid.UUID, *, status: int
) -> Response:
    with begin() as tx:
        params = {"payment_id": payment_id, **_asker(services, principal)}
        return read_back(tx, queries.PAYMENT, params, status=status)


@router.get("/v1/orders/{order_id}/payments", response_model=Page[PaymentOut])
async def list_order_payments(
    order_id: uuid.UUID, views: Views, page: ThePage, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """What was tried to pay the order, the newest first, with every part that moved."""
    params = {"order_id": order_id, **_asker(services, principal)}
    return await views.page(queries.PAYMENTS_OF_ORDER, params, page, private=True)


def _asker(services: Services, principal: Principal) -> dict[str, object]:
    return {"account_id": principal.account_id, "now": services.clock.now()}


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
