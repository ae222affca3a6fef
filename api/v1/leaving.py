"""Giving an account up: merging it into another one, deleting it; and taking its data along."""

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, TheClient
from api.cookies import TheJar
from api.routing import CommandTx, edge_router
from api.schemas import Input, Output
from api.v1.identity import ProfileOut
from node.services.identity.leaving import MergePreview
from node.services.identity.tokens import TOKEN_CHARS_MAX

router = edge_router("account")

HASH_HEX_CHARS = 64


class MergePreviewIn(Input):
    access_token: Annotated[str, Field(min_length=1, max_length=TOKEN_CHARS_MAX)] = Field(
        description="Of a session of the account that is given up, with its second proof"
    )


class MergeIn(MergePreviewIn):
    confirm: Annotated[str, Field(min_length=HASH_HEX_CHARS, max_length=HASH_HEX_CHARS)] = Field(
        description="From the preview: what it showed is what happens"
    )


class MergeOut(Output):
    account_id: uuid.UUID = Field(description="The account that is given up")
    into: uuid.UUID
    moves: dict[str, int] = Field(examples=[{"wallets": 1, "orders bought": 3}])
    stays: dict[str, int] = Field(description="Stays recorded under the old account")
    ends: dict[str, int] = Field(description="Does not come along")
    refused: list[str] = Field(description="Why it can't be done; empty when it can")
    confirm: str


class ExportOut(Output):
    account_id: uuid.UUID
    exported_at: dt.datetime
    opened_at: dt.datetime
    profile: ProfileOut
    truncated: list[str] = Field(description="Kinds of which there are more than this holds")
    holdings: dict[str, list[dict[str, Any]]] = Field(description="By kind, the rows as they are kept")


@router.post("/v1/me/merges/preview", dependencies=[BOUNDED])
def preview_merge(
    body: MergePreviewIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> MergeOut:
    """See what would become of another account of one's own if it was merged into this one."""
    given_up = services.sessions.principal(body.access_token)
    return _merge_out(services.leaving.preview(tx, principal, given_up))


@router.post("/v1/me/merges", dependencies=[BOUNDED])
def merge_accounts(
    body: MergeIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> MergeOut:
    """Merge another account of one's own into this one, as the preview showed. It can't be undone."""
    given_up = services.sessions.principal(body.access_token)
    return _merge_out(services.leaving.merge(tx, principal, given_up, body.confirm, client))


@router.get("/v1/me/export")
def export_account(services: TheServices, principal: CurrentPrincipal, client: TheClient) -> ExportOut:
    """Everything that the node keeps of one's person, for machines."""
    with services.database.transaction() as tx:
        return ExportOut.model_validate(services.leaving.export(tx, principal, client))


@router.delete("/v1/me", status_code=204)
def delete_account(
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
    *,
    jar: TheJar,
    response: Response,
) -> None:
    """Delete one's account. What the books need stays, without the person. Needs a second proof."""
    services.leaving.delete(tx, principal, client)
    jar.empty(response)


def _merge_out(preview: MergePreview) -> MergeOut:
    return MergeOut(
        account_id=preview.account_id,
        into=preview.into,
        moves=dict(preview.moves),
        stays=dict(preview.stays),
        ends=dict(preview.ends),
        refused=list(preview.refused),
        confirm=preview.confirm,
    )
