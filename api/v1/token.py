"""Tokens: who owns them, what they show, what they cost and where they have been."""

import datetime as dt
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.chain_params import chain_params, raw
from api.routing import edge_router
from api.schemas import AddressString, AmountOut, HashString, Output, Page, UintOut, UintString
from api.v1.sale import SaleOut
from api.views import ThePage, Views
from node.services.nft import queries
from node.services.nft.errors import TokenUnknown

router = edge_router("tokens")


class BriefCollectionOut(Output):
    address: AddressString
    name: str = Field(examples=["Carpets"])
    symbol: str = Field(examples=["CRP"])


class MetadataOut(Output):
    """`missing`: this node does not store what the URI points at; `invalid`: it is not ERC-721 metadata."""

    state: Literal["ok", "missing", "invalid"]
    name: str | None
    description: str | None
    image: str | None = Field(examples=["ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"])
    attributes: list[dict[str, Any]]
    refreshed_at: dt.datetime


class BriefListingOut(Output):
    digest: HashString
    state: Literal["active", "scheduled"]
    seller: AddressString
    buyer: AddressString | None = Field(description="The only one who may buy; null: anyone")
    price: AmountOut
    starts_at: dt.datetime
    ends_at: dt.datetime


class TokenFields(Output):
    collection: BriefCollectionOut
    token_id: UintOut
    owner: AddressString | None = Field(description="null when it was burnt")
    burnt: bool
    uri: str
    metadata: MetadataOut | None = Field(description="null until the node has looked at the URI")
    minted_to: AddressString
    minted_tx: HashString
    minted_at: dt.datetime


class TokenItemOut(TokenFields):
    listing: BriefListingOut | None = Field(description="The cheapest active one, the native coin first")


class TransferOut(Output):
    """`from` is null for a mint, `to` for a burn; `price` is that of a sale on the exchange."""

    kind: Literal["minted", "burnt", "sold", "transferred"]
    from_: AddressString | None = Field(alias="from")
    to: AddressString | None
    price: AmountOut | None
    block: int
    log_index: int
    tx_hash: HashString
    at: dt.datetime


class TokenOut(TokenFields):
    listings: list[BriefListingOut] = Field(
        description="Active and scheduled ones of the owner, cheapest first"
    )
    last_sale: SaleOut | None
    provenance: list[TransferOut] = Field(
        description=f"Newest first, at most {queries.PROVENANCE_MAX}; `/transfers` has all"
    )


@router.get("/v1/collections/{address}/tokens", response_model=Page[TokenItemOut])
async def list_tokens(address: AddressString, views: Views, page: ThePage, services: TheServices) -> Response:
    """Tokens of a collection, newest first."""
    params = {**chain_params(services), "collection": raw(address)}
    return await views.page(queries.TOKENS_OF_COLLECTION, params, page)


@router.get("/v1/collections/{address}/tokens/{token_id}", response_model=TokenOut)
async def read_token(
    address: AddressString, token_id: UintString, views: Views, services: TheServices
) -> Response:
    """One token."""
    params = {**chain_params(services), "collection": raw(address), "token_id": token_id}
    missing = TokenUnknown("there is no such token", collection=address, token_id=str(token_id))
    return await views.one(queries.TOKEN, params, missing=missing)


@router.get("/v1/collections/{address}/tokens/{token_id}/transfers", response_model=Page[TransferOut])
async def list_transfers(
    address: AddressString, token_id: UintString, views: Views, page: ThePage, services: TheServices
) -> Response:
    """Every move of a token, newest first."""
    params = {**chain_params(services), "collection": raw(address), "token_id": token_id}
    return await views.page(queries.TRANSFERS_OF_TOKEN, params, page)
