"""Paying out what a market has: on demand, by schedule, less what stays for refunds."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import IfMatch, read_back, require_match
from api.routing import CommandTx, edge_router
from api.schemas import AddressString, AmountOut, HashString, Input, Output, Page, UintOut, UintString
from api.v1.transfer import AssetString
from api.views import ThePage, Views
from node.services.container import Services
from node.services.market.errors import MarketUnknown
from node.services.payout import queries
from node.services.payout.models import Rail, Schedule, State
from node.services.payout.service import NAME_CHARS_MAX, Way
from wallet.owners import owner_of_market

router = edge_router("payouts")

IBAN_CHARS_MAX = 60  # with spaces


class PayoutTermsIn(Input):
    schedule: Schedule
    rail: Rail
    beneficiary: Annotated[str, Field(max_length=NAME_CHARS_MAX)] | None = Field(
        None, description="Whom the bank pays"
    )
    iban: Annotated[str, Field(max_length=IBAN_CHARS_MAX)] | None = Field(
        None, examples=["TR33 0006 1005 1978 6457 8413 26"]
    )
    address: AddressString | None = Field(
        None, description="On the node's chain. With mixed case, its checksum (EIP-55) is checked"
    )


class PayableOut(Output):
    asset: str
    payable: UintOut
    reserve: UintOut = Field(description="Stays for refunds of what was sold lately")
    owes: UintOut = Field(description="The next sales settle it")


class PayoutTermsOut(Output):
    schedule: Schedule
    next_at: dt.datetime | None
    rail: Rail
    beneficiary: str | None
    iban: str | None
    address: AddressString | None
    address_open_at: dt.datetime | None = Field(description="From then on the address is paid")
    reserve_bps: int
    reserve_days: int
    payable: list[PayableOut]


class PayoutIn(Input):
    asset: AssetString
    amount: UintString | None = Field(None, description="Without it all that is payable")


class PayoutOut(Output):
    id: uuid.UUID
    amount: AmountOut
    rail: Rail
    beneficiary: str | None
    iban: str | None
    address: AddressString | None
    tx_hash: HashString | None = Field(
        description="That pays others, too; while it is sent, the newest attempt"
    )
    state: State
    reason: str
    scheduled: bool
    asked_at: dt.datetime
    ended_at: dt.datetime | None


@router.get("/v1/markets/{market_id}/payout-terms", response_model=PayoutTermsOut)
async def show_payout_terms(market_id: uuid.UUID, services: TheServices, views: Views) -> Response:
    """How and when the market is paid, and what is payable now."""
    missing = MarketUnknown("there is no such market")
    return await views.one(queries.TERMS, _params(services, market_id), missing=missing, private=True)


@router.put("/v1/markets/{market_id}/payout-terms", response_model=PayoutTermsOut)
def change_payout_terms(
    market_id: uuid.UUID,
    body: PayoutTermsIn,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Say how and when the market is paid. Needs a second proof: it says where the money goes."""
    services.market.owned(tx, market_id, account_id=principal.account_id)
    require_match(tx, if_match, queries.TERMS, _params(services, market_id))
    services.step_up.require(tx, principal)
    way = Way(
        schedule=body.schedule,
        rail=body.rail,
        beneficiary=body.beneficiary,
        iban=body.iban,
        address=body.address,
    )
    services.payouts.change_terms(tx, market_id, way)
    return read_back(tx, queries.TERMS, _params(services, market_id))


@router.post("/v1/markets/{market_id}/payouts", status_code=201, response_model=PayoutOut)
def ask_for_payout(
    market_id: uuid.UUID,
    body: PayoutIn,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """Pay the market now, the way that its terms say."""
    payout_id = services.payouts.pay(tx, market_id, body.asset, body.amount, asked_by=principal.account_id)
    return read_back(tx, queries.ONE, {"market_id": market_id, "payout_id": payout_id}, status=201)


@router.get("/v1/markets/{market_id}/payouts", response_model=Page[PayoutOut])
async def list_payouts(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """The market's payouts, the newest first."""
    return await views.page(queries.PAYOUTS, {"market_id": market_id}, page, private=True)


def _params(services: Services, market_id: uuid.UUID) -> dict[str, object]:
    return {
        "market_id": market_id,
        "owner": owner_of_market(market_id),
        "rules": services.payouts.rules_json,
        "now": services.clock.now(),
    }
