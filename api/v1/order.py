"""Orders: place one, follow it. What a party's wallet does on the escrow contract is in `order_step`.

The node never moves money. What a step did comes back from the chain when it is final, and only then the
order changes its state.
"""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import Query
from pydantic import ConfigDict, Field, StrictBool
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import CommandTx, edge_router, never_stored
from api.schemas import (
    AddressString,
    AmountOut,
    AssetOut,
    HashString,
    HexBytes,
    Input,
    Output,
    Page,
    UintOut,
    Whole,
)
from api.v1.charge import CountryString
from api.v1.escrow import EscrowState
from api.views import ThePage, Views
from node.kernel.hexes import to_bytes
from node.services.container import Services
from node.services.identity.tokens import Principal
from node.services.order import queries
from node.services.order.access import Caller
from node.services.order.charging import Charged, Destination
from node.services.order.errors import OrderUnknown
from node.services.order.service import QUANTITY_MAX
from node.services.order.statements import Kind
from node.services.order.states import Rail, Role, State

router = edge_router("orders")

TEXT_CHARS_MAX = 20_000  # before trimming; the services know the real limits


class OrderIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"product_id": "0198c1f2-a4e2-7b0c-8a3f-5d1e6b7c9d00", "quantity": 1, "note": "Gift wrap"}
            ]
        }
    )

    product_id: uuid.UUID
    quantity: Whole = Field(ge=1, le=QUANTITY_MAX)
    note: str = Field("", max_length=TEXT_CHARS_MAX, description="For the seller")
    rail: Rail = Field(
        Rail.ESCROW,
        description="`escrow`: the contract, from a wallet; `balance`: what one has on the node, at once;"
        " `hold`: the same, held until the goods are there; `gateway`: card, bank and so on;"
        " `deposit`, `checkout`: coin or tokens by the chain, then held as well",
    )
    country: CountryString | None = Field(
        None, description="Where it goes (ISO 3166-1 alpha-2): needed where the market has taxes or ships"
    )
    shipping_method_id: uuid.UUID | None = Field(
        None, description="Needed for goods that are shipped, where the market says how it ships"
    )
    appeal: StrictBool = Field(
        default=False, description="Let the DAO judge over the arbiter's ruling, if a party appeals"
    )


class BreakdownOut(Output):
    """What an order costs: `goods + shipping + tax = total`. `goods` and `shipping` are without tax."""

    goods: UintOut
    shipping: UintOut
    tax: UintOut
    total: UintOut
    shipping_tax: UintOut = Field(description="What of `tax` is on the shipping")
    tax_name: str | None = Field(examples=["KDV"], description="Null: no taxes are known there")
    tax_bps: int = Field(examples=[2000], description="The rate on the goods, in basis points")
    shipping_tax_bps: int = Field(examples=[2000])
    tax_included: bool = Field(description="Whether the product's price and that of shipping include it")
    country: str | None = Field(examples=["TR"])
    shipping_method_id: uuid.UUID | None
    shipping_name: str | None = Field(description="In the market's own language")


class OrderSummary(Output):
    id: uuid.UUID
    market_id: uuid.UUID
    product_id: uuid.UUID
    title: str = Field(description="Of the product, when the order was placed")
    quantity: int = Field(examples=[1])
    state: State
    rail: Rail = Field(description="What it is paid through")
    out_of_stock: bool = Field(description="The money came late and the units were gone: the seller refunds")
    roles: list[Role] = Field(description="What the caller is to this order")
    buyer: AddressString | None = Field(description="Null: the buyer has no wallet")
    seller: AddressString
    arbiter: AddressString
    unit_price: AmountOut = Field(description="As the product listed it")
    amount: AmountOut = Field(description="What is paid: the total")
    breakdown: BreakdownOut = Field(description="As it was when the order was placed")
    deadline: dt.datetime | None = Field(description="Of the present state")
    placed_at: dt.datetime
    changed_at: dt.datetime


class TermsOut(Output):
    """`IEscrow.Terms`, by the contract's names: whoever keeps them can use the escrow without this node."""

    orderId: HashString  # noqa: N815 - the contract's name
    buyer: AddressString
    seller: AddressString
    arbiter: AddressString
    asset: AddressString
    amount: UintOut
    feeReceiver: AddressString  # noqa: N815
    feeBps: int  # noqa: N815
    silenceSellerBps: int  # noqa: N815
    shipBy: int  # noqa: N815
    inspection: int
    ruling: int


