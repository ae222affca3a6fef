"""What a market charges beyond its prices: taxes by country, and ways of shipping. Anybody may see it.

What came of the taxes is for those who keep the market's books.
"""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AwareDatetime, Field, StrictBool
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.csv_file import csv_file
from api.languages import Languages, WordViews, in_language
from api.readback import IfMatch, read_back, require_match
from api.routing import CommandTx, EffectTx, edge_router
from api.schemas import AssetOut, Input, Output, Page, UintOut, UintString, Whole
from api.v1.product import REFERENCE_CHARS_MAX, TEXT_CHARS_MAX
from api.views import ThePage, Views
from node.kernel.countries import country as known_country
from node.kernel.money import BASIS_POINTS
from node.services.charge import queries, tax_report
from node.services.charge.errors import ShippingMethodUnknown, TaxUnknown
from node.services.charge.models import Receiver
from node.services.charge.pricing import TaxRule
from node.services.charge.service import MethodDraft
from node.services.market.errors import MarketUnknown

router = edge_router("taxes and shipping")

TAXES = "/v1/markets/{market_id}/taxes"
METHODS = "/v1/markets/{market_id}/shipping-methods"
COUNTRY_CHARS = 2
COUNTRIES_MAX = 300  # before doubled ones are dropped

CountryString = Annotated[
    str, Field(max_length=COUNTRY_CHARS, examples=["TR"], description="ISO 3166-1 alpha-2")
]
CountryInPath = Annotated[
    str, Path(max_length=COUNTRY_CHARS, examples=["TR"], description="ISO 3166-1 alpha-2")
]
Rate = Annotated[Whole, Field(ge=0, le=BASIS_POINTS)]


class TaxIn(Input):
    """The rates of a country in basis points. A lower one that is left out is the standard one."""

    name: str = Field(max_length=TEXT_CHARS_MAX, examples=["KDV"], description="As buyers know it")
    included: StrictBool = Field(
        description="Whether prices and shipping include it; else it comes upon them"
    )
    standard_bps: Rate = Field(examples=[2000])
    reduced_bps: Rate | None = Field(None, examples=[1000])
    super_reduced_bps: Rate | None = Field(None, examples=[100])


class TaxOut(Output):
    country: CountryString
    name: str = Field(examples=["KDV"])
    included: bool
    standard_bps: int = Field(examples=[2000])
    reduced_bps: int | None = Field(examples=[1000])
    super_reduced_bps: int | None = Field(examples=[100])
    changed_at: dt.datetime


class MethodChange(Input):
    """What is left out stays as it is."""

    name: str | None = Field(None, max_length=TEXT_CHARS_MAX, examples=["پیک موتوری"])
    names: dict[str, str] | None = Field(
        None,
        examples=[{"en": "Courier", "ar": "مندوب توصيل"}],
        description="In other languages than the market's own (BCP 47); replaces those of before",
    )
    countries: list[CountryString] | None = Field(
        None, max_length=COUNTRIES_MAX, examples=[["TR", "IR"]], description="Empty: everywhere"
    )
    price: UintString | None = Field(None, description="Of the first unit")
    further: UintString | None = Field(None, description="Of each further unit")
    free_from: UintString | None = Field(
        None, description="Costs nothing when the goods' listed price comes to that; 0: never"
    )
    taxed: StrictBool | None = Field(None, description="At the standard rate of the country")
    active: StrictBool | None = None

    def draft(self) -> MethodDraft:
        return MethodDraft(
            name=self.name,
            names=self.names,
            countries=self.countries,
            price=self.price,
            further=self.further,
            free_from=self.free_from,
            is_taxed=self.taxed,
            is_active=self.active,
        )


class MethodIn(MethodChange):
    """Everywhere, taxed and active unless it says otherwise."""

    name: str = Field(max_length=TEXT_CHARS_MAX, examples=["پیک موتوری"])
    asset: str = Field(
        max_length=REFERENCE_CHARS_MAX,
        examples=["iso4217:TRY"],
        description="CAIP-19 or iso4217:<code>: for goods that are priced in it",
    )
    price: UintString = Field(description="Of the first unit")


class MethodOut(Output):
    id: uuid.UUID
    market_id: uuid.UUID
    language: str = Field(examples=["fa"], description="Of `name` here")
    name: str
    names: dict[str, str]
    countries: list[str] | None = Field(description="Null: everywhere")
    asset: AssetOut
    price: UintOut
    further: UintOut
    free_from: UintOut | None
    taxed: bool
    active: bool
    added_at: dt.datetime
    changed_at: dt.datetime


# --------------------------------------------------------------------------------------------- taxes


