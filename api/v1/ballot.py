"""Votes by signature: sign one, hand it in, see those that wait, and cast them for their voters."""

import datetime as dt
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.routing import EffectTx, edge_router
from api.schemas import AddressString, HashString, HexBytes, Input, Output, Page, UintOut, UintString
from api.steps import StepOut, StepsOut, steps_out
from api.v1.proposal import ProposalId, Support
from api.views import ThePage, Views
from node.chain.actions import Vote
from node.chain.ballot import Ballot
from node.services.governance import queries

router = edge_router("proposals", prefix="/v1/proposals/{proposal_id}/ballots")


class WishIn(Input):
    support: Support


class BallotIn(Input):
    voter: AddressString
    support: Support
    nonce: UintString
    signature: HexBytes = Field(description="By the voter's key, or for its ERC-1271 wallet")


class BallotFieldsOut(Output):
    voter: AddressString
    support: Support
    nonce: UintOut


class PreparedBallotOut(Output):
    """Sign, then post the fields of `ballot` with the signature."""

    ballot: BallotFieldsOut
    digest: HashString
    steps: list[StepOut]


class BallotOut(BallotFieldsOut):
    digest: HashString = Field(description="EIP-712 digest of what was signed")
    state: Literal["open", "cast", "void"] = Field(description="`void`: the voter has voted otherwise")
    signature: HexBytes
    signed_at: dt.datetime


class HandedInOut(Output):
    digest: HashString


@router.post("/prepare")
def prepare_ballot(
    proposal_id: ProposalId,
    body: WishIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> PreparedBallotOut:
    """What the caller's wallet signs to vote without a transaction of its own, while the vote is open."""
    prepared = services.ballots.prepare(
        begin,
        proposal_id,
        voter=principal.address,
        support=Vote[body.support.upper()],
        post_to=f"/v1/proposals/{proposal_id}/ballots",
    )
    ballot = prepared.ballot
    return PreparedBallotOut(
        ballot=BallotFieldsOut(voter=ballot.voter, support=body.support, nonce=ballot.nonce),
        digest=prepared.digest,
        steps=steps_out([prepared.step]),
    )


@router.post("", status_code=201)
def post_ballot(
    proposal_id: ProposalId,
    body: BallotIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> HandedInOut:
    """Hand in a signed vote, one's own or another's. Posting it again is harmless."""
    ballot = Ballot(proposal_id, int(Vote[body.support.upper()]), body.voter, body.nonce)
    digest = services.ballots.accept(begin, ballot, body.signature, account_id=principal.account_id)
    return HandedInOut(digest=digest)


@router.get("", response_model=Page[BallotOut])
async def list_ballots(
    proposal_id: ProposalId, views: Views, services: TheServices, page: ThePage
) -> Response:
    """The newest first; empty for a proposal that is not known."""
    return await views.page(queries.BALLOTS, services.governance.view(proposal_id=proposal_id), page)


@router.post("/{digest}/cast")
def cast_ballot(
    proposal_id: ProposalId,
    digest: HashString,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
) -> StepsOut:
    """What the caller's wallet sends to bring the vote of another to the governor. Anybody may."""
    steps = services.ballots.cast(begin, proposal_id, digest, sender=principal.address)
    return StepsOut(steps=steps_out(steps))
