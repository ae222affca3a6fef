"""Where the node's contracts are, and whether they take anything new."""

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.routing import edge_router
from api.schemas import AddressString, Output, Page
from api.views import ThePage, Views
from node.services.governance.contracts import CONTRACTS, params

router = edge_router("governance")


class ContractOut(Output):
    name: str = Field(examples=["escrow"])
    artifact: str = Field(examples=["Escrow"], description="Its file in `contracts/artifacts`, with the ABI")
    address: AddressString
    block: int = Field(description="Nothing happened in it before")
    paused: bool = Field(description="Whether a guardian has shut its entries; ways out are never shut")


@router.get("/v1/contracts", response_model=Page[ContractOut])
async def list_contracts(views: Views, page: ThePage, services: TheServices) -> Response:
    """The contracts of this node's chain, by name."""
    chain_id = services.chain.chain_id
    return await views.page(CONTRACTS, params(chain_id, services.deployment()), page)
