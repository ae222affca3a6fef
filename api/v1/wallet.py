"""What a wallet owns."""

from starlette.responses import Response

from api.access import TheServices
from api.chain_params import chain_params, raw
from api.routing import edge_router
from api.schemas import AddressString, Page
from api.v1.token import TokenItemOut
from api.views import ThePage, Views
from node.services.nft import queries

router = edge_router("wallets")


@router.get("/v1/wallets/{address}/tokens", response_model=Page[TokenItemOut])
async def list_portfolio(
    address: AddressString, views: Views, page: ThePage, services: TheServices
) -> Response:
    """The tokens that the wallet owns, by collection and id, with what they show and cost."""
    params = {**chain_params(services), "wallet": raw(address)}
    return await views.page(queries.TOKENS_OF_WALLET, params, page)
