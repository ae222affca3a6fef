"""Orders: place one, follow it, and the steps that a party's wallet takes on the escrow contract.

The node never moves money. What a step did comes back from the chain when it is final, and only then the
order changes its state.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.commands import Begin
from api.readback import read_back
from api.routing import CommandTx, EffectTx, edge_router
from api.schemas import AddressString, AmountOut, HashString, Input, Output, Page, UintOut, UintString, Whole
from api.steps import StepOut, steps_out
from api.v1.escrow import EscrowState
from api.views import ThePage, Views
from node.chain.actions import EscrowActions
from node.chain.steps import TransactionStep
from node.kernel.hexes import Hash32, to_bytes
from node.services.container import Services
from node.services.identity.tokens import Principal
from node.services.order import queries
from node.services.order.access import Caller, Permit
from node.services.order.errors import OrderUnknown
from node.services.order.service import QUANTITY_MAX
from node.services.order.statements import Kind
from node.services.order.states import Action, Role, State

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


class ShipIn(Input):
    tracking: str = Field(
        max_length=TEXT_CHARS_MAX, examples=["Aras Kargo 1234567890"], description="For the parties alone"
    )


class EvidenceIn(Input):
    evidence: str = Field(max_length=TEXT_CHARS_MAX, description="For the parties alone")


class RulingIn(Input):
    to_seller: UintString = Field(description="The seller's part before the fee; the rest goes to the buyer")
    reason: str = Field("", max_length=TEXT_CHARS_MAX, description="For the parties alone")


class OrderSummary(Output):
    id: uuid.UUID
    market_id: uuid.UUID
    product_id: uuid.UUID
    title: str = Field(description="Of the product, when the order was placed")
    quantity: int = Field(examples=[1])
    state: State
    out_of_stock: bool = Field(description="The money came late and the units were gone: the seller refunds")
    roles: list[Role] = Field(description="What the caller is to this order")
    buyer: AddressString
    seller: AddressString
    arbiter: AddressString
    unit_price: AmountOut
    amount: AmountOut
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


class AppealOut(Output):
    """Named by the buyer alone, with the money; the order's terms know nothing of it."""

    court: AddressString
    window_s: int
    court_time_s: int
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
    on_chain: OnChainOut | None = Field(description="What the chain says now; null: no money was seen")


class StatementOut(Output):
    kind: Kind
    author: Role
    text: str
    salt: HashString
    digest: HashString = Field(description="keccak256(salt ++ text in UTF-8): what goes on the chain")
    on_chain: bool
    said_at: dt.datetime


class TimelineEntryOut(Output):
    source: Literal["order", "chain"]
    kind: str = Field(examples=["order.paid"])
    at: dt.datetime
    provisional: bool = Field(description="True while a reorg can still undo it")
    actor: AddressString | None
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
    escrow: OrderEscrowOut
    statements: list[StatementOut]
    timeline: list[TimelineEntryOut]


class OrderStepsOut(Output):
    """Send them one by one, from the wallet that `from` names. The order follows when that is final."""

    order_id: uuid.UUID
    escrow_id: HashString
    reference: HashString | None = Field(description="Hash of the words that go on the chain with the step")
    steps: list[StepOut]


@router.post("/v1/orders", status_code=201, response_model=OrderOut)
def place_order(body: OrderIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal) -> Response:
    """Reserve units of a product, and fix price and escrow terms. Pay before `deadline`."""
    order = services.order.place(
        tx, _caller(principal), product_id=body.product_id, quantity=body.quantity, note=body.note
    )
    location = f"/v1/orders/{order.id}"
    return read_back(tx, queries.ORDER, _params(principal, order.id), status=201, location=location)


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
async def read_order(order_id: uuid.UUID, views: Views, principal: CurrentPrincipal) -> Response:
    """One order with its escrow, statements and timeline: for its parties, in a dispute for arbiters."""
    missing = OrderUnknown("there is no such order", order_id=str(order_id))
    return await views.one(queries.ORDER, _params(principal, order_id), missing=missing, private=True)


