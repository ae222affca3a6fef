"""Proposals, votes, the governor's settings, and who has how many votes."""

from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak

from indexer.models import (
    DelegationRow,
    GovernorRow,
    ProposalRow,
    VoteRow,
    VotesBalanceRow,
    VotingPowerRow,
)
from indexer.projections.rules import Rule, Rules, instant
from indexer.workset import At, Ref, WorkSet
from node.chain import events as ev
from node.chain.logs import mended
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_ADDRESS, hash_from_bytes, to_bytes

TALLIES = ("against_votes", "for_votes", "abstain_votes")  # by number, as the governor counts

ProposalStep = (
    ev.ProposalCreated
    | ev.ProposalQueued
    | ev.ProposalExecuted
    | ev.ProposalCanceled
    | ev.ProposalExtended
    | ev.VoteCast
    | ev.VoteCastWithParams
)


def _proposal(at: At, event: ProposalStep) -> list[Ref]:
    return [Ref(ProposalRow, (at.contract, event.proposal_id))]


def _created(work: WorkSet, at: At, event: ev.ProposalCreated) -> None:
    unset: dict[str, object] = dict.fromkeys(
        (
            *("extended_until", "queued_eta"),
            *(f"{step}_{what}" for step in ("queued", "executed", "canceled") for what in ("at", "tx")),
        )
    )
    work.put(
        ProposalRow,
        (at.contract, event.proposal_id),
        at,
        proposer=event.proposer,
        targets=[to_bytes(target) for target in event.targets],
        call_values=list(event.values),
        signatures=[mended(signature) for signature in event.signatures],
        calldatas=list(event.calldatas),
        description=mended(event.description),
        description_hash=hash_from_bytes(keccak(event.description)),
        vote_start=instant(event.vote_start),
        vote_end=instant(event.vote_end),
        for_votes=0,
        against_votes=0,
        abstain_votes=0,
        created_block=at.block,
        created_log=at.log,
        created_at=at.time,
        created_tx=at.tx,
        **unset,
    )


def _change(work: WorkSet, at: At, event: ProposalStep, **columns: object) -> None:
    if work.find(ProposalRow, at.contract, event.proposal_id) is None:
        raise Bug("a step of an unknown proposal", proposal_id=str(event.proposal_id))
    work.put(ProposalRow, (at.contract, event.proposal_id), at, **columns)


def _queued(work: WorkSet, at: At, event: ev.ProposalQueued) -> None:
    _change(work, at, event, queued_eta=instant(event.eta_seconds), queued_at=at.time, queued_tx=at.tx)


def _executed(work: WorkSet, at: At, event: ev.ProposalExecuted) -> None:
    _change(work, at, event, executed_at=at.time, executed_tx=at.tx)


def _canceled(work: WorkSet, at: At, event: ev.ProposalCanceled) -> None:
    _change(work, at, event, canceled_at=at.time, canceled_tx=at.tx)


def _extended(work: WorkSet, at: At, event: ev.ProposalExtended) -> None:
    _change(work, at, event, extended_until=instant(event.extended_deadline))


def _voted(work: WorkSet, at: At, event: ev.VoteCast | ev.VoteCastWithParams) -> None:
    if event.support >= len(TALLIES):
        raise Bug("a vote of a kind that this node does not know", support=event.support)
    row = work.find(ProposalRow, at.contract, event.proposal_id) or {}
    tally = TALLIES[event.support]
    _change(work, at, event, **{tally: row.get(tally, 0) + event.weight})
    work.add(
        VoteRow,
        at,
        governor=at.contract,
        proposal_id=event.proposal_id,
        voter=event.voter,
        support=event.support,
        weight=event.weight,
        reason=event.reason,
    )


def _governor(at: At, _event: ev.ChainLog) -> list[Ref]:
    return [Ref(GovernorRow, (at.contract,))]


_SETTINGS = (
    *("voting_delay_s", "voting_period_s", "proposal_threshold", "quorum_numerator"),
    *("late_quorum_extension_s", "timelock", "proposal_guardian"),
)


def _setting(column: str, value: Callable[[Any], object]) -> Rule:
    def apply(work: WorkSet, at: At, event: ev.ChainLog) -> None:
        fresh = dict.fromkeys(_SETTINGS) if work.find(GovernorRow, at.contract) is None else {}
        work.put(GovernorRow, (at.contract,), at, **(fresh | {column: value(event)}))

    return Rule(_governor, apply)


def _transfer_refs(at: At, event: ev.VotesTransfer) -> list[Ref]:
    holders = {event.sender, event.recipient} - {ZERO_ADDRESS}
    return [Ref(VotesBalanceRow, (at.contract, holder)) for holder in sorted(holders)]


def _transferred(work: WorkSet, at: At, event: ev.VotesTransfer) -> None:
    for holder, by in ((event.sender, -event.value), (event.recipient, event.value)):
        if holder == ZERO_ADDRESS:
            continue
        row = work.find(VotesBalanceRow, at.contract, holder)
        balance = (0 if row is None else row["balance"]) + by
        work.put(VotesBalanceRow, (at.contract, holder), at, balance=balance)


def _delegation_refs(at: At, event: ev.DelegateChanged) -> list[Ref]:
    return [Ref(DelegationRow, (at.contract, event.delegator))]


def _delegated(work: WorkSet, at: At, event: ev.DelegateChanged) -> None:
    work.put(DelegationRow, (at.contract, event.delegator), at, delegate=event.to_delegate)


def _power_refs(at: At, event: ev.DelegateVotesChanged) -> list[Ref]:
    return [Ref(VotingPowerRow, (at.contract, event.delegate))]


def _power_changed(work: WorkSet, at: At, event: ev.DelegateVotesChanged) -> None:
    work.put(VotingPowerRow, (at.contract, event.delegate), at, votes=event.new_votes)


RULES: Rules = {
    ev.ProposalCreated: Rule(_proposal, _created),
    ev.ProposalQueued: Rule(_proposal, _queued),
    ev.ProposalExecuted: Rule(_proposal, _executed),
    ev.ProposalCanceled: Rule(_proposal, _canceled),
    ev.ProposalExtended: Rule(_proposal, _extended),
    ev.VoteCast: Rule(_proposal, _voted),
    ev.VoteCastWithParams: Rule(_proposal, _voted),
    ev.VotingDelaySet: _setting("voting_delay_s", lambda e: e.new_voting_delay),
    ev.VotingPeriodSet: _setting("voting_period_s", lambda e: e.new_voting_period),
    ev.ProposalThresholdSet: _setting("proposal_threshold", lambda e: e.new_proposal_threshold),
    ev.QuorumNumeratorUpdated: _setting("quorum_numerator", lambda e: e.new_quorum_numerator),
    ev.LateQuorumVoteExtensionSet: _setting("late_quorum_extension_s", lambda e: e.new_vote_extension),
    ev.TimelockChange: _setting("timelock", lambda e: e.new_timelock),
    ev.ProposalGuardianSet: _setting("proposal_guardian", lambda e: e.new_guardian),
    ev.VotesTransfer: Rule(_transfer_refs, _transferred),
    ev.DelegateChanged: Rule(_delegation_refs, _delegated),
    ev.DelegateVotesChanged: Rule(_power_refs, _power_changed),
}
