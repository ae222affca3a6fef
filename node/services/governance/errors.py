"""Why a step of the DAO was refused."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Transient


class ProposalUnknown(NotFound):
    """The governor has no such proposal, or its block was not read yet."""


class ProposalExists(Conflict):
    """The same actions with the same words were proposed before; an id is used once."""


class BelowThreshold(Conflict):
    """The proposer has fewer votes than a proposal needs."""


class WrongProposalState(Conflict):
    """The proposal is in a state in which this cannot be done."""


class TimelockRuns(Conflict):
    """The proposal is queued, and its delay is not over."""


class VotedAlready(Conflict):
    """One account votes once on a proposal."""


class NoVotes(Conflict):
    """The voter had no votes when the proposal's snapshot was taken."""


class NotTheProposer(Forbidden):
    """Only who made a proposal may cancel it."""


class ActionInvalid(Invalid):
    """A call of a proposal that cannot be understood or cannot be made."""


class GovernorUnread(Transient):
    """The indexer has not come to the governor's first block yet."""


class BallotUnknown(NotFound):
    """Nobody handed in such a ballot on that proposal."""


class BallotSignatureInvalid(Invalid):
    """The signature is not the voter's over this ballot."""


class BallotNonceUsed(Conflict):
    """The ballot's nonce is not the next one of the voter on that proposal."""