@router.post("/v1/orders/{order_id}/cancel", response_model=OrderOut)
def cancel_order(
    order_id: uuid.UUID, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """By the buyer, before anything was paid."""
    services.order.cancel(tx, _caller(principal), order_id)
    return read_back(tx, queries.ORDER, _params(principal, order_id))


@router.post("/v1/orders/{order_id}/fund")
def fund_order(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By the buyer: pay into the escrow; a token is approved first, for exactly the amount."""
    return _take(
        order_id,
        begin,
        services,
        principal,
        action=Action.FUND,
        steps_of=lambda do, leave: do.fund(leave.terms),
    )


@router.post("/v1/orders/{order_id}/confirm")
def confirm_order(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By the buyer: all is well, the money goes to the seller."""
    return _take(
        order_id,
        begin,
        services,
        principal,
        action=Action.CONFIRM,
        steps_of=lambda do, leave: do.release(leave.terms),
    )


@router.post("/v1/orders/{order_id}/refund")
def refund_order(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By the seller: the money goes back to the buyer."""
    return _take(
        order_id,
        begin,
        services,
        principal,
        action=Action.REFUND,
        steps_of=lambda do, leave: do.refund(leave.terms),
    )


@router.post("/v1/orders/{order_id}/ship")
def ship_order(
    order_id: uuid.UUID, body: ShipIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By the seller: the goods are on their way. The text stays here, its salted hash goes on the chain."""
    with begin() as tx:
        leave, digest = services.order.permit_with_words(
            tx, _caller(principal), order_id, Action.SHIP, kind=Kind.TRACKING, text=body.tracking
        )
    actions = services.escrow_actions()
    steps = actions.ship(leave.terms, proof=digest)
    return _steps(order_id, actions, leave, reference=digest, steps=steps)


@router.post("/v1/orders/{order_id}/dispute")
def dispute_order(
    order_id: uuid.UUID, body: EvidenceIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By buyer or seller, while the inspection runs: call the arbiter."""
    with begin() as tx:
        leave, digest = services.order.permit_with_words(
            tx, _caller(principal), order_id, Action.DISPUTE, kind=Kind.EVIDENCE, text=body.evidence
        )
    actions = services.escrow_actions()
    steps = actions.dispute(leave.terms, by=leave.sender, evidence=digest)
    return _steps(order_id, actions, leave, reference=digest, steps=steps)


@router.post("/v1/orders/{order_id}/evidence")
def add_evidence(
    order_id: uuid.UUID, body: EvidenceIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By buyer or seller, while the dispute is open: say more."""
    with begin() as tx:
        leave, digest = services.order.permit_with_words(
            tx, _caller(principal), order_id, Action.EVIDENCE, kind=Kind.EVIDENCE, text=body.evidence
        )
    actions = services.escrow_actions()
    steps = actions.add_evidence(leave.terms, by=leave.sender, evidence=digest)
    return _steps(order_id, actions, leave, reference=digest, steps=steps)


@router.post("/v1/orders/{order_id}/rule")
def rule_order(
    order_id: uuid.UUID, body: RulingIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By the arbiter: split what is held."""
    with begin() as tx:
        leave, digest = services.order.permit_ruling(
            tx, _caller(principal), order_id, to_seller=body.to_seller, reason=body.reason
        )
    actions = services.escrow_actions()
    steps = actions.rule(leave.terms, to_seller=body.to_seller, reason=digest)
    return _steps(order_id, actions, leave, reference=digest, steps=steps)


@router.post("/v1/orders/{order_id}/refund-expired")
def refund_expired(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By any party: nothing was shipped in time, the money goes back to the buyer."""
    return _take(
        order_id,
        begin,
        services,
        principal,
        action=Action.REFUND_EXPIRED,
        steps_of=lambda do, leave: do.refund_expired(leave.terms, by=leave.sender),
    )


@router.post("/v1/orders/{order_id}/release-expired")
def release_expired(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By any party: nobody disputed in time, the money goes to the seller."""
    return _take(
        order_id,
        begin,
        services,
        principal,
        action=Action.RELEASE_EXPIRED,
        steps_of=lambda do, leave: do.release_expired(leave.terms, by=leave.sender),
    )


@router.post("/v1/orders/{order_id}/rule-expired")
def rule_expired(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> OrderStepsOut:
    """By any party: the arbiter stayed silent, the money is split as the terms say."""
    return _take(
        order_id,
        begin,
        services,
        principal,
        action=Action.RULE_EXPIRED,
        steps_of=lambda do, leave: do.rule_expired(leave.terms, by=leave.sender),
    )


def _take(
    order_id: uuid.UUID,
    begin: Begin,
    services: Services,
    principal: Principal,
    *,
    action: Action,
    steps_of: Callable[[EscrowActions, Permit], list[TransactionStep]],
) -> OrderStepsOut:
    """An action without words. The chain is asked after the transaction has ended."""
    with begin() as tx:
        leave = services.order.permit(tx, _caller(principal), order_id, action)
    actions = services.escrow_actions()
    return _steps(order_id, actions, leave, reference=None, steps=steps_of(actions, leave))


def _steps(
    order_id: uuid.UUID,
    actions: EscrowActions,
    leave: Permit,
    *,
    reference: Hash32 | None,
    steps: list[TransactionStep],
) -> OrderStepsOut:
    return OrderStepsOut(
        order_id=order_id, escrow_id=actions.id_of(leave.terms), reference=reference, steps=steps_out(steps)
    )


def _caller(principal: Principal) -> Caller:
    return Caller(principal.account_id, principal.address, principal.works_in)


def _params(principal: Principal, order_id: uuid.UUID) -> dict[str, object]:
    return {"order_id": order_id, **_asker(principal)}


def _asker(principal: Principal) -> dict[str, object]:
    """Without a wallet one is known by the account alone."""
    wallet = None if principal.wallet is None else to_bytes(principal.wallet)
    return {"account_id": principal.account_id, "wallet": wallet}
