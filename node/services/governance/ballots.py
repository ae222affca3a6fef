"""Votes by signature: a voter signs, which costs nothing, and whoever wants to sends it to the governor.

Invariant: a row is a ballot that the governor would have counted when it was posted. The signature proves who
votes, so anybody may hand it in; whether the voter has voted meanwhile is read from the projections.
"""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from node.chain.actions import GovernanceActions, Vote
from node.chain.artifacts import load_artifact
from node.chain.ballot import Ballot, key_of
from node.chain.signatures import verify_signature
from node.chain.steps import SignatureStep, TransactionStep
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, Hash32
from node.services.governance.errors import BallotNonceUsed, BallotSignatureInvalid, BallotUnknown
from node.services.governance.models import BallotRow
from node.services.governance.service import Found, GovernanceService

Begin = Callable[[], AbstractContextManager[Tx]]


@dataclass(frozen=True, slots=True)
class PreparedBallot:
    ballot: Ballot
    digest: Hash32
    step: SignatureStep


class BallotService:
    def __init__(self, clock: Clock, governance: GovernanceService) -> None:
        self._clock = clock
        self._governance = governance

    def prepare(
        self, begin: Begin, proposal_id: int, *, voter: Address, support: Vote, post_to: str
    ) -> PreparedBallot:
        """Raises `ProposalUnknown`, `WrongProposalState`, `VotedAlready`, `NoVotes`."""
        self._may_vote(begin, proposal_id, voter)
        actions = self._governance.actions()
        ballot = Ballot(proposal_id, int(support), voter, self._nonce(actions, proposal_id, voter))
        step = actions.sign_vote(ballot, post_to=post_to)
        return PreparedBallot(ballot, ballot.digest(actions.domain), step)

    def accept(self, begin: Begin, ballot: Ballot, signature: bytes, *, account_id: uuid.UUID) -> Hash32:
        """Keeps it for whoever casts it. Posting it again changes nothing.

        Raises:
            BallotNonceUsed, BallotSignatureInvalid: And as `prepare`.
        """
        self._may_vote(begin, ballot.proposal_id, ballot.voter)
        actions = self._governance.actions()
        if ballot.nonce != self._nonce(actions, ballot.proposal_id, ballot.voter):
            raise BallotNonceUsed("the nonce is not the voter's next one", nonce=str(ballot.nonce))
        digest = ballot.digest(actions.domain)
        check = verify_signature(
            actions.steps.client, address=ballot.voter, digest=digest, signature=signature
        )
        if not check.valid:
            raise BallotSignatureInvalid("the signature is not the voter's over this ballot", digest=digest)
        row = {
            "digest": digest,
            "chain_id": actions.domain.chain_id,
            "governor": actions.domain.contract,
            "proposal_id": ballot.proposal_id,
            "voter": ballot.voter,
            "support": ballot.support,
            "nonce": ballot.nonce,
            "signature": check.signature,
            "account_id": account_id,
            "signed_at": self._clock.now(),
        }
        with begin() as tx:
            tx.execute(insert(BallotRow).values(**row).on_conflict_do_nothing())
        return digest

    def cast(
        self, begin: Begin, proposal_id: int, digest: Hash32, *, sender: Address
    ) -> list[TransactionStep]:
        """The transaction that brings it to the governor; anybody may send it.

        Raises:
            BallotUnknown: And as `prepare`.
        """
        with begin() as tx:
            row = tx.get(BallotRow, digest)
            if row is None or row.proposal_id != proposal_id:
                raise BallotUnknown("nobody handed in such a ballot on this proposal", digest=digest)
            ballot = Ballot(row.proposal_id, row.support, row.voter, row.nonce)
            signature = row.signature
        self._may_vote(begin, proposal_id, ballot.voter)
        return self._governance.actions().cast_ballot(ballot, signature=signature, by=sender)

    def _may_vote(self, begin: Begin, proposal_id: int, voter: Address) -> Found:
        with begin() as tx:
            found = self._governance.find(tx, proposal_id)
            voted = self._governance.has_voted(tx, proposal_id, voter)
        self._governance.check_vote(found, voter=voter, voted=voted)
        return found

    def _nonce(self, actions: GovernanceActions, proposal_id: int, voter: Address) -> int:
        governor = actions.steps.deployment.governor
        artifact = load_artifact(governor.artifact)
        args = (voter, key_of(proposal_id))
        nonce: int = actions.steps.client.read(artifact, governor.address, "nonces(address,uint192)", *args)
        return nonce
