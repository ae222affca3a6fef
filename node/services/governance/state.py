"""The state of a proposal, read from the projections of the chain each time it is asked for.

Invariant: the same answer as `AsoudGovernor.state()`, which is OpenZeppelin's `Governor.state` with simple
counting, late-quorum protection and a timelock. No table holds a state: it follows from facts and time.

- Time is that of the newest block. While the indexer stands at the head it is our clock's, when that is
  later: a chain that makes no blocks between transactions would otherwise stand still, although one sent now
  would find the vote open. So the state is that which the next block sees. An idle indexer says every 5
  seconds that it lives; our clock counts for 10 seconds after its last word, so a dead one stops time.
- The quorum is a share of the supply at the proposal's snapshot. The votes token neither mints nor burns
  after its birth, so the supply is the sum of all balances. The share is looked up among the governor's logs.
- A queued operation can be executed or cancelled on the timelock itself, past the governor: its logs tell.
"""

from enum import StrEnum
from typing import Final, LiteralString

from indexer.topics import CALL_EXECUTED, CALL_SALT, CANCELLED, QUORUM_UPDATED


class ProposalState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    CANCELED = "canceled"
    DEFEATED = "defeated"
    SUCCEEDED = "succeeded"
    QUEUED = "queued"
    EXECUTED = "executed"


QUORUM_DENOMINATOR = 100  # of OpenZeppelin's GovernorVotesQuorumFraction; written out in the SQL below

CLOCK: Final[LiteralString] = """(
    SELECT CASE WHEN checkpoint.state = 'live' AND checkpoint.number >= checkpoint.head_number
        THEN greatest(checkpoint.block_time, date_trunc('second',
            least(%(now)s::timestamptz, checkpoint.seen_at + INTERVAL '10 seconds')))
        ELSE checkpoint.block_time END
    FROM chain.checkpoint AS checkpoint WHERE checkpoint.chain_id = %(chain_id)s
)"""

SUPPLY: Final[LiteralString] = """(
    SELECT coalesce(sum(held.balance), 0) FROM chain.votes_balance AS held
    WHERE held.chain_id = %(chain_id)s AND held.token = %(token)s::bytea
)"""

# A percentage fits into the last byte of the event's second word.
_NUMERATOR: Final[LiteralString] = f"""(
    SELECT get_byte(changed.data, 63) FROM chain.log AS changed
    JOIN chain.block AS block ON block.chain_id = changed.chain_id AND block.number = changed.block_number
    WHERE changed.chain_id = proposal.chain_id AND changed.address = proposal.governor
        AND changed.topic0 = '\\x{QUORUM_UPDATED}'::bytea AND block.timestamp <= proposal.vote_start
    ORDER BY changed.block_number DESC, changed.log_index DESC LIMIT 1
)"""  # noqa: S608 - literals of the code only

# The operation that `queue` scheduled is known by its salt: governor's address xor description's hash.
_SALT: Final[LiteralString] = """(
    ('x' || encode(proposal.governor, 'hex') || repeat('0', 24))::bit(256)
    # ('x' || encode(proposal.description_hash, 'hex'))::bit(256)
)"""
_TIMELOCK_SAYS: Final[LiteralString] = f"""(
    SELECT CASE WHEN outcome.topic0 = '\\x{CALL_EXECUTED}'::bytea THEN 'executed' ELSE 'canceled' END
    FROM chain.log AS scheduled
    JOIN chain.log AS outcome
        ON outcome.chain_id = scheduled.chain_id AND outcome.address = scheduled.address
        AND outcome.topic1 = scheduled.topic1
        AND outcome.topic0 IN ('\\x{CALL_EXECUTED}'::bytea, '\\x{CANCELLED}'::bytea)
    WHERE scheduled.chain_id = proposal.chain_id AND scheduled.address = %(timelock)s::bytea
        AND scheduled.topic0 = '\\x{CALL_SALT}'::bytea AND scheduled.tx_hash = proposal.queued_tx
        AND ('x' || encode(scheduled.data, 'hex'))::bit(256) = {_SALT}
    ORDER BY outcome.block_number DESC, outcome.log_index DESC LIMIT 1
)"""  # noqa: S608 - literals of the code only

# What follows a `FROM chain.proposal AS proposal`. Takes chain_id, token, timelock and now. `OFFSET 0` keeps
# Postgres from writing these out once more at each place that names them: the supply is summed once.
STATE_JOINS: Final[LiteralString] = f"""
    CROSS JOIN (SELECT {SUPPLY} AS supply, {CLOCK} AS now OFFSET 0) AS present
    CROSS JOIN LATERAL (
        SELECT present.now, greatest(proposal.vote_end, proposal.extended_until) AS vote_ends,
            div(present.supply * {_NUMERATOR}, 100) AS quorum
        OFFSET 0
    ) AS at
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN proposal.executed_at IS NOT NULL THEN 'executed'
            WHEN proposal.canceled_at IS NOT NULL THEN 'canceled'
            WHEN proposal.vote_start >= at.now THEN 'pending'
            WHEN at.vote_ends >= at.now THEN 'active'
            WHEN proposal.for_votes + proposal.abstain_votes < at.quorum
                OR proposal.for_votes <= proposal.against_votes THEN 'defeated'
            WHEN proposal.queued_eta IS NULL THEN 'succeeded'
            ELSE coalesce({_TIMELOCK_SAYS}, 'queued')
        END AS state
    ) AS judged
"""
