"""Money that comes by the chain: where to send it, and what came."""

import datetime as dt
import io
import uuid
from typing import Annotated

import msgspec
import segno
from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.chain_params import raw
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, AmountOut, AssetOut, HashString, Output, Page, UintOut
from api.views import PRIVATE, ThePage, Views
from node.services.deposit import queries
from node.services.deposit.errors import AssetNotTaken, DepositAddressUnknown
from node.services.deposit.models import DepositState
from node.services.deposit.service import Owner
from wallet.owners import owner_of_account, owner_of_market

router = edge_router("deposits")

QR_SCALE = 6


class PaymentOut(Output):
    asset: AssetOut
    token: AddressString = Field(description="The zero address is the native coin")
    uri: str = Field(description="EIP-681: a wallet reads it from a link or a QR code")


class DepositAddressOut(Output):
    address: AddressString
    chain_id: int
    made_at: dt.datetime
    payments: list[PaymentOut] = Field(description="What may be sent there; anything else is not credited")


class DepositOut(Output):
    id: uuid.UUID
    address: AddressString
    amount: AmountOut
    state: DepositState
    frozen: UintOut = Field(description="Of a deposit that the chain lost: what was set aside")
    tx_hash: HashString | None = Field(description="Coin is seen by balance, so it has none")
    block: int
    credited_at: dt.datetime


class MadeOut(Output):
    address: AddressString


@router.post("/v1/me/deposit-addresses")
def make_address(begin: EffectTx, services: TheServices, principal: CurrentPrincipal) -> MadeOut:
    """The caller's address on the node's chain; the same one each time. Nothing is deployed for it."""
    return MadeOut(address=services.deposits.address(begin, Owner(account_id=principal.account_id)))


@router.get("/v1/me/deposit-addresses", response_model=Page[DepositAddressOut])
async def list_addresses(
    principal: CurrentPrincipal, views: Views, page: ThePage, services: TheServices
) -> Response:
    """All addresses that the caller ever got; what comes to an old one is credited too."""
    params = {"chain_id": services.chain.chain_id, "account_id": principal.account_id}
    return await views.page(queries.ADDRESSES_OF_ACCOUNT, params, page, private=True)


@router.get(
    "/v1/me/deposit-addresses/{address}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def draw_address(
    address: AddressString,
    principal: CurrentPrincipal,
    services: TheServices,
    asset: Annotated[str, Query(min_length=3, max_length=120, description="The asset's id")],
) -> Response:
    """The payment link of one asset as a QR code."""
    params = {"chain_id": services.chain.chain_id, "address": raw(address)}
    mine = {**params, "account_id": principal.account_id}
    body = await services.queries.json(queries.ADDRESS_OF_ACCOUNT, mine)
    if body is None:
        raise DepositAddressUnknown("the caller has no such deposit address")
    payments = msgspec.json.decode(body)["payments"]
    uri = next((payment["uri"] for payment in payments if payment["asset"]["id"] == asset), None)
    if uri is None:
        raise AssetNotTaken("no deposits are taken in that asset", asset=asset)
    drawn = io.BytesIO()
    segno.make(uri, micro=False).save(drawn, kind="svg", scale=QR_SCALE)
    return Response(drawn.getvalue(), headers={"Cache-Control": PRIVATE}, media_type="image/svg+xml")


@router.get("/v1/me/deposits", response_model=Page[DepositOut])
async def list_deposits(principal: CurrentPrincipal, views: Views, page: ThePage) -> Response:
    """What came for the caller, the newest first. A deposit is here when it is final."""
    params = {"owner": owner_of_account(principal.account_id)}
    return await views.page(queries.DEPOSITS, params, page, private=True)


@router.post("/v1/markets/{market_id}/deposit-addresses")
def make_market_address(market_id: uuid.UUID, begin: EffectTx, services: TheServices) -> MadeOut:
    """The market's address on the node's chain."""
    return MadeOut(address=services.deposits.address(begin, Owner(market_id=market_id)))


@router.get("/v1/markets/{market_id}/deposit-addresses", response_model=Page[DepositAddressOut])
async def list_market_addresses(
    market_id: uuid.UUID, views: Views, page: ThePage, services: TheServices
) -> Response:
    """All addresses that the market ever got."""
    params = {"chain_id": services.chain.chain_id, "market_id": market_id}
    return await views.page(queries.ADDRESSES_OF_MARKET, params, page, private=True)


@router.get("/v1/markets/{market_id}/deposits", response_model=Page[DepositOut])
async def list_market_deposits(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """What came for the market."""
    return await views.page(queries.DEPOSITS, {"owner": owner_of_market(market_id)}, page, private=True)
