"""Proposals: make one, vote, queue, execute, cancel; and read what was decided."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field, StrictBool, StrictStr
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, HashString, HexBytes, Input, Output, Page, UintOut, UintString, Whole
from api.steps import StepOut, StepsOut, steps_out
from api.views import ThePage, Views
from node.chain.actions import Vote
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH
from node.services.governance import queries
from node.services.governance.actions import Action, ActionBook
from node.services.governance.calls import SIGNATURE_CHARS_MAX, encode_call
from node.services.governance.errors import ActionInvalid, ProposalUnknown
from node.services.governance.reading import explained
from node.services.governance.service import ACTIONS_MAX
from node.services.governance.state import ProposalState

router = edge_router("proposals", prefix="/v1/proposals")

TITLE_CHARS_MAX = 200
TEXT_CHARS_MAX = 10_000  # each byte costs the proposer gas
REASON_CHARS_MAX = 1_000
SECONDS_MAX = 10 * 365 * 24 * 3600
BPS_MAX = 10_000

Argument = StrictStr | StrictBool
ProposalId = Annotated[UintString, Path(description="As the governor counts it, a decimal string")]


class CallIn(Input):
    """Any call, as people write it."""

    kind: Literal["call"]
    to: AddressString
    signature: str = Field(max_length=SIGNATURE_CHARS_MAX, examples=["setFee(address,uint16)"])
    arguments: list[Argument | list[Argument | list[Argument]]] = Field(
        max_length=50, description="Numbers as decimal strings, bytes as 0x hex, arrays as lists"
    )
    value: UintString = Field(0, description="Wei out of the treasury")

    def actions(self, _: ActionBook) -> list[Action]:
        return [Action(self.to, self.value, encode_call(self.signature, self.arguments))]


class RawIn(Input):
    """Any call, as calldata."""

    kind: Literal["raw"]
    to: AddressString
    data: HexBytes
    value: UintString = Field(0, description="Wei out of the treasury")

    def actions(self, _: ActionBook) -> list[Action]:
        return [Action(self.to, self.value, self.data)]


class TransferIn(Input):
    """Money out of the treasury."""

    kind: Literal["transfer"]
    to: AddressString
    amount: UintString
    asset: AddressString | None = Field(None, description="A token; left out, the native coin")

    def actions(self, book: ActionBook) -> list[Action]:
        return [book.transfer(asset=self.asset or ZERO_ADDRESS, to=self.to, amount=self.amount)]


class ExchangeFeeIn(Input):
    kind: Literal["set_exchange_fee"]
    bps: Whole = Field(ge=0, le=BPS_MAX, description="Ten-thousandths of the price", examples=[200])
    receiver: AddressString | None = Field(None, description="Left out, the treasury")

    def actions(self, book: ActionBook) -> list[Action]:
        return [book.set_exchange_fee(bps=self.bps, receiver=self.receiver)]


class CurrencyIn(Input):
    """Whether a token may be used to pay on the exchange."""

    kind: Literal["allow_currency"]
    currency: AddressString
    allowed: StrictBool = True

    def actions(self, book: ActionBook) -> list[Action]:
        return [book.allow_currency(currency=self.currency, allowed=self.allowed)]


class RuleAppealIn(Input):
    """Judge an escrow whose parties appealed to the DAO."""

    kind: Literal["rule_appeal"]
    escrow_id: HashString
    to_seller: UintString = Field(description="The seller's part before the fee; the rest goes to the buyer")
    reason: HashString = Field(ZERO_HASH, description="Hash of the reason; the proposal's text may be it")

    def actions(self, book: ActionBook) -> list[Action]:
        return [book.rule_appeal(escrow_id=self.escrow_id, to_seller=self.to_seller, reason=self.reason)]


class VotingRulesIn(Input):
    """The DAO's own rules. What is left out stays as it is; one action for each of the others."""

    kind: Literal["set_voting_rules"]
    voting_delay_s: Whole | None = Field(None, ge=0, le=SECONDS_MAX)
    voting_period_s: Whole | None = Field(None, ge=1, le=SECONDS_MAX)
    late_quorum_extension_s: Whole | None = Field(None, ge=0, le=SECONDS_MAX)
    proposal_threshold: UintString | None = None
    quorum_percent: Whole | None = Field(None, ge=0, le=100)
    timelock_delay_s: Whole | None = Field(None, ge=0, le=SECONDS_MAX)

    def actions(self, book: ActionBook) -> list[Action]:
        wanted = {
            "setVotingDelay": self.voting_delay_s,
            "setVotingPeriod": self.voting_period_s,
            "setLateQuorumVoteExtension": self.late_quorum_extension_s,
            "setProposalThreshold": self.proposal_threshold,
            "updateQuorumNumerator": self.quorum_percent,
        }
        actions = [book.set_voting(name, value) for name, value in wanted.items() if value is not None]
        if self.timelock_delay_s is not None:
            actions.append(book.set_timelock_delay(seconds=self.timelock_delay_s))
        if not actions:
            raise ActionInvalid("none of the rules would change")
        return actions


