"""What a party's wallet does about an order on the escrow contract: one endpoint per row of `ACTS`.

The node prepares. What a step did comes back from the chain when it is final; only then the order changes.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body
from pydantic import Field

from api.access import CurrentPrincipal, TheServices
from api.routing import EffectTx, edge_router
from api.schemas import HashString, HexBytes, Input, Output, UintString, Whole
from api.steps import StepOut, steps_out
from api.v1.order import TEXT_CHARS_MAX, caller_of, wallet_of
from node.chain.escrow_actions import EscrowActions
from node.chain.permit import SignedPermit
from node.chain.steps import Step
from node.services.order.access import Permit
from node.services.order.statements import Kind, Words
from node.services.order.states import Action

router = edge_router("orders", prefix="/v1/orders")

SECONDS_MAX = 2**53 - 1  # exact in every JSON reader
PERMIT_LIFE = dt.timedelta(hours=1)  # a permit is for the payment that follows


class ShipIn(Input):
    tracking: str = Field(
        max_length=TEXT_CHARS_MAX, examples=["Aras Kargo 1234567890"], description="For the parties alone"
    )

    def words(self) -> Words:
        return Words(Kind.TRACKING, self.tracking)


class EvidenceIn(Input):
    evidence: str = Field(max_length=TEXT_CHARS_MAX, description="For the parties alone")

    def words(self) -> Words:
        return Words(Kind.EVIDENCE, self.evidence)


class SplitIn(Input):
    to_seller: UintString = Field(description="The seller's part before the fee; the rest goes to the buyer")

    def gross(self) -> int:
        return self.to_seller


class RulingIn(SplitIn):
    reason: str = Field("", max_length=TEXT_CHARS_MAX, description="For the parties alone")

    def words(self) -> Words:
        return Words(Kind.RULING, self.reason)


class PartIn(Input):
    amount: UintString = Field(description="Before the fee")

    def gross(self) -> int:
        return self.amount


class PermitIn(Input):
    """The answer to `fund-permit`, signed."""

    deadline: Whole = Field(ge=0, le=SECONDS_MAX, description="As in the typed data")
    signature: HexBytes


class OrderStepsOut(Output):
    """Send them one by one, from the wallet that `from` names. The order follows when that is final.

    Where no contract holds the money there is nothing to send: the order has moved.
    """

    order_id: uuid.UUID
    escrow_id: HashString | None = Field(description="Null: the order is not paid through the contract")
    reference: HashString | None = Field(description="Hash of the words that go on the chain with the step")
    steps: list[StepOut]


class PermitOut(OrderStepsOut):
    deadline: int = Field(description="Goes along with the signature")


@dataclass(frozen=True, slots=True)
class Act:
    """`does` is the endpoint's description; `steps` gets the body, if there is one."""

    path: str
    action: Action
    does: str
    steps: Callable[[EscrowActions, Permit, Any], Sequence[Step]]
    body: type[Input] | None = None


ACTS = (
    Act(
        "confirm",
        Action.CONFIRM,
        "By the buyer: all is well, the money goes to the seller.",
        lambda do, leave, _: do.release(leave.terms),
    ),
    Act(
        "refund",
        Action.REFUND,
        "By the seller: the money goes back to the buyer.",
        lambda do, leave, _: do.refund(leave.terms),
    ),
    Act(
        "ship",
        Action.SHIP,
        "By the seller: the goods are on their way. The text stays here, its salted hash goes on the chain.",
        lambda do, leave, _: do.ship(leave.terms, proof=leave.said),
        ShipIn,
    ),
    Act(
        "dispute",
        Action.DISPUTE,
        "By buyer or seller, while the inspection runs: call the arbiter.",
        lambda do, leave, _: do.dispute(leave.terms, by=leave.sender, evidence=leave.said),
        EvidenceIn,
    ),
    Act(
        "evidence",
        Action.EVIDENCE,
        "By buyer or seller, while the dispute is open: say more.",
        lambda do, leave, _: do.add_evidence(leave.terms, by=leave.sender, evidence=leave.said),
        EvidenceIn,
    ),
    Act(
        "rule",
        Action.RULE,
        "By the arbiter: split what is held. Where the order allows an appeal, the money waits for it.",
        lambda do, leave, body: do.rule(leave.terms, to_seller=body.to_seller, reason=leave.said),
        RulingIn,
    ),
    Act(
        "refund-expired",
        Action.REFUND_EXPIRED,
        "By any party: nothing was shipped in time, the money goes back to the buyer.",
        lambda do, leave, _: do.refund_expired(leave.terms, by=leave.sender),
    ),
    Act(
        "release-expired",
        Action.RELEASE_EXPIRED,
        "By any party: nobody disputed in time, the money goes to the seller.",
        lambda do, leave, _: do.release_expired(leave.terms, by=leave.sender),
    ),
    Act(
        "rule-expired",
        Action.RULE_EXPIRED,
        "By any party: the arbiter stayed silent, the money is split as the terms say.",
        lambda do, leave, _: do.rule_expired(leave.terms, by=leave.sender),
    ),
    Act(
        "release-part",
        Action.RELEASE_PART,
        "By the buyer, before a dispute: a part of the money goes to the seller.",
        lambda do, leave, body: do.release_part(leave.terms, amount=body.amount),
        PartIn,
    ),
    Act(
        "refund-part",
        Action.REFUND_PART,
        "By the seller, before a dispute: a part of the money goes back to the buyer.",
        lambda do, leave, body: do.refund_part(leave.terms, amount=body.amount),
        PartIn,
    ),
    Act(
        "offer-settlement",
        Action.OFFER_SETTLEMENT,
        "By buyer or seller: offer the other one a split of what is held now, in place of an earlier offer.",
        lambda do, leave, body: do.offer_settlement(leave.terms, by=leave.sender, to_seller=body.to_seller),
        SplitIn,
    ),
    Act(
        "withdraw-settlement",
        Action.WITHDRAW_SETTLEMENT,
        "By who offered a split: take it back.",
        lambda do, leave, _: do.withdraw_settlement(leave.terms, by=leave.sender),
    ),
    Act(
        "accept-settlement",
        Action.ACCEPT_SETTLEMENT,
        "By buyer or seller: the split that the other one offers. Ends the order.",
        lambda do, leave, body: do.accept_settlement(leave.terms, by=leave.sender, to_seller=body.to_seller),
        SplitIn,
    ),
    Act(
        "appeal",
        Action.APPEAL,
        "By buyer or seller, in the window after the ruling: let the court judge it.",
        lambda do, leave, _: do.appeal(leave.terms, by=leave.sender, evidence=leave.said),
        EvidenceIn,
    ),
    Act(
        "finish-ruling",
        Action.FINISH_RULING,
        "By any party: nobody appealed in time, or the court stayed silent; the arbiter's ruling holds.",
        lambda do, leave, _: do.finish_ruling(leave.terms, by=leave.sender),
    ),
)


