"""Escrows, as the chain tells of them, and the node's conditions."""

import datetime as dt
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.routing import edge_router
from api.schemas import AddressString, HashString, Output, UintOut
from api.views import Views
from node.kernel.hexes import to_bytes
from node.services.escrow import queries
from node.services.escrow.errors import EscrowUnknown

router = edge_router("escrows")

EscrowState = Literal[
    "funded",
    "shipped",
    "disputed",
    "proposed",
    "appealed",
    "released",
    "refunded",
    "ruled",
    "settled",
]


class ConditionsOut(Output):
    """Windows are seconds, `_bps` are ten-thousandths. A market may have windows of its own."""

    chain_id: int = Field(examples=[31337])
    contract: AddressString
    fee_receiver: AddressString
    fee_bps: int = Field(examples=[250])
    arbiters: list[AddressString] = Field(description="The first is the default")
    ship_within_s: int = Field(examples=[604800])
    inspection_s: int = Field(examples=[604800])
    ruling_s: int = Field(examples=[1209600])
    silence_seller_bps: int = Field(examples=[5000])
    court: AddressString = Field(description="Judges appeals, in orders that allow them")
    appeal_window_s: int = Field(examples=[259200])
    court_time_s: int = Field(examples=[2592000])


class EscrowStepOut(Output):
    kind: Literal[
        "funded",
        "appeal_agreed",
        "shipped",
        "part_released",
        "part_refunded",
        "disputed",
        "evidence_added",
        "ruling_proposed",
        "appealed",
        "settlement_offered",
        "settlement_withdrawn",
        "released",
        "refunded",
        "ruled",
        "settled",
    ]
    at: dt.datetime
    provisional: bool = Field(description="True while a reorg can still undo it")
    actor: AddressString | None
    reference: HashString | None = Field(description="Hash of the proof, the evidence or the reason")
    to_seller: UintOut | None = Field(
        description="Of this step; in offers and proposed rulings before the fee"
    )
    to_buyer: UintOut | None
    fee: UintOut | None
    held: UintOut | None = Field(description="After this step")
    block: int
    tx_hash: HashString


class EscrowOut(Output):
    """Amounts are in the smallest unit of `asset`; the zero address is the native coin."""

    chain_id: int = Field(examples=[31337])
    contract: AddressString
    escrow_id: HashString
    order_id: HashString
    state: EscrowState
    provisional: bool = Field(description="True while a reorg can still undo the last step")
    buyer: AddressString
    seller: AddressString
    arbiter: AddressString
    asset: AddressString
    amount: UintOut
    received: UintOut
    held: UintOut
    court: AddressString | None = Field(description="Judges an appeal; null: nobody can appeal")
    appeal_window_s: int | None
    court_time_s: int | None
    proposed_to_seller: UintOut | None = Field(description="By the arbiter's ruling, before the fee")
    to_seller: UintOut | None = Field(description="Paid out so far; null: nothing was")
    to_buyer: UintOut | None
    fee: UintOut | None
    silent: bool | None
    fee_receiver: AddressString
    fee_bps: int
    silence_seller_bps: int
    ship_by: dt.datetime
    inspection_s: int
    ruling_s: int
    deadline: dt.datetime | None
    timeline: list[EscrowStepOut]


@router.get("/v1/escrow-conditions", response_model=ConditionsOut)
async def read_conditions(services: TheServices) -> ConditionsOut:
    """What this node's orders are sold under."""
    found = services.escrow.conditions()
    return ConditionsOut(
        chain_id=found.chain_id,
        contract=found.contract,
        fee_receiver=found.fee_receiver,
        fee_bps=found.fee_bps,
        arbiters=list(found.arbiters),
        ship_within_s=found.ship_within_s,
        inspection_s=found.inspection_s,
        ruling_s=found.ruling_s,
        silence_seller_bps=found.silence_seller_bps,
        court=found.court,
        appeal_window_s=found.appeal_window_s,
        court_time_s=found.court_time_s,
    )


@router.get("/v1/escrows/{escrow_id}", response_model=EscrowOut)
async def read_escrow(escrow_id: HashString, views: Views, services: TheServices) -> Response:
    """One escrow with its timeline, by the hash of its terms."""
    params = {"chain_id": services.escrow.chain_id, "escrow_id": to_bytes(escrow_id)}
    missing = EscrowUnknown("no escrow of that id was seen on the chain")
    return await views.one(queries.ESCROW, params, missing=missing)
