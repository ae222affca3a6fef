"""Money that waits in our contracts because its receiver refused it: what there is, and taking it."""

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.chain_params import raw
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, AmountOut, Input, Output, Page
from api.steps import StepsOut, steps_out
from api.views import ThePage, Views
from node.services.credit import queries

router = edge_router("credits")


class CreditOut(Output):
    contract: AddressString = Field(description="Where it waits")
    asset: AddressString = Field(description="The zero address is the native coin")
    amount: AmountOut


class WithdrawalIn(Input):
    contract: AddressString
    asset: AddressString = Field(description="The zero address is the native coin")
    to: AddressString | None = Field(None, description="Where the wallet itself cannot receive it")


@router.get("/v1/wallets/{address}/credits", response_model=Page[CreditOut])
async def list_credits(
    address: AddressString, views: Views, page: ThePage, services: TheServices
) -> Response:
    """What waits for the wallet."""
    params = {"chain_id": services.chain.chain_id, "account": raw(address)}
    return await views.page(queries.CREDITS, params, page)


@router.post("/v1/credits/withdraw")
def plan_withdrawal(
    body: WithdrawalIn,
    begin: EffectTx,  # noqa: ARG001 - the chain alone is asked
    services: TheServices,
    principal: CurrentPrincipal,
) -> StepsOut:
    """What the caller's wallet sends to take it."""
    steps = services.credit.withdraw(
        contract=body.contract, account=principal.address, asset=body.asset, to=body.to
    )
    return StepsOut(steps=steps_out(steps))