@router.post("/{order_id}/fund")
def fund_order(
    order_id: uuid.UUID,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
    permit: Annotated[PermitIn | None, Body(description="In the place of a token's approval")] = None,
) -> OrderStepsOut:
    """By the buyer: pay into the escrow; a token is approved first, for exactly the amount."""
    with begin() as tx:
        leave = services.order.permit(tx, wallet_of(principal), order_id, Action.FUND)
    signed = None if permit is None else SignedPermit(leave.terms.amount, permit.deadline, permit.signature)
    do = services.escrow_actions()
    return order_steps(order_id, do, leave, do.fund(leave.terms, appeal=leave.appeal, permit=signed))


@router.post("/{order_id}/fund-permit")
def prepare_permit(
    order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> PermitOut:
    """By the buyer, for a token with permits (ERC-2612): sign, then pay with one transaction.

    Send `deadline` along with the signature. It is good for an hour.
    """
    with begin() as tx:
        leave = services.order.permit(tx, wallet_of(principal), order_id, Action.FUND)
    deadline = int((services.clock.now() + PERMIT_LIFE).timestamp())
    do = services.escrow_actions()
    step = do.sign_permit(leave.terms, deadline=deadline, post_to=f"/v1/orders/{order_id}/fund")
    planned = order_steps(order_id, do, leave, [step])
    return PermitOut(**dict(planned), deadline=deadline)


def _add(act: Act) -> None:
    """The chain is asked after the transaction has ended."""

    def take(
        order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, body: Input
    ) -> OrderStepsOut:
        words: Callable[[], Words] | None = getattr(body, "words", None)
        gross: Callable[[], int] | None = getattr(body, "gross", None)
        said, given = None if words is None else words(), None if gross is None else gross()
        with begin() as tx:
            if not services.order.is_on_chain(tx, order_id):
                digest = services.order.acts.take(
                    tx, caller_of(principal), order_id, act.action, words=said, gross=given
                )
                return OrderStepsOut(order_id=order_id, escrow_id=None, reference=digest, steps=[])
            leave = services.order.permit(
                tx, wallet_of(principal), order_id, act.action, words=said, gross=given
            )
        do = services.escrow_actions()
        return order_steps(order_id, do, leave, act.steps(do, leave, body))

    def take_plain(
        order_id: uuid.UUID, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
    ) -> OrderStepsOut:
        return take(order_id, begin, services, principal, Input())

    take.__annotations__["body"] = act.body
    endpoint: Callable[..., OrderStepsOut] = take_plain if act.body is None else take
    endpoint.__name__ = endpoint.__qualname__ = f"{act.path.replace('-', '_')}_order"
    endpoint.__doc__ = act.does
    router.add_api_route(f"/{{order_id}}/{act.path}", endpoint, methods=["POST"])


def order_steps(
    order_id: uuid.UUID, do: EscrowActions, leave: Permit, steps: Sequence[Step]
) -> OrderStepsOut:
    return OrderStepsOut(
        order_id=order_id,
        escrow_id=do.id_of(leave.terms),
        reference=leave.reference,
        steps=steps_out(steps),
    )


for _act in ACTS:
    _add(_act)
