"""Asking for money by a link and a QR code. It is paid by a transfer `to` the request."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import CommandTx, edge_router
from api.schemas import AssetOut, Input, Output, Page, UintOut, UintString, Whole
from api.v1.transfer import AssetString, NoteString
from api.views import PUBLIC, ThePage, Views
from node.services.container import Services
from node.services.transfer import queries
from node.services.transfer.errors import RequestUnknown
from node.services.transfer.requests import CODE_CHARS, LIFE_DEFAULT, LIFE_MAX, Wish

router = edge_router("money requests")

TheCode = Annotated[str, Path(pattern=f"^[A-Za-z0-9_-]{{{CODE_CHARS}}}$")]


class MoneyRequestIn(Input):
    asset: AssetString | None = Field(None, description="Without it the payer chooses")
    amount: UintString | None = Field(None, description="Without it the payer chooses")
    note: NoteString = Field("", description="Whoever has the link sees it")
    once: bool = Field(default=True, description="Whether it is over when it was paid")
    expires_in_s: Whole = Field(
        int(LIFE_DEFAULT.total_seconds()), ge=60, le=int(LIFE_MAX.total_seconds()), examples=[604800]
    )


class MoneyRequestOut(Output):
    code: str
    link: str = Field(description="For whoever is to pay; the QR code says the same")
    maker: str = Field(examples=["@sara"])
    asset: AssetOut | None
    amount: UintOut | None
    note: str
    once: bool
    state: Literal["open", "paid", "cancelled", "expired"]
    made_at: dt.datetime
    expires_at: dt.datetime


Side = Annotated[Literal["made", "paid"], Query(description="What the caller asked for, or paid")]


@router.post("/v1/me/money-requests", status_code=201, response_model=MoneyRequestOut)
def make_request(
    body: MoneyRequestIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Ask for money."""
    wish = Wish(
        asset=body.asset,
        amount=body.amount,
        note=body.note,
        is_once=body.once,
        life=dt.timedelta(seconds=body.expires_in_s),
    )
    code = services.money_requests.make(tx, principal.account_id, wish)
    location = f"/v1/money-requests/{code}"
    return read_back(tx, queries.ONE_REQUEST, _params(services, code), status=201, location=location)


@router.get("/v1/me/money-requests", response_model=Page[MoneyRequestOut])
async def list_requests(
    principal: CurrentPrincipal, services: TheServices, views: Views, page: ThePage, side: Side = "made"
) -> Response:
    """The caller's requests, or those that the caller paid, the newest first."""
    params = {
        "account_id": principal.account_id,
        "now": services.clock.now(),
        "link": services.money_requests.link,
    }
    keyset = queries.REQUESTS_MADE if side == "made" else queries.REQUESTS_PAID
    return await views.page(keyset, params, page, private=True)


@router.post("/v1/me/money-requests/{code}/cancel", response_model=MoneyRequestOut)
def cancel_request(
    code: TheCode, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Take a request back; what was paid stays paid."""
    services.money_requests.cancel(tx, principal.account_id, code)
    return read_back(tx, queries.ONE_REQUEST, _params(services, code))


@router.get("/v1/money-requests/{code}", response_model=MoneyRequestOut)
async def show_request(code: TheCode, services: TheServices, views: Views) -> Response:
    """What the link is about: who asks for how much."""
    missing = RequestUnknown("there is no such request for money")
    return await views.one(queries.ONE_REQUEST, _params(services, code), missing=missing)


@router.get(
    "/v1/money-requests/{code}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def draw_request(code: TheCode, services: TheServices) -> Response:
    """The link as a QR code."""
    if await services.queries.json(queries.ONE_REQUEST, _params(services, code)) is None:
        raise RequestUnknown("there is no such request for money")
    headers = {"Cache-Control": PUBLIC, "Content-Security-Policy": "default-src 'none'"}
    return Response(services.money_requests.qr(code), headers=headers, media_type="image/svg+xml")


def _params(services: Services, code: str) -> dict[str, object]:
    return {"code": code, "now": services.clock.now(), "link": services.money_requests.link}
