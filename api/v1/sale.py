"""Sales that the exchange settled."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.chain_params import chain_params, given, raw
from api.routing import edge_router
from api.schemas import AddressString, AmountOut, HashString, Output, Page, UintOut, UintString
from api.views import ThePage, Views
from node.kernel.errors import Invalid
from node.services.nft import queries

router = edge_router("sales")


class SaleOut(Output):
    """`price` = `proceeds` of the seller + `royalty` + `fee`."""

    kind: Literal["listing", "offer", "auction"]
    digest: HashString = Field(description="The EIP-712 digest of what was signed")
    collection: AddressString
    token_id: UintOut
    quantity: UintOut
    seller: AddressString
    buyer: AddressString
    price: AmountOut
    fee: AmountOut
    royalty: AmountOut
    royalty_receiver: AddressString | None
    proceeds: AmountOut
    block: int
    log_index: int
    tx_hash: HashString
    at: dt.datetime


@router.get("/v1/sales", response_model=Page[SaleOut])
async def list_sales(
    *,
    views: Views,
    page: ThePage,
    services: TheServices,
    collection: Annotated[AddressString | None, Query()] = None,
    token_id: Annotated[UintString | None, Query(description="Needs `collection`")] = None,
    wallet: Annotated[AddressString | None, Query(description="As seller or as buyer")] = None,
    tx_hash: Annotated[
        HashString | None, Query(description="Those of one transaction, as of a sweep")
    ] = None,
) -> Response:
    """Sales, newest first."""
    if token_id is not None and collection is None:
        raise Invalid("a token is told by its collection too", field="collection")
    filters = given(collection=raw(collection), token_id=token_id, wallet=raw(wallet), tx_hash=raw(tx_hash))
    params = {**chain_params(services), **filters}
    return await views.page(queries.sales(frozenset(filters)), params, page)
