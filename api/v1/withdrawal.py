"""Taking money from the balance on the node to an address on its chain."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import CommandTx, edge_router
from api.schemas import AddressString, AmountOut, HashString, Input, Output, Page, UintString
from api.views import ThePage, Views
from node.services.withdrawal import queries
from node.services.withdrawal.errors import WithdrawalUnknown
from node.services.withdrawal.service import Request
from node.services.withdrawal.states import State

router = edge_router("withdrawals")


class WithdrawIn(Input):
    asset: Annotated[str, Field(min_length=3, max_length=120, examples=["eip155:31337/slip44:60"])]
    amount: UintString
    to: AddressString = Field(description="With mixed case, its checksum (EIP-55) is checked")


class WithdrawalOut(Output):
    id: uuid.UUID
    amount: AmountOut
    to: AddressString
    state: State
    reason: str | None = Field(description="Why it failed, was rejected, or is sent again")
    tx_hash: HashString | None = Field(description="While it is sent, that of the newest attempt")
    requested_at: dt.datetime
    changed_at: dt.datetime


@router.post("/v1/me/withdrawals", status_code=201, response_model=WithdrawalOut)
def withdraw(body: WithdrawIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal) -> Response:
    """Sets the money aside at once; needs a second proof. Gas is the node's to pay.

    To a deposit address of this node it goes from balance to balance, without the chain. Some amounts wait
    for an operator.
    """
    services.step_up.require(tx, principal)
    services.withdrawals.require_open(services.devices.withdrawals_open_at(tx, principal.account_id))
    row = services.withdrawals.request(
        tx, Request(principal.account_id, asset_id=body.asset, amount=body.amount, to=body.to)
    )
    params = {"account_id": principal.account_id, "withdrawal_id": row.id}
    return read_back(tx, queries.WITHDRAWAL, params, status=201)


@router.get("/v1/me/withdrawals", response_model=Page[WithdrawalOut])
async def list_withdrawals(principal: CurrentPrincipal, views: Views, page: ThePage) -> Response:
    """The caller's, the newest first."""
    params = {"account_id": principal.account_id}
    return await views.page(queries.WITHDRAWALS, params, page, private=True)


@router.get("/v1/me/withdrawals/{withdrawal_id}", response_model=WithdrawalOut)
async def get_withdrawal(withdrawal_id: uuid.UUID, principal: CurrentPrincipal, views: Views) -> Response:
    """One of the caller's."""
    missing = WithdrawalUnknown("there is no such withdrawal")
    params = {"account_id": principal.account_id, "withdrawal_id": withdrawal_id}
    return await views.one(queries.WITHDRAWAL, params, missing=missing, private=True)


@router.post("/v1/me/withdrawals/{withdrawal_id}/cancel", response_model=WithdrawalOut)
def cancel_withdrawal(
    withdrawal_id: uuid.UUID, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """While it waits for an operator: the money is free again."""
    services.withdrawals.cancel(tx, withdrawal_id, account_id=principal.account_id)
    params = {"account_id": principal.account_id, "withdrawal_id": withdrawal_id}
    return read_back(tx, queries.WITHDRAWAL, params)
