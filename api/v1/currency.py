"""What prices may be in."""

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.routing import edge_router
from api.schemas import AddressString, AssetOut, Output, Page
from api.views import ThePage, Views
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.hexes import to_bytes
from node.services.catalog import queries

router = edge_router("products")


class CurrencyOut(Output):
    address: AddressString = Field(description="The zero address is the chain's native coin")
    asset: AssetOut


@router.get("/v1/currencies", response_model=Page[CurrencyOut])
async def list_currencies(views: Views, page: ThePage, services: TheServices) -> Response:
    """The native coin and the ERC-20s that listings and prices of products may be in."""
    deployment = services.deployment()
    params = {
        "chain_id": services.chain.chain_id,
        "exchange": to_bytes(deployment.exchange.address),
    }
    return await views.page(queries.CURRENCIES, params, page)


class FiatCurrencyOut(AssetOut):
    gateways: list[str] = Field(description="Those that take it, the best one first", examples=[["sandbox"]])


class FiatCurrenciesOut(Output):
    items: list[FiatCurrencyOut]


@router.get("/v1/currencies/fiat")
async def list_fiat_currencies(services: TheServices) -> FiatCurrenciesOut:
    """Those of ISO 4217: prices may be in each, and be paid from balances or at the gateways that take it."""
    return FiatCurrenciesOut(items=[_fiat(services, code) for code in sorted(EXPONENTS)])


def _fiat(services: TheServices, code: str) -> FiatCurrencyOut:
    asset = fiat_asset(code)
    gateways = services.gateway.choice.suiting(country=None, currency=code)
    return FiatCurrencyOut(id=asset.id, code=code, exponent=asset.exponent, gateways=list(gateways))
