"""Markets: open one, look around, change one's own."""

import datetime as dt
import uuid
from typing import Annotated

from fastapi import Path, Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.languages import OWN_WORDS, Languages, WordViews, in_language
from api.readback import IfMatch, read_back, require_match
from api.routing import CommandTx, edge_router
from api.schemas import AddressString, Input, Output, Page, Whole
from api.views import ThePage
from node.services.market import queries
from node.services.market.errors import MarketUnknown, SlugInvalid
from node.services.market.service import MarketDraft
from node.services.market.slug import is_id, normalise_slug

router = edge_router("markets", prefix="/v1/markets")

TEXT_CHARS_MAX = 20_000  # before trimming; the services know the real limits
REFERENCE_CHARS_MAX = 200


class PolicyIn(Input):
    """Windows are seconds. What is left out takes the node's default, or stays as it is."""

    ship_within_s: Whole | None = Field(None, examples=[604800])
    inspection_s: Whole | None = Field(None, examples=[604800])
    ruling_s: Whole | None = Field(None, examples=[1209600])
    silence_seller_bps: Whole | None = Field(None, examples=[5000])

    def named(self) -> dict[str, int]:
        return {name: value for name, value in self if value is not None}


class MarketChange(Input):
    """What is left out stays as it is. Orders that were placed keep their terms."""

    name: str | None = Field(None, max_length=TEXT_CHARS_MAX, examples=["فروشگاه گل‌ها"])
    slug: str | None = Field(None, max_length=REFERENCE_CHARS_MAX, examples=["گل-ها"])
    description: str | None = Field(None, max_length=TEXT_CHARS_MAX)
    language: str | None = Field(
        None, max_length=REFERENCE_CHARS_MAX, examples=["fa"], description="BCP 47, of the market's own words"
    )
    payout_address: AddressString | None = Field(None, description="Where the sellers' money goes")
    arbiter: AddressString | None = Field(None, description="One of the node's arbiters")
    policy: PolicyIn | None = None

    def draft(self) -> MarketDraft:
        return MarketDraft(
            name=self.name,
            slug=self.slug,
            description=self.description,
            language=self.language,
            payout_address=self.payout_address,
            arbiter=self.arbiter,
            policy={} if self.policy is None else self.policy.named(),
        )


class MarketIn(MarketChange):
    """Only name and language are needed: the slug is made from the name, the payout address is the wallet."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Çiçek Sepeti", "language": "tr", "slug": "cicek"}]}
    )

    name: str = Field(max_length=TEXT_CHARS_MAX)
    language: str = Field(max_length=REFERENCE_CHARS_MAX)


class PolicyOut(Output):
    ship_within_s: int = Field(examples=[604800])
    inspection_s: int = Field(examples=[604800])
    ruling_s: int = Field(examples=[1209600])
    silence_seller_bps: int = Field(examples=[5000])


class MarketOut(Output):
    id: uuid.UUID
    slug: str = Field(examples=["cicek"])
    name: str = Field(examples=["Çiçek Sepeti"])
    description: str
    language: str = Field(examples=["tr"], description="Of `name` and `description` here")
    owner_account_id: uuid.UUID
    payout_address: AddressString
    arbiter: AddressString
    policy: PolicyOut
    opened_at: dt.datetime
    changed_at: dt.datetime


@router.post("", status_code=201, response_model=MarketOut)
def open_market(
    body: MarketIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Open a market. It belongs to the caller's account."""
    market = services.market.open(
        tx, account_id=principal.account_id, wallet=principal.address, draft=body.draft()
    )
    location = f"/v1/markets/{market.id}"
    params = {"market_id": market.id, **OWN_WORDS}
    return in_language(read_back(tx, queries.MARKET, params, status=201, location=location))


@router.get("", response_model=Page[MarketOut])
async def list_markets(
    views: WordViews,
    page: ThePage,
    owner: Annotated[uuid.UUID | None, Query(description="Only markets of that account")] = None,
) -> Response:
    """All markets, the newest first."""
    if owner is None:
        return await views.page(queries.MARKETS, {}, page)
    return await views.page(queries.MARKETS_OF_ACCOUNT, {"account_id": owner}, page)


@router.get("/{market}", response_model=MarketOut)
async def read_market(
    views: WordViews,
    market: Annotated[str, Path(max_length=REFERENCE_CHARS_MAX, description="Id or slug")],
) -> Response:
    """One market, by its id or its slug, in whatever case or script form the slug was typed."""
    missing = MarketUnknown("there is no such market")
    if is_id(market):
        return await views.one(queries.MARKET, {"market_id": uuid.UUID(market)}, missing=missing)
    try:
        slug = normalise_slug(market)
    except SlugInvalid as error:
        raise missing from error
    return await views.one(queries.MARKET_BY_SLUG, {"slug": slug}, missing=missing)


@router.patch("/{market_id}", response_model=MarketOut)
def change_market(
    market_id: uuid.UUID,
    body: MarketChange,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    languages: Languages,
    if_match: IfMatch = None,
) -> Response:
    """Change one's own market, and its words in its own language. The answer is what a read would give."""
    market = services.market.owned(tx, market_id, account_id=principal.account_id)
    params = {"market_id": market_id, "languages": languages}
    require_match(tx, if_match, queries.MARKET, params)
    services.market.change(tx, market, body.draft(), wallet=principal.address)
    return in_language(read_back(tx, queries.MARKET, params))
