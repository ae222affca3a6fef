"""Delegates: who has how many votes, and giving one's own to somebody."""

from typing import Annotated

from fastapi import Path
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, Input, Output, Page, UintOut
from api.steps import StepsOut, steps_out
from api.views import ThePage, Views
from node.services.governance import queries
from node.services.governance.errors import GovernorUnread

router = edge_router("delegates", prefix="/v1")


class DelegateBrief(Output):
    address: AddressString
    votes: UintOut = Field(description="In the votes token's smallest unit")
    delegators: int = Field(description="Accounts whose votes these are")


class DelegateOut(DelegateBrief):
    balance: UintOut = Field(description="Of the votes token; counts for whom `delegates_to` names")
    delegates_to: AddressString | None = Field(description="Null: the balance votes for nobody")
    votes_cast: int
    proposals_made: int


class DelegationIn(Input):
    delegatee: AddressString = Field(description="One's own address to vote oneself")


@router.get("/delegates", response_model=Page[DelegateBrief])
async def delegates(views: Views, services: TheServices, page: ThePage) -> Response:
    """Who can vote, the most votes first."""
    return await views.page(queries.DELEGATES, services.governance.view(), page)


@router.get("/delegates/{address}", response_model=DelegateOut)
async def delegate(
    address: Annotated[AddressString, Path()], views: Views, services: TheServices
) -> Response:
    """The votes of any account; zeros where it has none."""
    params = services.governance.view(address=bytes.fromhex(address[2:]))
    missing = GovernorUnread("the votes were not read yet")
    return await views.one(queries.DELEGATE, params, missing=missing)


@router.post("/delegations")
def delegate_votes(
    body: DelegationIn, _: EffectTx, principal: CurrentPrincipal, services: TheServices
) -> StepsOut:
    """Give one's votes to somebody. Without any step when it is so already."""
    steps = services.governance.delegate(holder=principal.address, delegatee=body.delegatee)
    return StepsOut(steps=steps_out(steps))
