"""Products: add them to one's own market, look at everybody's."""

import datetime as dt
import uuid
from typing import Annotated

from fastapi import Query
from pydantic import ConfigDict, Field, StrictBool
from starlette.responses import Response

from api.access import CurrentPrincipal, OptionalPrincipal, TheServices
from api.chain_params import given
from api.commands import Begin
from api.languages import OWN_WORDS, Languages, WordViews, in_language
from api.readback import IfMatch, read_back, require_match
from api.routing import EffectTx, edge_router
from api.schemas import AmountOut, Input, Output, Page, UintString, Whole
from api.views import ThePage
from node.kernel.tax import TaxClass
from node.services.catalog import queries
from node.services.catalog.errors import ProductUnknown
from node.services.catalog.models import Status
from node.services.catalog.service import STOCK_MAX, Price, ProductDraft
from node.services.container import Services
from node.services.identity.errors import TokenMissing

router = edge_router("products")

TEXT_CHARS_MAX = 40_000  # before trimming; the services know the real limits
REFERENCE_CHARS_MAX = 200


PriceCurrency = Annotated[
    str | None,
    Query(
        max_length=REFERENCE_CHARS_MAX,
        description="CAIP-19 or iso4217:<code>: only what is priced in that asset. Nothing is converted",
        examples=["eip155:31337/slip44:60"],
    ),
]


class PriceIn(Input):
    """In the smallest unit of a currency of ISO 4217 (`iso4217:TRY`), the native coin or a listed ERC-20."""

    asset: str = Field(
        max_length=REFERENCE_CHARS_MAX, examples=["eip155:31337/slip44:60"], description="CAIP-19"
    )
    amount: UintString


class ProductChange(Input):
    """What is left out stays as it is. `stock` is what can be sold from now on."""

    title: str | None = Field(None, max_length=TEXT_CHARS_MAX, examples=["Bakır cezve"])
    description: str | None = Field(None, max_length=TEXT_CHARS_MAX)
    sku: str | None = Field(None, max_length=REFERENCE_CHARS_MAX, examples=["CEZVE-12"])
    price: PriceIn | None = None
    stock: Whole | None = Field(None, ge=0, le=STOCK_MAX, examples=[10])
    status: Status | None = None
    tax_class: TaxClass | None = Field(None, description="By the tax law of the buyer's country")
    needs_shipping: StrictBool | None = Field(None, description="False: it is digital, or a service")

    def draft(self, price: Price | None) -> ProductDraft:
        return ProductDraft(
            title=self.title,
            description=self.description,
            sku=self.sku,
            price=price,
            stock=self.stock,
            status=self.status,
            tax_class=self.tax_class,
            needs_shipping=self.needs_shipping,
        )


class ProductIn(ProductChange):
    """Active, of the standard class of taxes and to be shipped, unless it says otherwise."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Bakır cezve",
                    "price": {"asset": "eip155:31337/slip44:60", "amount": "25000000000000000"},
                    "stock": 10,
                }
            ]
        }
    )

    title: str = Field(max_length=TEXT_CHARS_MAX)
    price: PriceIn
    stock: Whole = Field(ge=0, le=STOCK_MAX)


class ProductOut(Output):
    id: uuid.UUID
    market_id: uuid.UUID
    language: str = Field(examples=["tr"], description="Of `title` and `description` here")
    title: str = Field(examples=["Bakır cezve"])
    description: str
    sku: str | None = Field(examples=["CEZVE-12"])
    status: Status
    price: AmountOut
    stock: int = Field(examples=[10], description="Units that can be ordered now")
    tax_class: TaxClass
    needs_shipping: bool
    added_at: dt.datetime
    changed_at: dt.datetime


@router.post("/v1/markets/{market_id}/products", status_code=201, response_model=ProductOut)
def add_product(
    market_id: uuid.UUID,
    body: ProductIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """Add a product to a market."""
    price = _price(services, begin, body.price)
    with begin() as tx:
        product = services.catalog.add(
            tx, market_id, account_id=principal.account_id, draft=body.draft(None), price=price
        )
        params = {"product_id": product.id, "account_id": principal.account_id, **OWN_WORDS}
        location = f"/v1/products/{product.id}"
        return in_language(read_back(tx, queries.PRODUCT, params, status=201, location=location))


@router.get("/v1/markets/{market_id}/products", response_model=Page[ProductOut])
async def list_market_products(
    market_id: uuid.UUID,
    *,
    views: WordViews,
    page: ThePage,
    services: TheServices,
    principal: OptionalPrincipal,
    status: Annotated[
        Status | None,
        Query(
            description="Of a market one works in; without it the list is what everybody sees: what is active"
        ),
    ] = None,
    currency: PriceCurrency = None,
) -> Response:
    """The products of a market, the newest first."""
    filters = given(market_id=market_id, currency=_currency(services, currency))
    if status is None:
        return await views.page(queries.products(frozenset(filters)), filters, page)
    if principal is None:
        raise TokenMissing(
            "only who works there sees a market by status: send `Authorization: Bearer <token>`"
        )
    params = {**filters, "status": status.value, "account_id": principal.account_id}
    return await views.page(queries.products_of_owner(frozenset(filters)), params, page, private=True)


@router.get("/v1/products", response_model=Page[ProductOut])
async def list_products(
    views: WordViews, page: ThePage, services: TheServices, currency: PriceCurrency = None
) -> Response:
    """What is for sale in all markets, the newest first."""
    filters = given(currency=_currency(services, currency))
    return await views.page(queries.products(frozenset(filters)), filters, page)


@router.get("/v1/products/{product_id}", response_model=ProductOut)
async def read_product(product_id: uuid.UUID, views: WordViews, principal: OptionalPrincipal) -> Response:
    """One product. Drafts are there for those only who work in the market."""
    account_id = None if principal is None else principal.account_id
    params = {"product_id": product_id, "account_id": account_id}
    missing = ProductUnknown("there is no such product")
    return await views.one(queries.PRODUCT, params, missing=missing, private=principal is not None)


@router.patch("/v1/products/{product_id}", response_model=ProductOut)
def change_product(
    product_id: uuid.UUID,
    body: ProductChange,
    *,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
    languages: Languages,
    if_match: IfMatch = None,
) -> Response:
    """Change price, stock, status or the own words of a product. Placed orders keep their price.

    The answer is what a read would give.
    """
    price = None if body.price is None else _price(services, begin, body.price)
    params = {"product_id": product_id, "account_id": principal.account_id, "languages": languages}
    with begin() as tx:
        product = services.catalog.owned(tx, product_id, account_id=principal.account_id)
        require_match(tx, if_match, queries.PRODUCT, params)
        services.catalog.change(tx, product, body.draft(price))
        return in_language(read_back(tx, queries.PRODUCT, params))


def _currency(services: Services, currency: str | None) -> str | None:
    return None if currency is None else services.currencies.canonical(currency)


def _price(services: Services, begin: Begin, price: PriceIn) -> Price:
    """May ask the chain about a token that this process has not met yet."""
    return Price(services.currencies.resolve(begin, price.asset), price.amount)
