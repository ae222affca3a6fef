"""Releases that a buyer signs, so that anybody can send them: signing costs no gas."""

import uuid

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import EffectTx, edge_router
from api.schemas import HashString, HexBytes, Input, Output, UintOut, UintString, Whole
from api.steps import StepOut, steps_out
from api.v1.order import OrderOut, order_params, wallet_of
from api.v1.order_step import SECONDS_MAX, OrderStepsOut, order_steps
from node.services.order import queries

router = edge_router("orders", prefix="/v1/orders/{order_id}/releases")


class WishIn(Input):
    amount: UintString | None = Field(None, description="Before the fee; left out, all that is held")
    deadline: Whole | None = Field(None, ge=0, le=SECONDS_MAX, description="Since 1970; left out, in 30 days")


class ReleaseIn(Input):
    amount: UintString
    nonce: UintString
    deadline: Whole = Field(ge=0, le=SECONDS_MAX)
    signature: HexBytes = Field(description="By the buyer's key, or for its ERC-1271 wallet")


class ReleaseOut(Output):
    amount: UintOut
    nonce: UintOut
    deadline: int


class PreparedReleaseOut(Output):
    """Sign, then post the fields of `release` with the signature."""

    release: ReleaseOut
    digest: HashString
    steps: list[StepOut]


@router.post("/prepare")
def prepare_release(
    order_id: uuid.UUID,
    body: WishIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> PreparedReleaseOut:
    """By the buyer: what to sign so that anybody can release the money, or a part of it."""
    prepared = services.releases.prepare(
        begin,
        wallet_of(principal),
        order_id,
        amount=body.amount,
        deadline=body.deadline,
        post_to=f"/v1/orders/{order_id}/releases",
    )
    release = prepared.release
    return PreparedReleaseOut(
        release=ReleaseOut(amount=release.amount, nonce=release.nonce, deadline=release.deadline),
        digest=prepared.digest,
        steps=steps_out([prepared.step]),
    )


@router.post("", status_code=201, response_model=OrderOut)
def post_release(
    order_id: uuid.UUID,
    body: ReleaseIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> Response:
    """By the buyer: hand the signature to the order's other parties. Posting it again is harmless."""
    services.releases.accept(begin, wallet_of(principal), order_id, **dict(body))
    with begin() as tx:
        params = order_params(services, principal, order_id)
        return read_back(tx, queries.ORDER, params, status=201, location=f"/v1/orders/{order_id}")


@router.post("/{digest}/relay")
def relay_release(
    order_id: uuid.UUID,
    digest: HashString,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> OrderStepsOut:
    """By any party: the transaction that brings the buyer's signature to the contract."""
    leave, steps = services.releases.relay(begin, wallet_of(principal), order_id, digest)
    return order_steps(order_id, services.escrow_actions(), leave, steps)


@router.post("/{digest}/void")
def void_release(
    order_id: uuid.UUID,
    digest: HashString,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> OrderStepsOut:
    """By the buyer: the transaction that voids the signature, and whatever shares its nonce."""
    leave, steps = services.releases.void(begin, wallet_of(principal), order_id, digest)
    return order_steps(order_id, services.escrow_actions(), leave, steps)
