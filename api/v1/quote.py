"""Quotes: everything that is signed for the exchange beyond a listing, in one shape; and sweeps.

An offer for a token, for any of a collection or of a trait is a quote that buys; a private sale, a price that
moves by the clock (a Dutch auction) or a bundle is one that sells.
"""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.chain_params import chain_params, given, raw
from api.errors import row_of
from api.readback import read_back
from api.routing import EffectTx, edge_router
from api.schemas import (
    AddressString,
    AmountOut,
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
from api.v1.listing import Seconds
from api.views import ThePage, Views
from node.chain.quote import Item, Quote, Scope, Side, Standard
from node.kernel.errors import Invalid
from node.kernel.hexes import ZERO_ADDRESS
from node.services.listing import quote_queries as queries
from node.services.listing.errors import QuoteUnknown
from node.services.listing.quote_checks import ITEMS_MAX, TOKEN_IDS_MAX, Tokens
from node.services.listing.quote_queries import QuoteState
from node.services.listing.quotes import QuoteWish
from node.services.listing.sweeps import SWEEP_MAX

router = edge_router("quotes")

QUOTES_PATH = "/v1/quotes"

SideName = Literal["sell", "buy"]
ScopeName = Literal["token", "collection", "trait", "bundle"]
StandardName = Literal["erc721", "erc1155"]
Reason = Literal["nonce_used", "epoch_moved", "token_unknown", "owner_changed", "currency_refused"]


class ItemIn(Input):
    standard: StandardName = "erc721"
    collection: AddressString
    token_id: UintString
    quantity: UintString = 1

    def item(self) -> Item:
        standard = Standard[self.standard.upper()]
        return Item(standard, self.collection, self.token_id, self.quantity)


class TokensIn(Input):
    items: list[ItemIn] = Field([], max_length=ITEMS_MAX, description="Of a bundle")
    token_ids: list[UintString] = Field([], max_length=TOKEN_IDS_MAX, description="Of a trait")

    def tokens(self) -> Tokens:
        return Tokens(tuple(item.item() for item in self.items), tuple(self.token_ids))


class QuoteWishIn(TokensIn):
    """What is left out: one unit, a price that stands, the native coin, anyone, from now, for 30 days."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "side": "buy",
                    "scope": "collection",
                    "collection": "0x" + "ab" * 20,
                    "currency": "0x" + "cd" * 20,
                    "price": "25000000",
                }
            ]
        }
    )

    side: SideName
    scope: ScopeName
    standard: StandardName = "erc721"
    collection: AddressString = Field(ZERO_ADDRESS, description="Of everything but a bundle")
    token_id: UintString | None = Field(None, description="Of the scope `token`")
    quantity: UintString = Field(1, description="Units in all; they may go in parts")
    currency: AddressString = Field(ZERO_ADDRESS, description="Zero is the native coin; not in offers")
    price: UintString = Field(description="Of a unit; at the start, if it moves")
    end_price: UintString | None = Field(None, description="Of a unit at the end: it moves there evenly")
    min_proceeds: UintString | None = Field(
        None, description="Of a sale: the least that the seller takes for a unit after fee and royalty"
    )
    taker: AddressString | None = Field(None, description="The only one who may take it")
    start: Seconds | None = None
    end: Seconds | None = None
    group: UintString = Field(0, description="Those of a group are cancelled together; zero is none")

    def wish(self) -> QuoteWish:
        return QuoteWish(
            side=Side[self.side.upper()],
            scope=Scope[self.scope.upper()],
            standard=Standard[self.standard.upper()],
            collection=self.collection,
            token_id=self.token_id,
            tokens=self.tokens(),
            quantity=self.quantity,
            currency=self.currency,
            price=self.price,
            end_price=self.end_price,
            min_proceeds=self.min_proceeds,
            taker=self.taker,
            start=self.start,
            end=self.end,
            group=self.group,
        )


class TermsIn(Input):
    """`IExchange.Quote`, field by field: what the wallet signed. Enums by their names."""

    maker: AddressString
    side: SideName
    scope: ScopeName
    standard: StandardName
    collection: AddressString
    criteria: UintString
    quantity: UintString
    currency: AddressString
    start_price: UintString
    end_price: UintString
    min_proceeds: UintString
    taker: AddressString
    start: Seconds
    end: Seconds
    nonce: UintString
    group: UintString
    epoch: UintString

    def quote(self) -> Quote:
        names = {
            "side": Side[self.side.upper()],
            "scope": Scope[self.scope.upper()],
            "standard": Standard[self.standard.upper()],
        }
        return Quote(**{**dict(self), **names})


class QuoteIn(TokensIn):
    quote: TermsIn
    signature: HexBytes = Field(description="By the maker's key (64 or 65 bytes) or for its ERC-1271 wallet")


class TermsOut(Output):
    maker: AddressString
    side: SideName
    scope: ScopeName
    standard: StandardName
    collection: AddressString
    criteria: UintOut = Field(description="A token's id, the root of a trait's tokens, or a bundle's hash")
    quantity: UintOut
    currency: AddressString
    start_price: UintOut
    end_price: UintOut
    min_proceeds: UintOut
    taker: AddressString
    start: int
    end: int
    nonce: UintOut
    group: UintOut
    epoch: UintOut


class ItemOut(Output):
    standard: StandardName
    collection: AddressString
    token_id: UintOut
    quantity: UintOut


class PreparedQuoteOut(Output):
    """Do the steps, then post `quote`, `items` and `token_ids` with the signature of the last one."""

    quote: TermsOut
    items: list[ItemOut]
    token_ids: list[UintOut]
    digest: HashString
    steps: list[StepOut]


class QuoteItemOut(Output):
    digest: HashString = Field(description="EIP-712 digest of the signed quote")
    state: QuoteState
    reason: Reason | None = Field(description="Why it is invalid")
    side: SideName
    scope: ScopeName
    maker: AddressString
    taker: AddressString | None = Field(description="The only one who may take it; null: anyone")
    collection: AddressString | None = Field(description="Null: of a bundle")
    token_id: UintOut | None
    quantity: UintOut
    left: UintOut = Field(description="Units that can still be taken")
    price: AmountOut = Field(description="Of a unit, now")
    starts_at: dt.datetime
    ends_at: dt.datetime
    created_at: dt.datetime


class QuoteSaleOut(Output):
    seller: AddressString
    buyer: AddressString
    collection: AddressString
    token_id: UintOut
    quantity: UintOut
    price: AmountOut
    tx_hash: HashString
    at: dt.datetime


class QuoteOut(QuoteItemOut):
    """With everything that `IExchange.take` takes, so that it can be settled without this node."""

    exchange: AddressString
    terms: TermsOut
    items: list[ItemOut]
    token_ids: list[UintOut]
    signature: HexBytes
    sales: list[QuoteSaleOut]


class TakeIn(Input):
    token_id: UintString | None = Field(None, description="Which one, of an offer that leaves the choice")
    units: UintString = 1
    limit: UintString | None = Field(
        None,
        description="For all units, the most that a buyer pays or the least that a seller gets after fee and "
        "royalty; left out, what it is now, with room for five minutes of a moving price",
    )


class TakeOut(StepsOut):
    limit: UintOut


class GroupIn(Input):
    group: UintString


class SweepIn(Input):
    digests: list[HashString] = Field(
        min_length=1, max_length=SWEEP_MAX, description="Of listings and of quotes that sell"
    )
    max_total: UintString | None = Field(None, description="The most that all of them may cost together")
    at_least: Whole = Field(1, ge=1, le=SWEEP_MAX, description="Fewer sales than this undo all of them")


class LeftOutOut(Output):
    digest: HashString
    code: str = Field(examples=["listing_not_active"])
    detail: str


class SweepOut(StepsOut):
    """One that fails on the chain stops no other: `GET /v1/sales?tx_hash=` tells which were made."""

    total: UintOut = Field(description="What they cost at most, in the smallest unit of their currency")
    left_out: list[LeftOutOut]


@router.post("/v1/quotes/prepare")
def prepare_quote(
    body: QuoteWishIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> PreparedQuoteOut:
    """A quote for the caller's wallet to sign. Nothing is offered yet."""
    wish = body.wish()
    prepared = services.quotes.prepare(begin, wish, maker=principal.address, post_to=QUOTES_PATH)
    return PreparedQuoteOut(
        quote=_terms_out(prepared.quote),
        items=[_item_out(item) for item in wish.tokens.items],
        token_ids=list(wish.tokens.token_ids),
        digest=prepared.digest,
        steps=steps_out(prepared.steps),
    )


@router.post(QUOTES_PATH, status_code=201, response_model=QuoteOut)
def create_quote(
    body: QuoteIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Offer what was signed, if the exchange would settle it now. Posting it again is harmless."""
    digest = services.quotes.create(
        begin,
        body.quote.quote(),
        body.tokens(),
        body.signature,
        account_id=principal.account_id,
        caller=principal.address,
    )
    params = {**chain_params(services), "digest": raw(digest)}
    with begin() as tx:
        return read_back(tx, queries.QUOTE, params, status=201, location=f"{QUOTES_PATH}/{digest}")


@router.get(QUOTES_PATH, response_model=Page[QuoteItemOut])
async def list_quotes(
    *,
    views: Views,
    page: ThePage,
    services: TheServices,
    side: Annotated[SideName | None, Query()] = None,
    scope: Annotated[ScopeName | None, Query()] = None,
    collection: Annotated[AddressString | None, Query()] = None,
    token_id: Annotated[
        UintString | None, Query(description="Those that the token fits; needs `collection`")
    ] = None,
    maker: Annotated[AddressString | None, Query()] = None,
    taker: Annotated[AddressString | None, Query()] = None,
    currency: Annotated[AddressString | None, Query()] = None,
    group: Annotated[UintString | None, Query()] = None,
    state: Annotated[QuoteState | None, Query()] = None,
) -> Response:
    """The newest first; their state and price are those of now."""
    if token_id is not None and collection is None:
        raise Invalid("a token is told by its collection too", field="collection")
    filters = given(
        side=side,
        scope=scope,
        collection=raw(collection),
        token_id=token_id,
        maker=raw(maker),
        taker=raw(taker),
        currency=raw(currency),
        group=group,
    )
    params = {**chain_params(services), **filters}
    return await views.page(queries.quotes(frozenset(filters), state), params, page)


@router.get("/v1/quotes/{digest}", response_model=QuoteOut)
async def read_quote(digest: HashString, views: Views, services: TheServices) -> Response:
    """One quote, with its signature and what came of it."""
    params = {**chain_params(services), "digest": raw(digest)}
    missing = QuoteUnknown("there is no such quote", digest=digest)
    return await views.one(queries.QUOTE, params, missing=missing)


@router.post("/v1/quotes/{digest}/take")
def plan_taking(
    digest: HashString,
    body: TakeIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> TakeOut:
    """What the caller's wallet sends to be the other side: missing approvals, then the settlement."""
    limit, steps = services.quotes.take(
        begin,
        digest,
        taker=principal.address,
        token_id=body.token_id,
        units=body.units,
        limit=body.limit,
    )
    return TakeOut(limit=limit, steps=steps_out(steps))


@router.post("/v1/quotes/{digest}/cancel")
def plan_cancellation(
    digest: HashString, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> StepsOut:
    """What the maker's wallet sends to void the quote, and whatever shares its nonce."""
    steps = services.quotes.cancel(begin, digest, caller=principal.address)
    return StepsOut(steps=steps_out(steps))


@router.post("/v1/quotes/cancel-group")
def plan_cancelling_group(
    body: GroupIn,
    begin: EffectTx,  # noqa: ARG001 - the chain alone is asked
    services: TheServices,
    principal: CurrentPrincipal,
) -> StepsOut:
    """What the caller's wallet sends to void all that it signed, and will sign, with the group.

    `POST /v1/listings/cancel-all` voids everything, quotes too.
    """
    steps = services.quotes.cancel_group(body.group, caller=principal.address)
    return StepsOut(steps=steps_out(steps))


@router.post("/v1/sweeps")
def plan_sweep(
    body: SweepIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> SweepOut:
    """What the caller's wallet sends to buy many at once. What cannot be bought now is left out."""
    sweep = services.sweeps.plan(
        begin, body.digests, buyer=principal.address, max_total=body.max_total, at_least=body.at_least
    )
    left_out = [
        LeftOutOut(digest=item.digest, code=row_of(type(item.refusal)).code, detail=item.refusal.message)
        for item in sweep.left_out
    ]
    return SweepOut(total=sweep.total, left_out=left_out, steps=steps_out(sweep.steps))


def _terms_out(quote: Quote) -> TermsOut:
    names = {name: getattr(quote, name).name.lower() for name in ("side", "scope", "standard")}
    values: dict[str, Any] = {name: getattr(quote, name) for name in TermsOut.model_fields}
    return TermsOut(**{**values, **names})


def _item_out(item: Item) -> ItemOut:
    return ItemOut(
        standard="erc721" if item.standard is Standard.ERC721 else "erc1155",
        collection=item.collection,
        token_id=item.token_id,
        quantity=item.quantity,
    )
