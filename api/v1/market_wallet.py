"""The money of a market: what it has, what made it so, and sending of it."""

import uuid

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import CommandTx, edge_router
from api.schemas import Page, UintOut
from api.v1.balance import AssetQuery, BalanceOut, EntryOut, statement_file
from api.v1.transfer import TransferIn, TransferOut, prepared
from api.views import ThePage, Views
from node.services.balance import queries
from node.services.container import Services
from node.services.transfer import queries as transfer_queries
from node.services.transfer.service import Sender
from wallet.owners import WALLET, owner_of_market

router = edge_router("market wallets")


class MarketBalanceOut(BalanceOut):
    purpose: str = Field(examples=["wallet"], description="`wallet` is what the market has at its disposal")
    owes: UintOut = Field(
        description="What the market has to make good: the next money that comes settles it"
    )


@router.get("/v1/markets/{market_id}/balances", response_model=Page[MarketBalanceOut])
async def list_market_balances(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """What the market has, by currency and purpose."""
    params = {"owner": owner_of_market(market_id)}
    return await views.page(queries.OF_MARKET, params, page, private=True)


@router.get("/v1/markets/{market_id}/statement", response_model=Page[EntryOut])
async def list_market_statement(
    market_id: uuid.UUID, asset: AssetQuery, views: Views, page: ThePage
) -> Response:
    """The postings of the market's wallet in one currency, the newest first."""
    return await views.page(queries.STATEMENT, _of(market_id, asset), page, private=True)


@router.get(
    "/v1/markets/{market_id}/statement.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def download_market_statement(
    market_id: uuid.UUID, asset: AssetQuery, services: TheServices
) -> Response:
    """The newest 10,000 postings of the market's wallet in one currency as CSV (RFC 4180)."""
    return await statement_file(services, _of(market_id, asset))


@router.post("/v1/markets/{market_id}/transfers", status_code=201, response_model=TransferOut)
def prepare_market_transfer(
    market_id: uuid.UUID,
    body: TransferIn,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """As `POST /v1/me/transfers`, out of the market's wallet. The owner confirms."""
    transfer_id = prepared(tx, services, Sender(principal.account_id, principal.session_id, market_id), body)
    params = _one(services, market_id, transfer_id)
    return read_back(tx, transfer_queries.ONE_OF_MARKET, params, status=201)


@router.post("/v1/markets/{market_id}/transfers/{transfer_id}/confirm", response_model=TransferOut)
def confirm_market_transfer(
    market_id: uuid.UUID,
    transfer_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """Moves the market's money, once."""
    sender = Sender(principal.account_id, principal.session_id, market_id)
    if services.transfers.confirm(tx, sender, transfer_id, is_proved=False) is None:
        services.step_up.require(tx, principal)
        services.transfers.confirm(tx, sender, transfer_id, is_proved=True)
    return read_back(tx, transfer_queries.ONE_OF_MARKET, _one(services, market_id, transfer_id))


@router.get("/v1/markets/{market_id}/transfers", response_model=Page[TransferOut])
async def list_market_transfers(
    market_id: uuid.UUID, services: TheServices, views: Views, page: ThePage
) -> Response:
    """What was prepared and sent out of the market's wallet, the newest first."""
    params = {"market_id": market_id, "now": services.clock.now()}
    return await views.page(transfer_queries.OF_MARKET, params, page, private=True)


def _of(market_id: uuid.UUID, asset: str) -> dict[str, str]:
    return {"owner": owner_of_market(market_id), "purpose": WALLET, "asset": asset}


def _one(services: Services, market_id: uuid.UUID, transfer_id: uuid.UUID) -> dict[str, object]:
    return {"market_id": market_id, "transfer_id": transfer_id, "now": services.clock.now()}
