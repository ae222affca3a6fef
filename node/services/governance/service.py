"""What people do in the DAO, as steps for their wallets; what the governor would refuse is refused in words.

Nothing is stored here: the governor is the judge, the projections of the chain tell what it decided. Whatever
asks the chain runs outside of a database transaction.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select

from indexer.models import EscrowRow, ProposalRow, VoteRow
from node.chain.actions import GovernanceActions, Proposal, Vote
from node.chain.artifacts import load_artifact
from node.chain.client import Call, ChainClient, Read
from node.chain.deployments import Deployment
from node.chain.errors import ExecutionReverted
from node.chain.escrow import Terms
from node.chain.steps import StepBuilder, TransactionStep
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, Hash32, address_from_bytes, to_bytes
from node.services.governance.actions import Action, ActionBook, action_of, coins
from node.services.governance.errors import (
    ActionInvalid,
    BelowThreshold,
    NotTheProposer,
    NoVotes,
    ProposalExists,
    ProposalUnknown,
    TimelockRuns,
    VotedAlready,
    WrongProposalState,
)
from node.services.governance.queries import FINDING
from node.services.governance.state import ProposalState

ACTIONS_MAX = 20  # all of them run in one transaction
DATA_BYTES_MAX = 16 * 1024  # of all calls together: proposing and queueing carry them as calldata

# The state in which a step can be taken.
NEEDS: Mapping[str, ProposalState] = {
    "vote": ProposalState.ACTIVE,
    "queue": ProposalState.SUCCEEDED,
    "execute": ProposalState.QUEUED,
    "cancel": ProposalState.PENDING,
}


@dataclass(frozen=True, slots=True)
class Warned:
    """An action that would fail if it ran now, after those before it. It may still be right later."""

    action: int
    reason: str


@dataclass(frozen=True, slots=True)
class Proposed:
    proposal_id: int
    description: str
    warnings: tuple[Warned, ...]
    steps: list[TransactionStep]


@dataclass(frozen=True, slots=True)
class Found:
    """A proposal as the projections tell of it, judged at `now` of the chain."""

    proposal_id: int
    proposer: Address
    state: ProposalState
    now: dt.datetime
    vote_starts_at: dt.datetime
    executable_at: dt.datetime | None
    hashed_args: list[object]
    """What `queue`, `execute` and `cancel` take."""


class GovernanceService:
    def __init__(self, clock: Clock, chain: ChainClient, deployment: Callable[[], Deployment]) -> None:
        self._clock = clock
        self._chain = chain
        self._deployment = deployment

    # --------------------------------------------------------------------------------------- reading

    def view(self, **more: object) -> dict[str, object]:
        """The parameters that every view takes, and `more` of one view's own."""
        deployment = self._deployment()
        return {
            "chain_id": deployment.chain_id,
            "governor": to_bytes(deployment.governor.address),
            "token": to_bytes(deployment.votes_token.address),
            "timelock": to_bytes(deployment.timelock.address),
            "now": self._clock.now(),
            **more,
        }

    def book(self, appeals: Mapping[Hash32, Terms] | None = None) -> ActionBook:
        return ActionBook(self._deployment(), appeals)

    def appeals(self, tx: Tx, escrow_ids: Collection[Hash32]) -> dict[Hash32, Terms]:
        """Those of these escrows that wait for the DAO's ruling, with their terms as the chain told them."""
        deployment = self._deployment()
        waiting = select(EscrowRow).where(
            EscrowRow.chain_id == deployment.chain_id,
            EscrowRow.contract == deployment.escrow.address,
            EscrowRow.escrow_id.in_(escrow_ids),
            EscrowRow.court == deployment.timelock.address,
            EscrowRow.state == "appealed",
        )
        return {row.escrow_id: _terms(row) for row in tx.execute(waiting).scalars()}

    def find(self, tx: Tx, proposal_id: int) -> Found:
        """Raises `ProposalUnknown`."""
        deployment = self._deployment()
        key = (deployment.chain_id, deployment.governor.address, proposal_id)
        row = tx.get(ProposalRow, dict(zip(("chain_id", "governor", "proposal_id"), key, strict=True)))
        if row is None:
            raise ProposalUnknown("the governor has no such proposal, or it was not read yet")
        state, now = self._judged(tx, proposal_id)
        return Found(
            proposal_id=proposal_id,
            proposer=row.proposer,
            state=state,
            now=now,
            vote_starts_at=row.vote_start,
            executable_at=row.queued_eta,
            hashed_args=_hashed_args(row),
        )

    def has_voted(self, tx: Tx, proposal_id: int, voter: Address) -> bool:
        deployment = self._deployment()
        cast = select(VoteRow).where(
            VoteRow.chain_id == deployment.chain_id,
            VoteRow.governor == deployment.governor.address,
            VoteRow.proposal_id == proposal_id,
            VoteRow.voter == voter,
        )
        return bool(tx.execute(select(exists(cast))).scalar_one())

    def _judged(self, tx: Tx, proposal_id: int) -> tuple[ProposalState, dt.datetime]:
        values = self.view(proposal_id=proposal_id)
        state, now = tx.connection().exec_driver_sql(FINDING, values).one()
        return ProposalState(state), now

    # ------------------------------------------------------------------------------------ delegating

    def delegate(self, *, holder: Address, delegatee: Address) -> list[TransactionStep]:
        """Empty when the holder's votes are there already."""
        token = self._deployment().votes_token
        present = self._chain.read(load_artifact(token.artifact), token.address, "delegates", holder)
        return [] if present == delegatee else self.actions().delegate(holder=holder, to=delegatee)

    # ------------------------------------------------------------------------------------- proposing

    def propose(self, *, proposer: Address, title: str, text: str, actions: Sequence[Action]) -> Proposed:
        """The transaction that proposes, and the id that the proposal will have.

        Raises:
            ActionInvalid, BelowThreshold, ProposalExists
        """
        book = self.book()
        _check_size(actions)
        checked = [book.checked(action) for action in actions]
        proposal = Proposal(
            targets=tuple(action.to for action in checked),
            values=tuple(action.value for action in checked),
            calldatas=tuple("0x" + action.data.hex() for action in checked),
            description=guarded(title, text, proposer),
        )
        self._check_proposer(proposer)
        self._check_new(proposal.id())
        return Proposed(
            proposal_id=proposal.id(),
            description=proposal.description,
            warnings=self._foreseen(checked),
            steps=self._propose(proposal, proposer),
        )

    def _propose(self, proposal: Proposal, proposer: Address) -> list[TransactionStep]:
        try:
            return self.actions().propose(proposal, proposer=proposer)
        except ExecutionReverted as refusal:
            if refusal.revert.name != "GovernorInsufficientProposerVotes":
                raise
            # Its votes are enough, but the governor counts those of one second ago.
            words = "votes count from the second after they were delegated: try again"
            raise BelowThreshold(words, proposer=proposer) from refusal

    def _check_proposer(self, proposer: Address) -> None:
        deployment = self._deployment()
        governor, token = deployment.governor, deployment.votes_token
        threshold, votes = self._chain.read_many(
            [
                Read(load_artifact(governor.artifact), governor.address, "proposalThreshold"),
                Read(load_artifact(token.artifact), token.address, "getVotes", (proposer,)),
            ]
        )
        if votes < threshold:
            raise BelowThreshold(
                f"a proposal needs {threshold} votes, and {proposer} has {votes}: "
                "votes count once they are delegated, also to oneself",
                need=str(threshold),
                have=str(votes),
            )

    def _check_new(self, proposal_id: int) -> None:
        governor = self._deployment().governor
        artifact = load_artifact(governor.artifact)
        made = self._chain.read(artifact, governor.address, "proposalSnapshot", proposal_id)
        if made:
            raise ProposalExists(
                "the same was proposed before; change the title or the text", proposal_id=str(proposal_id)
            )

    def _foreseen(self, actions: Sequence[Action]) -> tuple[Warned, ...]:
        """What would fail if the timelock made the calls now. Nothing, where the server cannot simulate."""
        timelock = self._deployment().timelock.address
        held = self._chain.balance(timelock)
        payable = _payable(actions, held)
        calls = [
            Call(to=action.to, data="0x" + action.data.hex(), sender=timelock, value=action.value)
            for action in actions[:payable]
        ]
        outcomes = (self._chain.simulate(calls, timestamp=self._next_timestamp()) or []) if calls else []
        warnings = [
            Warned(place, outcome.revert.message)
            for place, outcome in enumerate(outcomes)
            if outcome.revert is not None
        ]
        if payable < len(actions):
            warnings.append(Warned(payable, f"the treasury holds {coins(held)} only"))
        return tuple(warnings)

    def _next_timestamp(self) -> int:
        head = self._chain.block("latest")
        after_head = 0 if head is None else head.timestamp + 1
        return max(after_head, int(self._clock.now().timestamp()))

    # ------------------------------------------------------------------------- the life of a proposal

    def vote(
        self, found: Found, *, voter: Address, support: Vote, reason: str, voted: bool
    ) -> list[TransactionStep]:
        """Raises `WrongProposalState`, `VotedAlready`, `NoVotes`."""
        self.check_vote(found, voter=voter, voted=voted)
        return self.actions().vote(voter=voter, proposal_id=found.proposal_id, support=support, reason=reason)

    def check_vote(self, found: Found, *, voter: Address, voted: bool) -> None:
        """Raises as `vote`."""
        _check_state(found, "vote")
        if voted:
            raise VotedAlready("this account has voted on the proposal", voter=voter)
        governor = self._deployment().governor
        snapshot = int(found.vote_starts_at.timestamp())
        # The governor looks up the past, which it refuses while it is not past: then it has no answer yet.
        weight = self._read_pending(governor.address, "getVotes", voter, snapshot)
        if weight == 0:
            raise NoVotes(
                "this account had no votes when the vote began: delegate first, also to yourself",
                voter=voter,
                snapshot=found.vote_starts_at.isoformat(),
            )

    def queue(self, found: Found, *, sender: Address) -> list[TransactionStep]:
        """Anybody may."""
        _check_state(found, "queue")
        return self._governor(found, "queue", sender, "Queue the proposal in the timelock")

    def execute(self, found: Found, *, sender: Address) -> list[TransactionStep]:
        """Anybody may. Raises `TimelockRuns` while the delay is not over."""
        _check_state(found, "execute")
        if found.executable_at is not None and found.executable_at > found.now:
            at = found.executable_at.isoformat()
            raise TimelockRuns(f"the timelock opens at {at}", executable_at=at)
        return self._governor(found, "execute", sender, "Carry the proposal out")

    def cancel(self, found: Found, *, sender: Address) -> list[TransactionStep]:
        """Raises `NotTheProposer`; and later than pending nobody can."""
        if found.proposer != sender:
            raise NotTheProposer("only who made the proposal may cancel it", proposer=found.proposer)
        _check_state(found, "cancel")
        return self._governor(found, "cancel", sender, "Cancel the proposal")

    def _governor(self, found: Found, step: str, sender: Address, description: str) -> list[TransactionStep]:
        builder = self._builder()
        governor = builder.deployment.governor
        return builder.transaction(
            governor, step, found.hashed_args, sender=sender, action=step, description=description
        )

    def _read_pending(self, governor: Address, function: str, *args: object) -> Any:  # noqa: ANN401
        artifact = load_artifact(self._deployment().governor.artifact)
        (answer,) = self._chain.read_many([Read(artifact, governor, function, args)], at="pending")
        if isinstance(answer, ExecutionReverted):
            raise answer
        return answer

    def _builder(self) -> StepBuilder:
        return StepBuilder(self._chain, self._deployment(), self._clock)

    def actions(self) -> GovernanceActions:
        return GovernanceActions(self._builder())


