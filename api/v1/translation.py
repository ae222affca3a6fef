"""Words of markets and products in other languages: shown to whoever asks for them by `Accept-Language`."""

import datetime as dt
import uuid
from typing import Annotated

from fastapi import Path
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, OptionalPrincipal, TheServices
from api.readback import IfMatch, read_back, require_match
from api.routing import CommandTx, edge_router
from api.schemas import Input, Output, Page
from api.v1.product import REFERENCE_CHARS_MAX, TEXT_CHARS_MAX
from api.views import ThePage, Views
from node.events.market import MarketChanged
from node.events.product import ProductChanged
from node.kernel.language import normalise_language
from node.services.catalog import service as catalog
from node.services.catalog.models import Product
from node.services.market import service as market
from node.services.market.models import Market
from node.services.translation import queries
from node.services.translation.errors import TranslationUnknown
from node.services.translation.models import MarketWords, ProductWords
from node.services.translation.service import Told

router = edge_router("translations")

OF_MARKET = "/v1/markets/{market_id}/translations"
OF_PRODUCT = "/v1/products/{product_id}/translations"

Language = Annotated[
    str, Path(max_length=REFERENCE_CHARS_MAX, description="BCP 47, as short as it can be", examples=["fa"])
]


class MarketWordsIn(Input):
    name: str = Field(max_length=TEXT_CHARS_MAX, examples=["سبد گل"])
    description: str = Field("", max_length=TEXT_CHARS_MAX)


class MarketWordsOut(Output):
    language: str = Field(examples=["fa"])
    name: str = Field(examples=["سبد گل"])
    description: str
    changed_at: dt.datetime


class ProductWordsIn(Input):
    title: str = Field(max_length=TEXT_CHARS_MAX, examples=["قهوه‌جوش مسی"])
    description: str = Field("", max_length=TEXT_CHARS_MAX)


class ProductWordsOut(Output):
    language: str = Field(examples=["fa"])
    title: str = Field(examples=["قهوه‌جوش مسی"])
    description: str
    changed_at: dt.datetime


@router.get(OF_MARKET, response_model=Page[MarketWordsOut])
async def list_market_translations(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """In what a market is told beside its own language."""
    return await views.page(queries.MARKET_TRANSLATIONS, {"market_id": market_id}, page)


@router.get(OF_MARKET + "/{language}", response_model=MarketWordsOut)
async def read_market_translation(market_id: uuid.UUID, language: Language, views: Views) -> Response:
    """A market in one language."""
    params = {"market_id": market_id, "language": normalise_language(language)}
    return await views.one(queries.MARKET_TRANSLATION, params, missing=_unknown())


@router.put(OF_MARKET + "/{language}", response_model=MarketWordsOut)
def put_market_translation(
    market_id: uuid.UUID,
    language: Language,
    body: MarketWordsIn,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Tell a market in one more language, or in other words."""
    told = _of_market(services.market.owned(tx, market_id, account_id=principal.account_id))
    tag = normalise_language(language)
    params = {"market_id": market_id, "language": tag}
    require_match(tx, if_match, queries.MARKET_TRANSLATION, params)
    services.translations.put(tx, told, tag, title=body.name, description=body.description)
    return read_back(tx, queries.MARKET_TRANSLATION, params)


@router.delete(OF_MARKET + "/{language}", status_code=204)
def remove_market_translation(
    market_id: uuid.UUID,
    language: Language,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> None:
    """Take the words of one language away."""
    told = _of_market(services.market.owned(tx, market_id, account_id=principal.account_id))
    tag = normalise_language(language)
    require_match(tx, if_match, queries.MARKET_TRANSLATION, {"market_id": market_id, "language": tag})
    services.translations.remove(tx, told, tag)


@router.get(OF_PRODUCT, response_model=Page[ProductWordsOut])
async def list_product_translations(
    product_id: uuid.UUID, views: Views, page: ThePage, principal: OptionalPrincipal
) -> Response:
    """In what a product is told beside its market's language."""
    params = {"product_id": product_id, "account_id": None if principal is None else principal.account_id}
    return await views.page(queries.PRODUCT_TRANSLATIONS, params, page, private=principal is not None)


@router.get(OF_PRODUCT + "/{language}", response_model=ProductWordsOut)
async def read_product_translation(
    product_id: uuid.UUID, language: Language, views: Views, principal: OptionalPrincipal
) -> Response:
    """A product in one language."""
    account_id = None if principal is None else principal.account_id
    params = {
        "product_id": product_id,
        "account_id": account_id,
        "language": normalise_language(language),
    }
    private = principal is not None
    return await views.one(queries.PRODUCT_TRANSLATION, params, missing=_unknown(), private=private)


@router.put(OF_PRODUCT + "/{language}", response_model=ProductWordsOut)
def put_product_translation(
    product_id: uuid.UUID,
    language: Language,
    body: ProductWordsIn,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Tell a product in one more language, or in other words."""
    account_id = principal.account_id
    told = _of_product(services.catalog.owned(tx, product_id, account_id=account_id))
    tag = normalise_language(language)
    params = {"product_id": product_id, "account_id": account_id, "language": tag}
    require_match(tx, if_match, queries.PRODUCT_TRANSLATION, params)
    services.translations.put(tx, told, tag, title=body.title, description=body.description)
    return read_back(tx, queries.PRODUCT_TRANSLATION, params)


@router.delete(OF_PRODUCT + "/{language}", status_code=204)
def remove_product_translation(
    product_id: uuid.UUID,
    language: Language,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> None:
    """Take the words of one language away."""
    account_id = principal.account_id
    told = _of_product(services.catalog.owned(tx, product_id, account_id=account_id))
    tag = normalise_language(language)
    params = {"product_id": product_id, "account_id": account_id, "language": tag}
    require_match(tx, if_match, queries.PRODUCT_TRANSLATION, params)
    services.translations.remove(tx, told, tag)


def _of_market(thing: Market) -> Told:
    return Told(
        table=MarketWords,
        thing_id=thing.id,
        market_id=thing.id,
        title_field="name",
        title_chars_max=market.NAME_CHARS_MAX,
        description_chars_max=market.DESCRIPTION_CHARS_MAX,
        stream=f"market:{thing.id}",
        changed=lambda fields: MarketChanged(market_id=str(thing.id), fields=fields),
    )


def _of_product(thing: Product) -> Told:
    return Told(
        table=ProductWords,
        thing_id=thing.id,
        market_id=thing.market_id,
        title_field="title",
        title_chars_max=catalog.TITLE_CHARS_MAX,
        description_chars_max=catalog.DESCRIPTION_CHARS_MAX,
        stream=f"product:{thing.id}",
        changed=lambda fields: ProductChanged(
            product_id=str(thing.id), market_id=str(thing.market_id), fields=fields
        ),
    )


def _unknown() -> TranslationUnknown:
    return TranslationUnknown("there are no words in that language")
