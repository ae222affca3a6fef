"""Gateways: which there are, and what they say."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import Field

from api.access import TheServices
from api.routing import CommandTx, edge_router
from api.schemas import Output
from node.services.gateway.provider import Callback

router = edge_router("payments")

GATEWAY_CHARS_MAX = 40


class MethodOut(Output):
    name: str = Field(examples=["sandbox"])


class MethodsOut(Output):
    items: list[MethodOut] = Field(description="The best one first")


async def _callback(request: Request, services: TheServices) -> Callback:
    return Callback(dict(request.headers), await request.body(), services.clock.now())


@router.get("/v1/gateways")
async def list_gateways(
    services: TheServices,
    *,
    currency: Annotated[str, Query(pattern="^[A-Z]{3}$", examples=["TRY"], description="ISO 4217")],
    country: Annotated[
        str | None, Query(pattern="^[A-Z]{2}$", examples=["TR"], description="Of the payer: ISO 3166-1")
    ] = None,
) -> MethodsOut:
    """Through which gateways one can pay that currency in that country."""
    names = services.gateway.choice.suiting(country=country, currency=currency)
    return MethodsOut(items=[MethodOut(name=name) for name in names])


@router.post("/v1/gateways/callbacks/{gateway}", status_code=204)
def hear_gateway(
    gateway: Annotated[str, Path(max_length=GATEWAY_CHARS_MAX, examples=["sandbox"])],
    callback: Annotated[Callback, Depends(_callback)],
    tx: CommandTx,
    services: TheServices,
) -> None:
    """For gateways: say what became of a payment, signed as the gateway signs. Twice is once."""
    services.gateway.hear(tx, gateway, callback)