ActionIn = Annotated[
    CallIn | RawIn | TransferIn | ExchangeFeeIn | CurrencyIn | RuleAppealIn | VotingRulesIn,
    Field(discriminator="kind"),
]


class ProposalIn(Input):
    title: str = Field(
        min_length=1, max_length=TITLE_CHARS_MAX, pattern=r"^\S[^\n\r]*$", examples=["Lower the fee"]
    )
    description: str = Field("", max_length=TEXT_CHARS_MAX, description="Markdown; stored on the chain")
    actions: list[ActionIn] = Field(
        min_length=1,
        max_length=ACTIONS_MAX,
        description="In order; all of them happen or none",
        examples=[[{"kind": "set_exchange_fee", "bps": 200}]],
    )


class ActionOut(Output):
    """A call that the timelock makes. What this node cannot read is null."""

    to: AddressString
    contract: str | None = Field(examples=["exchange"])
    value: UintOut
    data: HexBytes
    function: str | None = Field(examples=["setFee(address,uint16)"])
    arguments: dict[str, Any] | None = Field(examples=[{"receiver": "0x…", "bps": "200"}])
    words: str


class WarningOut(Output):
    """An action that would fail if it ran now, after those before it."""

    action: int = Field(description="Its place in the list, from 0")
    reason: str


class ProposedOut(Output):
    proposal_id: UintOut = Field(description="The id that the proposal will have")
    description: str = Field(
        description="As it goes on the chain: title, text, and the guard of the proposer"
    )
    actions: list[ActionOut]
    warnings: list[WarningOut]
    steps: list[StepOut]


class TallyOut(Output):
    """Votes in the token's smallest unit. The quorum counts those for and those who abstain."""

    for_: UintOut = Field(alias="for")
    against: UintOut
    abstain: UintOut
    quorum: UintOut


class ProposalBrief(Output):
    id: UintOut
    state: ProposalState
    title: str
    proposer: AddressString
    tally: TallyOut
    created_at: dt.datetime
    vote_starts_at: dt.datetime = Field(description="Also the snapshot of who has how many votes")
    vote_ends_at: dt.datetime
    executable_at: dt.datetime | None = Field(description="When the timelock opens, once queued")


class StampOut(Output):
    at: dt.datetime
    tx_hash: HashString


class ProposalOut(ProposalBrief):
    description: str
    description_hash: HashString
    voters: int
    created: StampOut
    queued: StampOut | None
    executed: StampOut | None
    canceled: StampOut | None
    actions: list[ActionOut]


Support = Literal["for", "against", "abstain"]


class VoteIn(Input):
    support: Support
    reason: str = Field("", max_length=REASON_CHARS_MAX, description="Stored on the chain")


class VoteOut(Output):
    voter: AddressString
    support: Support
    weight: UintOut
    reason: str
    at: dt.datetime
    tx_hash: HashString