class AppealTermsOut(Output):
    """Who judges an appeal. No part of the escrow's id: the buyer names it with the money."""

    court: AddressString
    window_s: int
    court_time_s: int


class AppealOut(AppealTermsOut):
    proposed_to_seller: UintOut | None = Field(description="By the arbiter's ruling, before the fee")


class SettlementOut(Output):
    """A standing offer of a party, which the other one may accept."""

    by: AddressString
    to_seller: UintOut = Field(description="Before the fee")
    to_buyer: UintOut


class OnChainOut(Output):
    state: EscrowState
    deadline: dt.datetime | None
    held: UintOut
    appeal: AppealOut | None = Field(description="Null: nobody can appeal")
    settlements: list[SettlementOut]
    block: int
    provisional: bool = Field(description="True while a reorg can still undo it; the order waits for it")


class OrderEscrowOut(Output):
    chain_id: int = Field(examples=[31337])
    contract: AddressString
    escrow_id: HashString
    terms: TermsOut
    appeal: AppealTermsOut | None = Field(description="What the order allows; null: no appeal")
    on_chain: OnChainOut | None = Field(description="What the chain says now; null: no money was seen")


class StatementOut(Output):
    kind: Kind
    author: Role
    text: str
    salt: HashString
    digest: HashString = Field(description="keccak256(salt ++ text in UTF-8): what goes on the chain")
    on_chain: bool
    said_at: dt.datetime


class SignedReleaseOut(Output):
    """A part of the money that anybody may release: the buyer signed for it."""

    digest: HashString = Field(description="EIP-712 digest of what was signed")
    state: Literal["open", "used", "voided", "expired"] = Field(
        description="`used`: this or another one of its nonce"
    )
    amount: UintOut = Field(description="Before the fee")
    nonce: UintOut
    deadline: dt.datetime
    signature: HexBytes
    signed_at: dt.datetime


class TimelineEntryOut(Output):
    source: Literal["order", "chain"]
    kind: str = Field(examples=["order.paid"])
    at: dt.datetime
    provisional: bool = Field(description="True while a reorg can still undo it")
    actor: AddressString | None
    by: Literal["buyer", "seller", "arbiter", "time"] | None = Field(
        description="Off the chain: who did it; `time` is a deadline"
    )
    reference: HashString | None
    to_seller: UintOut | None = Field(
        description="Of this step; in offers and proposed rulings before the fee"
    )
    to_buyer: UintOut | None
    fee: UintOut | None
    held: UintOut | None = Field(description="After this step")
    block: int | None
    tx_hash: HashString | None


class OrderOut(OrderSummary):
    note: str
    received: UintOut | None
    to_seller: UintOut | None = Field(description="Paid out so far; null: nothing was")
    to_buyer: UintOut | None
    fee: UintOut | None
    payment_id: uuid.UUID | None = Field(description="Of the payment that paid it, off the chain")
    escrow: OrderEscrowOut | None = Field(description="Null: it is not paid through the escrow contract")
    releases: list[SignedReleaseOut]
    statements: list[StatementOut]
    timeline: list[TimelineEntryOut]


class PreviewIn(Input):
    product_id: uuid.UUID
    quantity: Whole = Field(ge=1, le=QUANTITY_MAX)
    country: CountryString | None = None
    shipping_method_id: uuid.UUID | None = None


class PreviewOut(Output):
    unit_price: AmountOut
    breakdown: BreakdownOut | None = Field(description="Null: one of `shipping_methods` is to be chosen")
    shipping_methods: list[BreakdownOut] | None = Field(
        description="The order by each way of shipping that suits; null: none is needed"
    )


@router.post("/v1/orders/preview")
@never_stored
def preview_order(body: PreviewIn, tx: CommandTx, services: TheServices) -> PreviewOut:
    """What an order would cost and how it can be shipped, without placing it. Refused as orders are."""
    to = Destination(country=body.country, method_id=body.shipping_method_id)
    found = services.order.preview(tx, product_id=body.product_id, quantity=body.quantity, to=to)
    sold = found.reserved
    asset = AssetOut(id=sold.asset_id, code=sold.asset_code, exponent=sold.asset_exponent)
    return PreviewOut(
        unit_price=AmountOut(value=sold.price, asset=asset),
        breakdown=None if found.charged is None else _breakdown(found.charged),
        shipping_methods=None if found.offers is None else [_breakdown(offer) for offer in found.offers],
    )


