"""What currencies are worth here, and exchanging money of one's wallet at a price that holds for a while."""

import datetime as dt
import uuid
from typing import Literal, Self

from pydantic import Field, model_validator
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import CommandTx, edge_router
from api.schemas import AmountOut, Input, Output, UintString
from api.v1.transfer import AssetString
from api.views import Views
from node.kernel.errors import Bug
from node.services.container import Services
from node.services.identity.tokens import Principal
from node.services.rate import queries
from node.services.rate.errors import ExchangeQuoteUnknown
from node.services.rate.exchanges import Wish

router = edge_router("exchange")


class RateOut(Output):
    asset: str = Field(examples=["iso4217:EUR"])
    per_reference: str = Field(examples=["0.92"], description="What one unit of the reference buys of it")
    source: str
    at: dt.datetime = Field(description="When the source said so")
    stale: bool = Field(description="Too old to exchange at")


class RatesOut(Output):
    reference: str = Field(examples=["iso4217:USD"])
    spread_bps: int = Field(description="What an exchange costs, in ten-thousandths of what it brings")
    items: list[RateOut]


class ExchangeIn(Input):
    """Exactly one of the amounts; the other one is answered."""

    sell: AssetString
    buy: AssetString
    sold: UintString | None = None
    bought: UintString | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.sold is None) == (self.bought is None):
            raise ValueError("say how much is sold, or how much is bought")
        return self


class ExchangeQuoteOut(Output):
    id: uuid.UUID
    sold: AmountOut
    bought: AmountOut
    spread_bps: int
    state: Literal["open", "lapsed", "executed"]
    quoted_at: dt.datetime
    expires_at: dt.datetime = Field(description="Both amounts hold until then")
    executed_at: dt.datetime | None


@router.get("/v1/rates", response_model=RatesOut)
async def list_rates(services: TheServices, views: Views) -> Response:
    """The newest rate of each currency."""
    params = {
        "reference": services.rates_of_money.reference.rpartition(":")[2],
        "reference_id": services.rates_of_money.reference,
        "spread_bps": services.exchanges.spread_bps,
        "stale_before": services.clock.now() - services.rates_of_money.stale_after,
    }
    return await views.one(queries.RATES, params, missing=Bug("rates are never NULL"))


@router.post("/v1/me/exchange-quotes", status_code=201, response_model=ExchangeQuoteOut)
def quote_exchange(
    body: ExchangeIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """A price that holds for a while. Nothing moves yet."""
    wish = Wish(sell=body.sell, buy=body.buy, sold=body.sold, bought=body.bought)
    quote_id = services.exchanges.quote(tx, principal.account_id, wish)
    params = _params(services, principal, quote_id)
    location = f"/v1/me/exchange-quotes/{quote_id}"
    return read_back(tx, queries.ONE_QUOTE, params, status=201, location=location)


@router.post("/v1/me/exchange-quotes/{quote_id}/execute", response_model=ExchangeQuoteOut)
def execute_exchange(
    quote_id: uuid.UUID, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Exchanges what was quoted, once."""
    services.exchanges.execute(tx, principal.account_id, quote_id)
    return read_back(tx, queries.ONE_QUOTE, _params(services, principal, quote_id))


@router.get("/v1/me/exchange-quotes/{quote_id}", response_model=ExchangeQuoteOut)
async def show_exchange(
    quote_id: uuid.UUID, services: TheServices, principal: CurrentPrincipal, views: Views
) -> Response:
    """A quote that the caller asked for."""
    missing = ExchangeQuoteUnknown("there is no such quote")
    params = _params(services, principal, quote_id)
    return await views.one(queries.ONE_QUOTE, params, missing=missing, private=True)


def _params(services: Services, principal: Principal, quote_id: uuid.UUID) -> dict[str, object]:
    return {"account_id": principal.account_id, "quote_id": quote_id, "now": services.clock.now()}
