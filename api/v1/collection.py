"""Collections: the steps that make one and its tokens, and what is known of them."""

import datetime as dt
import secrets
import uuid
from typing import Annotated

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.chain_params import chain_params, given, raw
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, HashString, Input, Output, Page, UintOut, UintString, Whole
from api.steps import StepOut, steps_out
from api.views import ThePage, Views
from node.chain.actions import CollectionTerms
from node.kernel.hexes import ZERO_ADDRESS, hash_from_bytes
from node.services.nft import queries
from node.services.nft.errors import CollectionUnknown
from node.services.nft.metadata import MetadataState
from node.services.nft.service import ROYALTY_BPS_MAX, SUPPLY_MAX, URI_BYTES_MAX

router = edge_router("collections")

TEXT_CHARS_MAX = 1_000  # before trimming; the service knows the real limits


class CollectionIn(Input):
    """A royalty without a receiver goes to the caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Carpets", "symbol": "CRP", "royalty_bps": 500, "max_supply": "100"},
            ]
        }
    )

    name: str = Field(max_length=TEXT_CHARS_MAX)
    symbol: str = Field(max_length=TEXT_CHARS_MAX)
    contract_uri: str = Field(
        "", max_length=URI_BYTES_MAX, description="Metadata of the collection (ERC-7572)"
    )
    royalty_receiver: AddressString | None = None
    royalty_bps: Whole = Field(0, ge=0, le=ROYALTY_BPS_MAX, description="Ten-thousandths of each price")
    max_supply: UintString | None = Field(
        None, description=f"The most tokens ever, at most {SUPPLY_MAX}; null: no cap"
    )
    salt: HashString | None = Field(
        None, description="The address follows from it; made up when it is left out"
    )
    market_id: uuid.UUID | None = Field(None, description="The caller's market that it belongs to")


class PlannedCollectionOut(Output):
    address: AddressString = Field(description="Where the collection will be, once the steps are done")
    salt: HashString
    steps: list[StepOut]


class RoyaltyOut(Output):
    receiver: AddressString | None
    bps: int = Field(examples=[500])


class CollectionOut(Output):
    address: AddressString
    market_id: uuid.UUID | None
    creator: AddressString
    owner: AddressString | None = Field(description="The merchant: who can mint; null when it gave that up")
    name: str = Field(examples=["Carpets"])
    symbol: str = Field(examples=["CRP"])
    contract_uri: str
    royalty: RoyaltyOut
    max_supply: UintOut | None = Field(description="null: no cap")
    minted: UintOut
    frozen: bool = Field(description="Whether token URIs can no longer change")
    salt: HashString
    created_block: int
    created_tx: HashString
    created_at: dt.datetime


class MintIn(Input):
    to: AddressString
    uri: str = Field(
        min_length=1,
        max_length=URI_BYTES_MAX,
        examples=["ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"],
        description="Of the token's metadata, from `POST /v1/metadata`",
    )


class PlannedMintOut(Output):
    token_id: UintOut = Field(description="The next one now; another mint may take it first")
    metadata_state: MetadataState = Field(
        description="`missing`: this node does not store what the URI points at and will show nothing of it"
    )
    steps: list[StepOut]


@router.post("/v1/collections")
def plan_collection(
    body: CollectionIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> PlannedCollectionOut:
    """What the caller's wallet sends to make a collection of its own, and the address that it will have."""
    if body.market_id is not None:
        with begin() as tx:
            services.market.require_owner(tx, body.market_id, account_id=principal.account_id)
    receiver = body.royalty_receiver or (principal.address if body.royalty_bps else ZERO_ADDRESS)
    plan = services.nft.plan_collection(
        begin,
        CollectionTerms(
            name=body.name,
            symbol=body.symbol,
            contract_uri=body.contract_uri,
            royalty_receiver=receiver,
            royalty_bps=body.royalty_bps,
            max_supply=body.max_supply or 0,
        ),
        salt=body.salt or hash_from_bytes(secrets.token_bytes(32)),
        creator=principal.address,
        account_id=principal.account_id,
        market_id=body.market_id,
    )
    return PlannedCollectionOut(address=plan.address, salt=plan.salt, steps=steps_out(plan.steps))


@router.get("/v1/collections", response_model=Page[CollectionOut])
async def list_collections(
    *,
    views: Views,
    page: ThePage,
    services: TheServices,
    creator: Annotated[AddressString | None, Query()] = None,
    owner: Annotated[AddressString | None, Query()] = None,
    market_id: Annotated[uuid.UUID | None, Query()] = None,
) -> Response:
    """Collections, newest first."""
    filters = given(creator=raw(creator), owner=raw(owner), market_id=market_id)
    params = {**chain_params(services), **filters}
    return await views.page(queries.collections(frozenset(filters)), params, page)


@router.get("/v1/collections/{address}", response_model=CollectionOut)
async def read_collection(address: AddressString, views: Views, services: TheServices) -> Response:
    """One collection."""
    params = {**chain_params(services), "address": raw(address)}
    missing = CollectionUnknown("there is no such collection", collection=address)
    return await views.one(queries.COLLECTION, params, missing=missing)


@router.post("/v1/collections/{address}/mint")
def plan_mint(
    address: AddressString,
    body: MintIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> PlannedMintOut:
    """What the merchant's wallet sends to make the next token."""
    plan = services.nft.plan_mint(
        begin, collection=address, merchant=principal.address, to=body.to, uri=body.uri
    )
    return PlannedMintOut(
        token_id=plan.token_id, metadata_state=plan.metadata.state, steps=steps_out(plan.steps)
    )
