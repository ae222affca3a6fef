"""English auctions: make one, bid, settle, take back; and read how they stand."""

import datetime as dt
from typing import Annotated

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.chain_params import chain_params, given, raw
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, AmountOut, HashString, Input, Output, Page, UintOut, UintString, Whole
from api.steps import StepOut, StepsOut, steps_out
from api.v1.listing import Seconds
from api.views import ThePage, Views
from node.kernel.errors import Invalid
from node.kernel.hexes import ZERO_ADDRESS
from node.services.auction import queries
from node.services.auction.errors import AuctionUnknown
from node.services.auction.queries import AuctionState
from node.services.auction.service import BPS_MAX, DURATION_S_MAX, EXTENSION_S_MAX, Wish

router = edge_router("auctions", prefix="/v1/auctions")


class AuctionIn(Input):
    """What is left out: the coin, from now, a day from the first bid, ten minutes for an answer, 5 %."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"collection": "0x" + "ab" * 20, "token_id": "1", "reserve": "1000000000000000000"}]
        }
    )

    collection: AddressString
    token_id: UintString
    currency: AddressString = Field(ZERO_ADDRESS, description="The zero address is the native coin")
    reserve: UintString = Field(description="The least first bid")
    start: Seconds | None = Field(None, description="No bid before; since 1970")
    duration_s: Whole = Field(86_400, ge=1, le=DURATION_S_MAX, description="From the first bid to the end")
    extension_s: Whole = Field(600, ge=0, le=EXTENSION_S_MAX, description="That a late bid leaves at least")
    increment_bps: Whole = Field(500, ge=1, le=BPS_MAX, description="Ten-thousandths over the bid before")


class BidIn(Input):
    amount: UintString


class AuctionTermsOut(Output):
    """`IAuctionHouse.Auction`: whoever keeps them can bid and settle without this node."""

    seller: AddressString
    collection: AddressString
    token_id: UintOut
    currency: AddressString
    reserve: UintOut
    start: int
    duration_s: int
    extension_s: int
    increment_bps: int
    salt: UintOut


class PlannedAuctionOut(Output):
    """The auction exists once the transaction of its last step is in the chain."""

    auction_id: HashString
    terms: AuctionTermsOut
    steps: list[StepOut]


class AuctionItemOut(Output):
    auction_id: HashString
    state: AuctionState
    seller: AddressString
    collection: AddressString
    token_id: UintOut
    reserve: AmountOut
    bidder: AddressString | None = Field(description="Of the highest bid")
    highest: AmountOut | None
    least_bid: AmountOut | None = Field(description="That would be taken now; null: none is")
    bids: int
    starts_at: dt.datetime
    ends_at: dt.datetime | None = Field(description="Null before the first bid")
    created_at: dt.datetime


class AuctionOut(AuctionItemOut):
    house: AddressString
    fee_bps: int = Field(description="Of the day of creation")
    terms: AuctionTermsOut
    ended_at: dt.datetime | None
    ended_tx: HashString | None


class BidOut(Output):
    bidder: AddressString
    amount: AmountOut
    ends_at: dt.datetime = Field(description="Of the auction, after this bid")
    at: dt.datetime
    tx_hash: HashString


@router.post("")
def plan_auction(
    body: AuctionIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> PlannedAuctionOut:
    """What the caller's wallet sends to auction a token: its approval if missing, then the auction."""
    auction, auction_id, steps = services.auction.create(begin, Wish(**dict(body)), seller=principal.address)
    return PlannedAuctionOut(
        auction_id=auction_id,
        terms=AuctionTermsOut(
            seller=auction.seller,
            collection=auction.collection,
            token_id=auction.token_id,
            currency=auction.currency,
            reserve=auction.reserve,
            start=auction.start,
            duration_s=auction.duration,
            extension_s=auction.extension,
            increment_bps=auction.increment_bps,
            salt=auction.salt,
        ),
        steps=steps_out(steps),
    )


@router.get("", response_model=Page[AuctionItemOut])
async def list_auctions(
    *,
    views: Views,
    page: ThePage,
    services: TheServices,
    collection: Annotated[AddressString | None, Query()] = None,
    token_id: Annotated[UintString | None, Query(description="Needs `collection`")] = None,
    seller: Annotated[AddressString | None, Query()] = None,
    bidder: Annotated[AddressString | None, Query(description="Of the highest bid")] = None,
    currency: Annotated[AddressString | None, Query(description="Zero is the native coin")] = None,
    state: Annotated[AuctionState | None, Query()] = None,
) -> Response:
    """The newest first; their state is that of now."""
    if token_id is not None and collection is None:
        raise Invalid("a token is told by its collection too", field="collection")
    filters = given(
        collection=raw(collection),
        token_id=token_id,
        seller=raw(seller),
        bidder=raw(bidder),
        currency=raw(currency),
        state=None if state is None else state.value,
    )
    params = {**chain_params(services), **filters}
    return await views.page(queries.auctions(frozenset(filters)), params, page)


@router.get("/{auction_id}", response_model=AuctionOut)
async def read_auction(auction_id: HashString, views: Views, services: TheServices) -> Response:
    """One auction with its terms."""
    params = {**chain_params(services), "auction_id": raw(auction_id)}
    missing = AuctionUnknown("no auction of that id was seen on the chain", auction_id=auction_id)
    return await views.one(queries.AUCTION, params, missing=missing)


@router.get("/{auction_id}/bids", response_model=Page[BidOut])
async def list_bids(auction_id: HashString, views: Views, services: TheServices, page: ThePage) -> Response:
    """The highest first; empty for an auction that is not known."""
    params = {**chain_params(services), "auction_id": raw(auction_id)}
    return await views.page(queries.BIDS, params, page)


@router.post("/{auction_id}/bids")
def plan_bid(
    auction_id: HashString,
    body: BidIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> StepsOut:
    """What the caller's wallet sends to bid: the approval of a token if missing, then the bid."""
    steps = services.auction.bid(begin, auction_id, amount=body.amount, bidder=principal.address)
    return StepsOut(steps=steps_out(steps))


@router.post("/{auction_id}/settle")
def plan_settlement(
    auction_id: HashString, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> StepsOut:
    """Token to the winner, money to the seller, once the auction is over. Anybody may."""
    return StepsOut(steps=steps_out(services.auction.settle(begin, auction_id, by=principal.address)))


@router.post("/{auction_id}/cancel")
def plan_cancellation(
    auction_id: HashString, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> StepsOut:
    """By the seller, before the first bid."""
    return StepsOut(steps=steps_out(services.auction.cancel(begin, auction_id, caller=principal.address)))


@router.post("/{auction_id}/reclaim")
def plan_reclaiming(
    auction_id: HashString, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> StepsOut:
    """Gives the token of a voided auction back to its seller. Anybody may."""
    return StepsOut(steps=steps_out(services.auction.reclaim(begin, auction_id, by=principal.address)))
