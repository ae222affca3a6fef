"""Listings: prepare, sign, post; browse; buy and cancel."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.chain_params import chain_params, given, raw
from api.readback import read_back
from api.routing import EffectTx, edge_router
from api.schemas import (
    AddressString,
    AmountOut,
    AssetOut,
    HashString,
    HexBytes,
    Input,
    Output,
    Page,
    UintOut,
    UintString,
    Whole,
)
from api.steps import StepOut, StepsOut, steps_out
from api.v1.token import BriefCollectionOut
from api.views import ThePage, Views
from indexer.listing_state import ListingState
from node.chain.eip712 import Listing
from node.kernel.errors import Invalid
from node.kernel.hexes import ZERO_ADDRESS
from node.services.listing import queries
from node.services.listing.errors import ListingUnknown
from node.services.listing.service import PreparedListing, Wish

router = edge_router("listings")

LISTINGS_PATH = "/v1/listings"
SECONDS_MAX = 2**53 - 1  # exact in every JSON reader, and far beyond any listing's end

Seconds = Annotated[Whole, Field(ge=0, le=SECONDS_MAX, examples=[1767225600], description="Since 1970")]
Reason = Literal["nonce_used", "epoch_moved", "token_unknown", "owner_changed", "currency_refused"]


class PrepareIn(Input):
    """What is left out: the native coin, all that the sale would bring now, anyone, from now, for 30 days."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"collection": "0x" + "ab" * 20, "token_id": "1", "price": "1000000000000000000"}]
        }
    )

    collection: AddressString
    token_id: UintString
    currency: AddressString = Field(ZERO_ADDRESS, description="The zero address is the native coin")
    price: UintString
    min_proceeds: UintString | None = Field(
        None, description="The least that the seller takes after fee and royalty, whatever they become"
    )
    buyer: AddressString | None = Field(None, description="The only one who may buy")
    start: Seconds | None = None
    end: Seconds | None = None


class TermsIn(Input):
    """`IExchange.Listing`, field by field: what the wallet signed."""

    seller: AddressString
    collection: AddressString
    token_id: UintString
    currency: AddressString
    price: UintString
    min_proceeds: UintString
    buyer: AddressString
    start: Seconds
    end: Seconds
    nonce: UintString
    epoch: UintString


class ListingIn(Input):
    listing: TermsIn
    signature: HexBytes = Field(description="By the seller's key (64 or 65 bytes) or for its ERC-1271 wallet")


class TermsOut(Output):
    seller: AddressString
    collection: AddressString
    token_id: UintOut
    currency: AddressString
    price: UintOut
    min_proceeds: UintOut
    buyer: AddressString
    start: int
    end: int
    nonce: UintOut
    epoch: UintOut


class BreakdownOut(Output):
    """Where the price would go if it were sold now: `fee` + `royalty` + `proceeds` = `price`."""

    price: AmountOut
    fee: AmountOut
    fee_bps: int = Field(examples=[250])
    royalty: AmountOut
    royalty_receiver: AddressString | None
    proceeds: AmountOut


class PreparedOut(Output):
    """Do the steps, then post `listing` with the signature of the last one."""

    listing: TermsOut
    digest: HashString
    breakdown: BreakdownOut
    steps: list[StepOut]


class ListedTokenOut(Output):
    token_id: UintOut
    name: str | None
    image: str | None


class ListingItemOut(Output):
    digest: HashString = Field(description="EIP-712 digest of the signed listing")
    state: ListingState
    reason: Reason | None = Field(description="Why it is invalid")
    exchange: AddressString
    seller: AddressString
    buyer: AddressString | None = Field(description="The only one who may buy; null: anyone")
    collection: BriefCollectionOut
    token: ListedTokenOut
    price: AmountOut
    min_proceeds: AmountOut
    starts_at: dt.datetime
    ends_at: dt.datetime
    created_at: dt.datetime


class ListingSaleOut(Output):
    buyer: AddressString
    block: int
    tx_hash: HashString
    at: dt.datetime


class ListingOut(ListingItemOut):
    """With everything that `IExchange.buy` takes, so that it can be settled without this node."""

    terms: TermsOut
    signature: HexBytes
    sale: ListingSaleOut | None


