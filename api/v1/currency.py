"""What prices may be in."""

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.routing import edge_router
from api.schemas import AddressString, AssetOut, Output, Page
from api.views import ThePage, Views
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
