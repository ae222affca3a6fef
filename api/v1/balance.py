"""What one has on the node, in every currency, and every posting that made it so."""

import datetime as dt
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.csv_file import csv_file
from api.routing import edge_router
from api.schemas import Output, Page, UintOut
from api.views import ThePage, Views
from node.services.balance import queries
from node.services.container import Services
from wallet.owners import WALLET, owner_of_account

router = edge_router("balances")

AssetQuery = Annotated[
    str, Query(min_length=3, max_length=120, description="The asset's id", examples=["iso4217:USD"])
]
SignedString = Annotated[str, Field(pattern="^-?(0|[1-9][0-9]{0,77})$", examples=["-1250"])]


class CountedInOut(Output):
    id: str = Field(examples=["iso4217:USD"])
    code: str
    exponent: int = Field(description="Decimals of the smallest unit")


class BalanceOut(Output):
    asset: CountedInOut
    posted: SignedString = Field(description="The sum of all postings")
    held: UintOut = Field(description="Promised by holds")
    available: UintOut
    frozen: bool = Field(description="An operator stopped what leaves")


class EntryOut(Output):
    """One posting, seen from the caller's side."""

    transfer: str
    reference: str = Field(examples=["transfer:0190c1f2-…"], description="What it was for: a noun and its id")
    kind: str
    at: dt.datetime
    delta: SignedString
    balance: SignedString = Field(description="After the posting")
    counterparty: str = Field(examples=["@sara"], description="The other side, as it is shown to the caller")
    purpose: str = Field(description="What the other side's account is for")


@router.get("/v1/me/balances", response_model=Page[BalanceOut])
async def list_balances(principal: CurrentPrincipal, views: Views, page: ThePage) -> Response:
    """What the caller has, by currency. A currency appears with its first money."""
    params = {"owner": owner_of_account(principal.account_id), "purpose": WALLET}
    return await views.page(queries.BALANCES, params, page, private=True)


@router.get("/v1/me/statement", response_model=Page[EntryOut])
async def list_statement(
    principal: CurrentPrincipal, asset: AssetQuery, views: Views, page: ThePage
) -> Response:
    """The caller's postings in one currency, the newest first."""
    return await views.page(queries.STATEMENT, _of(principal, asset), page, private=True)


@router.get(
    "/v1/me/statement.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def download_statement(
    principal: CurrentPrincipal, asset: AssetQuery, services: TheServices
) -> Response:
    """The newest 10,000 postings in one currency as CSV (RFC 4180)."""
    return await statement_file(services, _of(principal, asset))


async def statement_file(services: Services, params: dict[str, str]) -> Response:
    return await csv_file(services, queries.STATEMENT_CSV, params, name="statement.csv")


def _of(principal: CurrentPrincipal, asset: str) -> dict[str, str]:
    return {"owner": owner_of_account(principal.account_id), "purpose": WALLET, "asset": asset}