def guarded(title: str, text: str, proposer: Address) -> str:
    """The description on the chain.

    Its last line binds it to the proposer (OpenZeppelin's Governor looks for it): nobody else can propose the
    same under this id and cancel it.
    """
    body = f"# {title}\n\n{text}" if text else f"# {title}"
    return f"{body}\n\n#proposer={proposer}"


def _payable(actions: Sequence[Action], held: int) -> int:
    """How many of the first actions the treasury can pay for."""
    totals = itertools.accumulate(action.value for action in actions)
    return sum(1 for _ in itertools.takewhile(lambda total: total <= held, totals))


def _check_size(actions: Sequence[Action]) -> None:
    if not 1 <= len(actions) <= ACTIONS_MAX:
        raise ActionInvalid(f"a proposal has 1 to {ACTIONS_MAX} actions", have=len(actions))
    size = sum(len(action.data) for action in actions)
    if size > DATA_BYTES_MAX:
        raise ActionInvalid("the calls are too large", bytes=size, bytes_max=DATA_BYTES_MAX)


def _check_state(found: Found, step: str) -> None:
    needs = NEEDS[step]
    if found.state is not needs:
        raise WrongProposalState(
            f"the proposal is {found.state}; to {step} it has to be {needs}",
            state=found.state.value,
            needs=needs.value,
        )


def _terms(row: EscrowRow) -> Terms:
    return Terms(
        order_id=row.order_id,
        buyer=row.buyer,
        seller=row.seller,
        arbiter=row.arbiter,
        asset=row.asset,
        amount=row.amount,
        fee_receiver=row.fee_receiver,
        fee_bps=row.fee_bps,
        silence_seller_bps=row.silence_seller_bps,
        ship_by=int(row.ship_by.timestamp()),
        inspection=row.inspection_s,
        ruling=row.ruling_s,
    )


def _hashed_args(row: ProposalRow) -> list[object]:
    actions = [
        action_of(target, int(value), data)
        for target, value, data in zip(row.targets, row.call_values, row.calldatas, strict=True)
    ]
    return [
        [address_from_bytes(target) for target in row.targets],
        [action.value for action in actions],
        ["0x" + action.data.hex() for action in actions],
        row.description_hash,
    ]