@router.post("/v1/listings/prepare")
def prepare_listing(
    body: PrepareIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> PreparedOut:
    """A listing for the caller's wallet to sign, with what the sale would bring. Nothing is offered yet."""
    wish = Wish(
        collection=body.collection,
        token_id=body.token_id,
        currency=body.currency,
        price=body.price,
        min_proceeds=body.min_proceeds,
        buyer=body.buyer,
        start=body.start,
        end=body.end,
    )
    prepared = services.listing.prepare(begin, wish, seller=principal.address, post_to=LISTINGS_PATH)
    return _prepared(prepared)


@router.post(LISTINGS_PATH, status_code=201, response_model=ListingOut)
def create_listing(
    body: ListingIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Offer what was signed, if the exchange would settle it now. Posting it again is harmless."""
    digest = services.listing.create(
        begin,
        Listing(**dict(body.listing)),
        body.signature,
        account_id=principal.account_id,
        caller=principal.address,
    )
    params = {**chain_params(services), "digest": raw(digest)}
    with begin() as tx:
        location = f"{LISTINGS_PATH}/{digest}"
        return read_back(tx, queries.LISTING, params, status=201, location=location)


@router.get(LISTINGS_PATH, response_model=Page[ListingItemOut])
async def list_listings(
    *,
    views: Views,
    page: ThePage,
    services: TheServices,
    collection: Annotated[AddressString | None, Query()] = None,
    token_id: Annotated[UintString | None, Query(description="Needs `collection`")] = None,
    seller: Annotated[AddressString | None, Query()] = None,
    market_id: Annotated[uuid.UUID | None, Query()] = None,
    currency: Annotated[AddressString | None, Query(description="Zero is the native coin")] = None,
    state: Annotated[ListingState | None, Query()] = None,
    sort: Annotated[
        queries.Sort,
        Query(description="`price`, from the lowest, needs `currency`, and shows active or scheduled ones"),
    ] = "newest",
) -> Response:
    """Listings; their state is that of now."""
    if token_id is not None and collection is None:
        raise Invalid("a token is told by its collection too", field="collection")
    if sort == "price":
        state = state or ListingState.ACTIVE
        if currency is None:
            raise Invalid("prices of two currencies have no order: name one", field="currency")
        if state not in queries.OPEN_STATES:
            raise Invalid("by price are only listings that are active or scheduled", field="state")
    filters = given(
        collection=raw(collection),
        token_id=token_id,
        seller=raw(seller),
        market_id=market_id,
        currency=raw(currency),
    )
    params = {**chain_params(services), **filters}
    return await views.page(queries.listings(frozenset(filters), state, sort), params, page)


@router.get("/v1/listings/{digest}", response_model=ListingOut)
async def read_listing(digest: HashString, views: Views, services: TheServices) -> Response:
    """One listing, with its signature."""
    params = {**chain_params(services), "digest": raw(digest)}
    missing = ListingUnknown("there is no such listing", digest=digest)
    return await views.one(queries.LISTING, params, missing=missing)


@router.post("/v1/listings/{digest}/buy")
def plan_purchase(
    digest: HashString, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> StepsOut:
    """What the caller's wallet sends to buy: the approval of the price if missing, then the purchase."""
    return StepsOut(steps=steps_out(services.listing.buy(begin, digest, buyer=principal.address)))


@router.post("/v1/listings/{digest}/cancel")
def plan_cancellation(
    digest: HashString, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> StepsOut:
    """What the seller's wallet sends to void the listing, and whatever shares its nonce."""
    return StepsOut(steps=steps_out(services.listing.cancel(begin, digest, caller=principal.address)))


@router.post("/v1/listings/cancel-all")
def plan_cancelling_all(
    begin: EffectTx,  # noqa: ARG001 - the chain alone is asked
    services: TheServices,
    principal: CurrentPrincipal,
) -> StepsOut:
    """What the caller's wallet sends to void everything that it ever signed for the exchange."""
    return StepsOut(steps=steps_out(services.listing.cancel_all(caller=principal.address)))


def _prepared(prepared: PreparedListing) -> PreparedOut:
    listing, parts = prepared.listing, prepared.breakdown
    asset = AssetOut(id=prepared.asset.id, code=prepared.asset.code, exponent=prepared.asset.exponent)

    def amount(value: int) -> AmountOut:
        return AmountOut(value=value, asset=asset)

    return PreparedOut(
        listing=TermsOut(
            seller=listing.seller,
            collection=listing.collection,
            token_id=listing.token_id,
            currency=listing.currency,
            price=listing.price,
            min_proceeds=listing.min_proceeds,
            buyer=listing.buyer,
            start=listing.start,
            end=listing.end,
            nonce=listing.nonce,
            epoch=listing.epoch,
        ),
        digest=prepared.digest,
        breakdown=BreakdownOut(
            price=amount(parts.price),
            fee=amount(parts.fee),
            fee_bps=parts.fee_bps,
            royalty=amount(parts.royalty),
            royalty_receiver=parts.royalty_receiver,
            proceeds=amount(parts.proceeds),
        ),
        steps=steps_out(prepared.steps),
    )
