"""How much may leave one's wallet: what the node allows, and lower bounds of one's own."""

import datetime as dt

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import IfMatch, read_back, require_match
from api.routing import CommandTx, edge_router
from api.schemas import Input, Output, UintOut, UintString
from api.v1.transfer import AssetString
from api.views import Views
from node.kernel.errors import Bug
from node.services.container import Services
from node.services.identity.tokens import Principal
from node.services.spending import queries
from node.services.spending.service import Own
from wallet.owners import owner_of_account

router = edge_router("spending limits")


class BoundsIn(Input):
    """All three as they shall be from now on; null is no bound of one's own."""

    asset: AssetString
    operation: UintString | None = Field(None, description="At once")
    day: UintString | None = Field(None, description="In a day of UTC")
    month: UintString | None = Field(None, description="In a month of UTC")


class BoundsOut(Output):
    operation: UintOut | None
    day: UintOut | None
    month: UintOut | None


class SpentOut(Output):
    day: UintOut
    month: UintOut


class LimitOut(Output):
    asset: str
    node: BoundsOut = Field(description="What the node allows")
    step_up_above: UintOut | None = Field(description="Above this an operation needs a second proof")
    own: BoundsOut | None
    raised: BoundsOut | None = Field(description="What one's own bounds are from `raised_at` on")
    raised_at: dt.datetime | None
    spent: SpentOut


class LimitsOut(Output):
    items: list[LimitOut]


@router.get("/v1/me/spending-limits", response_model=LimitsOut)
async def list_limits(principal: CurrentPrincipal, services: TheServices, views: Views) -> Response:
    """What may leave the caller's wallet, by asset; assets that are not here have no bound."""
    missing = Bug("limits are never NULL")
    return await views.one(queries.LIMITS, _params(services, principal), missing=missing, private=True)


@router.put("/v1/me/spending-limits", response_model=LimitsOut)
def change_limits(
    body: BoundsIn,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Set bounds of one's own. Lower ones count at once, higher ones after a while or a second proof."""
    services.accounts.lock(tx, principal.account_id)
    require_match(tx, if_match, queries.LIMITS, _params(services, principal))
    services.ledger.asset(tx, body.asset)
    is_proved = services.step_up.state(tx, principal).until is not None
    wanted = Own(body.operation, body.day, body.month)
    services.spending.change(tx, principal.account_id, body.asset, wanted, is_proved=is_proved)
    return read_back(tx, queries.LIMITS, _params(services, principal))


def _params(services: Services, principal: Principal) -> dict[str, object]:
    return {
        "account_id": principal.account_id,
        "owner": owner_of_account(principal.account_id),
        "rules": services.spending.rules_json,
        "now": services.clock.now(),
    }
