"""Who works in a market, invitations to, and what one is oneself."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.client import TheClient
from api.routing import CommandTx, edge_router, never_stored
from api.schemas import AddressString, Input, Output, Page, Whole
from api.v1.phone import PhoneString
from api.views import ThePage, Views
from node.kernel.errors import Bug
from node.services.identity import queries as identity_queries
from node.services.identity.models import PlatformRole
from node.services.market import queries
from node.services.market.members import LIFE_DEFAULT, LIFE_MAX, LINK_CHARS_MAX, By, Offer
from node.services.market.models import Invitation, MemberRole

router = edge_router("members")


async def _by(principal: CurrentPrincipal, client: TheClient) -> By:
    return By(principal.account_id, client.origin)


TheCaller = Annotated[By, Depends(_by)]
InvitedRole = Literal["manager", "staff", "accountant"]


class MemberOut(Output):
    account_id: uuid.UUID
    role: MemberRole
    since: dt.datetime


class MarketRoleOut(Output):
    market_id: uuid.UUID
    role: MemberRole


class RolesOut(Output):
    node: list[PlatformRole] = Field(description="For the whole node; its operator grants them")
    markets: list[MarketRoleOut]


class InvitationIn(Input):
    """For a phone, for a wallet, or without both for whoever gets the link."""

    role: InvitedRole
    phone: PhoneString | None = None
    wallet: AddressString | None = None
    expires_in_s: Whole = Field(
        int(LIFE_DEFAULT.total_seconds()), ge=60, le=int(LIFE_MAX.total_seconds()), examples=[604800]
    )


class InvitationFields(Output):
    id: uuid.UUID
    market_id: uuid.UUID
    role: InvitedRole
    phone: str | None
    wallet: AddressString | None
    invited_at: dt.datetime
    expires_at: dt.datetime


class InvitedOut(InvitationFields):
    token: str | None = Field(
        description="Of an invitation for nobody by name, shown this once: who has it may accept"
    )


class InvitationOut(InvitationFields):
    market_name: str
    accepted_at: dt.datetime | None
    accepted_by: uuid.UUID | None
    revoked_at: dt.datetime | None


class AcceptIn(Input):
    token: Annotated[str, Field(min_length=1, max_length=LINK_CHARS_MAX)] | None = Field(
        None, description="Where the invitation is for whoever has the link"
    )


@router.get("/v1/me/roles", response_model=RolesOut)
async def my_roles(views: Views, principal: CurrentPrincipal) -> Response:
    """What one is to the node, and in which markets one works."""
    missing = Bug("the roles of an account are never NULL")
    params = {"account_id": principal.account_id}
    return await views.one(identity_queries.ROLES, params, missing=missing, private=True)


@router.get("/v1/markets/{market_id}/members", response_model=Page[MemberOut])
async def list_members(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """Who works in the market, the first to join first."""
    return await views.page(queries.MEMBERS, {"market_id": market_id}, page, private=True)


@router.delete("/v1/markets/{market_id}/members/{account_id}", status_code=204)
def remove_member(
    market_id: uuid.UUID,
    account_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    by: TheCaller,
) -> None:
    """Take somebody out of the market. Takes effect at once."""
    services.members.remove(tx, market_id, account_id, by)


@router.delete("/v1/markets/{market_id}/membership", status_code=204)
def leave_market(
    market_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    by: TheCaller,
) -> None:
    """Stop working in the market."""
    services.members.remove(tx, market_id, by.account_id, by)


@router.post("/v1/markets/{market_id}/invitations", status_code=201)
@never_stored
def invite(
    market_id: uuid.UUID,
    body: InvitationIn,
    tx: CommandTx,
    services: TheServices,
    by: TheCaller,
) -> InvitedOut:
    """Invite somebody to work in the market. They see it under `/v1/invitations`, or get your link."""
    offer = Offer(
        role=MemberRole(body.role),
        phone=body.phone,
        wallet=body.wallet,
        life=dt.timedelta(seconds=body.expires_in_s),
    )
    invitation, token = services.members.invite(tx, market_id, offer, by)
    return _invited(invitation, token)


@router.get("/v1/markets/{market_id}/invitations", response_model=Page[InvitationOut])
async def list_invitations(market_id: uuid.UUID, views: Views, page: ThePage) -> Response:
    """The market's invitations and what became of them, the newest first."""
    return await views.page(queries.INVITATIONS_OF_MARKET, {"market_id": market_id}, page, private=True)


@router.delete("/v1/markets/{market_id}/invitations/{invitation_id}", status_code=204)
def revoke_invitation(
    market_id: uuid.UUID,
    invitation_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    by: TheCaller,
) -> None:
    """Take an invitation back that nobody has accepted."""
    services.members.revoke(tx, market_id, invitation_id, by)


@router.get("/v1/invitations", response_model=Page[InvitationOut])
async def my_invitations(
    views: Views, page: ThePage, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Open invitations to one's own phones and wallets, the newest first."""
    params = {"account_id": principal.account_id, "now": services.clock.now()}
    return await views.page(queries.INVITATIONS_TO_ACCOUNT, params, page, private=True)


@router.post("/v1/invitations/{invitation_id}/accept")
def accept_invitation(
    invitation_id: uuid.UUID,
    body: AcceptIn,
    tx: CommandTx,
    services: TheServices,
    by: TheCaller,
) -> MarketRoleOut:
    """Work in the market from now on."""
    member = services.members.accept(tx, invitation_id, body.token, by)
    return MarketRoleOut(market_id=member.market_id, role=MemberRole(member.role))


def _invited(invitation: Invitation, token: str | None) -> InvitedOut:
    return InvitedOut(
        id=invitation.id,
        market_id=invitation.market_id,
        role=invitation.role,
        phone=invitation.phone,
        wallet=invitation.wallet,
        invited_at=invitation.invited_at,
        expires_at=invitation.expires_at,
        token=token,
    )
