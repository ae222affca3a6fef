"""The DAO. Streams: `proposal:<proposal id>`, `delegator:<token>:<address>`."""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address


def proposal_stream(proposal_id: int | str) -> str:
    return f"proposal:{proposal_id}"


def delegator_stream(token: Address, delegator: Address) -> str:
    return f"delegator:{token}:{delegator}"


class ProposalCreated(ChainEvent, frozen=True, kw_only=True):
    """Arrays run in step: one entry per call. Times are seconds since 1970; calldata is 0x hex."""

    type_name = "proposal.created"
    proposal_id: str
    proposer: Address
    targets: list[Address]
    values: list[str]
    calldatas: list[str]
    description: str
    vote_start: int
    vote_end: int


class ProposalQueued(ChainEvent, frozen=True, kw_only=True):
    type_name = "proposal.queued"
    proposal_id: str
    eta: int


class ProposalExecuted(ChainEvent, frozen=True, kw_only=True):
    type_name = "proposal.executed"
    proposal_id: str


class ProposalCanceled(ChainEvent, frozen=True, kw_only=True):
    type_name = "proposal.canceled"
    proposal_id: str


class ProposalExtended(ChainEvent, frozen=True, kw_only=True):
    type_name = "proposal.extended"
    proposal_id: str
    extended_deadline: int


class VoteCast(ChainEvent, frozen=True, kw_only=True):
    """Support: 0 against, 1 for, 2 abstain."""

    type_name = "vote.cast"
    proposal_id: str
    voter: Address
    support: int
    weight: str
    reason: str


class DelegationChanged(ChainEvent, frozen=True, kw_only=True):
    type_name = "delegation.changed"
    delegator: Address
    from_delegate: Address
    to_delegate: Address