def _breakdown(charged: Charged) -> BreakdownOut:
    return BreakdownOut(**{name: getattr(charged, name) for name in BreakdownOut.model_fields})


@router.post("/v1/orders", status_code=201, response_model=OrderOut)
def place_order(body: OrderIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal) -> Response:
    """Reserve units of a product, and fix price and escrow terms. Pay before `deadline`."""
    if body.rail is Rail.ESCROW:
        principal.address  # noqa: B018 - raises for who has no wallet
    order = services.order.place(
        tx,
        caller_of(principal),
        rail=body.rail,
        product_id=body.product_id,
        quantity=body.quantity,
        note=body.note,
        appeal=body.appeal,
        to=Destination(country=body.country, method_id=body.shipping_method_id),
    )
    location = f"/v1/orders/{order.id}"
    return read_back(
        tx, queries.ORDER, order_params(services, principal, order.id), status=201, location=location
    )


@router.get("/v1/orders", response_model=Page[OrderSummary])
async def list_orders(
    views: Views,
    page: ThePage,
    *,
    principal: CurrentPrincipal,
    role: Annotated[Role, Query(description="Orders in which one is this")] = Role.BUYER,
    state: Annotated[State | None, Query()] = None,
    market: Annotated[uuid.UUID | None, Query(description="Orders of that market")] = None,
) -> Response:
    """One's own orders, the newest first."""
    keysets = {
        Role.BUYER: queries.ORDERS_AS_BUYER,
        Role.SELLER: queries.ORDERS_AS_SELLER,
        Role.ARBITER: queries.ORDERS_AS_ARBITER,
    }
    params = {
        **_asker(principal),
        "state": None if state is None else state.value,
        "market_id": market,
    }
    return await views.page(keysets[role], params, page, private=True)


@router.get("/v1/markets/{market_id}/orders", response_model=Page[OrderSummary])
async def list_market_orders(
    market_id: uuid.UUID,
    views: Views,
    page: ThePage,
    principal: CurrentPrincipal,
    state: Annotated[State | None, Query()] = None,
) -> Response:
    """The orders of a market, the newest first: for all who work there."""
    state_value = None if state is None else state.value
    params = {**_asker(principal), "state": state_value, "market_id": market_id}
    return await views.page(queries.ORDERS_OF_MARKET, params, page, private=True)


@router.get("/v1/disputes", response_model=Page[OrderSummary])
async def list_disputes(views: Views, page: ThePage, principal: CurrentPrincipal) -> Response:
    """Orders that are in dispute, the newest first: for the arbiters of the node."""
    return await views.page(queries.ORDERS_IN_DISPUTE, _asker(principal), page, private=True)


@router.get("/v1/orders/{order_id}", response_model=OrderOut)
async def read_order(
    order_id: uuid.UUID, views: Views, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """One order with its escrow, statements and timeline: for its parties, in a dispute for arbiters."""
    missing = OrderUnknown("there is no such order", order_id=str(order_id))
    return await views.one(
        queries.ORDER, order_params(services, principal, order_id), missing=missing, private=True
    )


@router.post("/v1/orders/{order_id}/cancel", response_model=OrderOut)
def cancel_order(
    order_id: uuid.UUID, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """By the buyer, before anything was paid."""
    services.order.cancel(tx, caller_of(principal), order_id)
    return read_back(tx, queries.ORDER, order_params(services, principal, order_id))


def caller_of(principal: Principal) -> Caller:
    return Caller(principal.account_id, principal.wallet, principal.works_in)


def wallet_of(principal: Principal) -> Caller:
    """For what only a wallet can do. Raises WalletNeeded."""
    return Caller(principal.account_id, principal.address, principal.works_in)


def order_params(services: Services, principal: Principal, order_id: uuid.UUID) -> dict[str, object]:
    return {"now_s": int(services.clock.now().timestamp()), "order_id": order_id, **_asker(principal)}


def _asker(principal: Principal) -> dict[str, object]:
    """Without a wallet one is known by the account alone."""
    wallet = None if principal.wallet is None else to_bytes(principal.wallet)
    return {"account_id": principal.account_id, "wallet": wallet}