@router.get(TAXES, response_model=Page[TaxOut])
async def list_taxes(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """The taxes of a market by country; where it names none it charges none."""
    return await views.page(queries.TAXES, {"market_id": market_id}, page)


@router.get(TAXES + "/{country}", response_model=TaxOut)
async def read_tax(market_id: uuid.UUID, country: CountryInPath, views: Views) -> Response:
    """The taxes of a market in one country."""
    missing = TaxUnknown("the market has no taxes in that country")
    return await views.one(queries.TAX, {"market_id": market_id, "country": country}, missing=missing)


@router.put(TAXES + "/{country}", response_model=TaxOut)
def put_tax(
    market_id: uuid.UUID,
    country: CountryInPath,
    body: TaxIn,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Say what the taxes are in a country. Orders that were placed keep theirs."""
    services.market.owned(tx, market_id, account_id=principal.account_id)
    params = {"market_id": market_id, "country": known_country(country)}
    require_match(tx, if_match, queries.TAX, params)
    rule = TaxRule(
        name=body.name,
        is_included=body.included,
        standard_bps=body.standard_bps,
        reduced_bps=body.reduced_bps,
        super_reduced_bps=body.super_reduced_bps,
    )
    services.charge.put_tax(tx, market_id, country, rule)
    return read_back(tx, queries.TAX, params)


@router.delete(TAXES + "/{country}", status_code=204)
def remove_tax(
    market_id: uuid.UUID,
    country: CountryInPath,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> None:
    """Charge no tax in that country any more."""
    services.market.owned(tx, market_id, account_id=principal.account_id)
    require_match(tx, if_match, queries.TAX, {"market_id": market_id, "country": country})
    services.charge.remove_tax(tx, market_id, country)


# ------------------------------------------------------------------------------------------ shipping


@router.get(METHODS, response_model=Page[MethodOut])
async def list_shipping_methods(market_id: uuid.UUID, views: WordViews, page: ThePage) -> Response:
    """The ways in which a market ships, the first added first. `POST /v1/orders/preview` tells which suit."""
    return await views.page(queries.METHODS, {"market_id": market_id}, page)


@router.get(METHODS + "/{method_id}", response_model=MethodOut)
async def read_shipping_method(market_id: uuid.UUID, method_id: uuid.UUID, views: WordViews) -> Response:
    """One way of shipping."""
    missing = ShippingMethodUnknown("the market has no such way of shipping")
    return await views.one(queries.METHOD, {"market_id": market_id, "method_id": method_id}, missing=missing)


@router.post(METHODS, status_code=201, response_model=MethodOut)
def add_shipping_method(
    market_id: uuid.UUID,
    body: MethodIn,
    *,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
    languages: Languages,
) -> Response:
    """Add a way of shipping. From the first one on, buyers of goods that are shipped choose one."""
    asset = services.currencies.resolve(begin, body.asset).asset  # may ask the chain
    with begin() as tx:
        services.market.owned(tx, market_id, account_id=principal.account_id)
        method = services.charge.add_method(tx, market_id, asset=asset, draft=body.draft())
        params = {"market_id": market_id, "method_id": method.id, "languages": languages}
        location = f"/v1/markets/{market_id}/shipping-methods/{method.id}"
        return in_language(read_back(tx, queries.METHOD, params, status=201, location=location))


@router.patch(METHODS + "/{method_id}", response_model=MethodOut)
def change_shipping_method(
    market_id: uuid.UUID,
    method_id: uuid.UUID,
    body: MethodChange,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    languages: Languages,
    if_match: IfMatch = None,
) -> Response:
    """Change a way of shipping. Orders that were placed keep what they pay for it."""
    services.market.owned(tx, market_id, account_id=principal.account_id)
    params = {"market_id": market_id, "method_id": method_id, "languages": languages}
    method = services.charge.method(tx, market_id, method_id)
    require_match(tx, if_match, queries.METHOD, params)
    services.charge.change_method(tx, method, body.draft())
    return in_language(read_back(tx, queries.METHOD, params))


@router.delete(METHODS + "/{method_id}", status_code=204)
def remove_shipping_method(
    market_id: uuid.UUID,
    method_id: uuid.UUID,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> None:
    """Take a way of shipping away. Without the last one the market's goods cost no shipping again."""
    services.market.owned(tx, market_id, account_id=principal.account_id)
    services.charge.remove_method(tx, services.charge.method(tx, market_id, method_id))


# -------------------------------------------------------------------------------------- what came of it


class TaxRowOut(Output):
    country: str | None
    name: str = Field(examples=["KDV"])
    bps: int = Field(examples=[2000])
    remitter: Literal["node", "market"] = Field(
        description="`node`: it collected the tax. `market`: the escrow contract paid it to the market"
    )
    asset: AssetOut
    collected: UintOut
    refunded: UintOut


class TaxHeldOut(Output):
    asset: str = Field(examples=["iso4217:TRY"])
    value: str = Field(description="Below zero: more was refunded since than there was left of it")


class RemittanceOut(Output):
    asset: str = Field(examples=["iso4217:TRY"])
    value: UintOut
    to: Receiver = Field(description="`authority`: by the node's bank; `market`: to its wallet")
    reason: str
    at: dt.datetime


class TaxReportOut(Output):
    rows: list[TaxRowOut]
    remitted: list[RemittanceOut] = Field(description="What the node paid out of it in the period")
    held: list[TaxHeldOut] = Field(description="What the node has of the market's tax now, by asset")


Since = Annotated[AwareDatetime | None, Query(description="From then on")]
Until = Annotated[AwareDatetime | None, Query(description="Before then")]


@router.get("/v1/markets/{market_id}/tax-report", response_model=TaxReportOut)
async def report_tax(
    market_id: uuid.UUID, views: Views, since: Since = None, until: Until = None
) -> Response:
    """The tax that orders paid and got back in a period, by country, rate and asset."""
    params = {"market_id": market_id, "since": since, "until": until}
    return await views.one(
        tax_report.REPORT, params, missing=MarketUnknown("there is no such market"), private=True
    )


@router.get(
    "/v1/markets/{market_id}/tax-report.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def download_tax_report(
    market_id: uuid.UUID, services: TheServices, since: Since = None, until: Until = None
) -> Response:
    """The same rows as CSV (RFC 4180)."""
    params = {"market_id": market_id, "since": since, "until": until}
    return await csv_file(services, tax_report.REPORT_CSV, params, name="tax.csv")