@router.post("")
def propose(
    body: ProposalIn, begin: EffectTx, principal: CurrentPrincipal, services: TheServices
) -> ProposedOut:
    """Prepare a proposal. It exists once the transaction of its step is in the chain."""
    judged = [item.escrow_id for item in body.actions if isinstance(item, RuleAppealIn)]
    with begin() as tx:
        appeals = services.governance.appeals(tx, judged)
    book = services.governance.book(appeals)
    actions = [action for item in body.actions for action in item.actions(book)]
    proposed = services.governance.propose(
        proposer=principal.address, title=body.title.strip(), text=body.description.strip(), actions=actions
    )
    return ProposedOut(
        proposal_id=proposed.proposal_id,
        description=proposed.description,
        actions=[_action_out(action, book) for action in actions],
        warnings=[WarningOut(action=item.action, reason=item.reason) for item in proposed.warnings],
        steps=steps_out(proposed.steps),
    )


@router.get("", response_model=Page[ProposalBrief])
async def proposals(
    views: Views,
    services: TheServices,
    page: ThePage,
    state: Annotated[ProposalState | None, Query(description="Only those in this state")] = None,
) -> Response:
    """The newest first."""
    params = services.governance.view(**({} if state is None else {"state": state.value}))
    return await views.page(queries.proposals(state), params, page)


@router.get("/{proposal_id}", response_model=ProposalOut)
async def proposal(proposal_id: ProposalId, views: Views, services: TheServices) -> Response:
    """One proposal with its calls in words."""
    params = services.governance.view(proposal_id=proposal_id)
    body = await services.queries.json(queries.PROPOSAL, params)
    if body is None:
        raise ProposalUnknown("the governor has no such proposal, or it was not read yet")
    return views.answer(explained(body, services.governance.book()))


@router.get("/{proposal_id}/votes", response_model=Page[VoteOut])
async def votes(proposal_id: ProposalId, views: Views, services: TheServices, page: ThePage) -> Response:
    """The newest first; empty for a proposal that is not known."""
    return await views.page(queries.VOTES, services.governance.view(proposal_id=proposal_id), page)


@router.post("/{proposal_id}/votes")
def vote(
    proposal_id: ProposalId,
    body: VoteIn,
    begin: EffectTx,
    principal: CurrentPrincipal,
    services: TheServices,
) -> StepsOut:
    """Vote while the proposal is active. A vote cannot be changed."""
    with begin() as tx:
        found = services.governance.find(tx, proposal_id)
        voted = services.governance.has_voted(tx, proposal_id, principal.address)
    steps = services.governance.vote(
        found,
        voter=principal.address,
        support=Vote[body.support.upper()],
        reason=body.reason,
        voted=voted,
    )
    return StepsOut(steps=steps_out(steps))


@router.post("/{proposal_id}/queue")
def queue(
    proposal_id: ProposalId, begin: EffectTx, principal: CurrentPrincipal, services: TheServices
) -> StepsOut:
    """Put a proposal that succeeded into the timelock. Anybody may."""
    with begin() as tx:
        found = services.governance.find(tx, proposal_id)
    return StepsOut(steps=steps_out(services.governance.queue(found, sender=principal.address)))


@router.post("/{proposal_id}/execute")
def execute(
    proposal_id: ProposalId, begin: EffectTx, principal: CurrentPrincipal, services: TheServices
) -> StepsOut:
    """Carry out a queued proposal when its delay is over. Anybody may."""
    with begin() as tx:
        found = services.governance.find(tx, proposal_id)
    return StepsOut(steps=steps_out(services.governance.execute(found, sender=principal.address)))


@router.post("/{proposal_id}/cancel")
def cancel(
    proposal_id: ProposalId, begin: EffectTx, principal: CurrentPrincipal, services: TheServices
) -> StepsOut:
    """Take back one's own proposal before its vote begins."""
    with begin() as tx:
        found = services.governance.find(tx, proposal_id)
    return StepsOut(steps=steps_out(services.governance.cancel(found, sender=principal.address)))


def _action_out(action: Action, book: ActionBook) -> ActionOut:
    described = book.describe(action)
    return ActionOut(
        to=action.to,
        contract=described.contract,
        value=action.value,
        data="0x" + action.data.hex(),
        function=described.function,
        arguments=None if described.arguments is None else dict(described.arguments),
        words=described.words,
    )
