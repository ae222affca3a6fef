"""Views of the DAO for the query path. All take `GovernanceService.view()`."""

from functools import cache
from typing import Final, LiteralString

from indexer.topics import MIN_DELAY_CHANGE
from node.kernel.db.json_sql import address_or_null, hex_text, time_text
from node.kernel.db.keyset import Keyset
from node.services.governance.state import STATE_JOINS, SUPPLY, ProposalState

SUPPORT: Final[LiteralString] = "(ARRAY['against', 'for', 'abstain'])[vote.support + 1]"

# The title is the first line without its mark; the guard that binds a text to its proposer is not shown.
_SHOWN_TEXT: Final[LiteralString] = (
    "regexp_replace(proposal.description, '\\s*#proposer=0x[0-9a-fA-F]{40}$', '')"
)
_TITLE: Final[LiteralString] = f"left(ltrim(split_part(ltrim({_SHOWN_TEXT}), E'\\n', 1), '# '), 200)"

_BRIEF: Final[LiteralString] = f"""
    'id', proposal.proposal_id::text,
    'state', judged.state,
    'title', {_TITLE},
    'proposer', {hex_text("proposal.proposer")},
    'tally', json_build_object(
        'for', proposal.for_votes::text, 'against', proposal.against_votes::text,
        'abstain', proposal.abstain_votes::text, 'quorum', at.quorum::text
    ),
    'created_at', {time_text("proposal.created_at")},
    'vote_starts_at', {time_text("proposal.vote_start")},
    'vote_ends_at', {time_text("at.vote_ends")},
    'executable_at', {time_text("proposal.queued_eta")}
"""

_SOURCE: Final[LiteralString] = f"""
    FROM chain.proposal AS proposal {STATE_JOINS}
    WHERE proposal.chain_id = %(chain_id)s AND proposal.governor = %(governor)s::bytea
"""


@cache
def proposals(state: ProposalState | None) -> Keyset:
    """Newest first. With a state it takes the parameter `state` as well."""
    return Keyset(
        name="proposals",
        item=f"json_build_object({_BRIEF})",
        source=_SOURCE if state is None else f"{_SOURCE} AND judged.state = %(state)s",
        key=(("proposal.created_block", "bigint"), ("proposal.created_log", "bigint")),
    )


def _step(name: LiteralString) -> LiteralString:
    return f"""CASE WHEN proposal.{name}_at IS NOT NULL THEN json_build_object(
        'at', {time_text(f"proposal.{name}_at")}, 'tx_hash', {hex_text(f"proposal.{name}_tx")}) END"""


# `calls` is raw; `reading.explained` makes `actions` of it.
PROPOSAL: Final[LiteralString] = f"""
    SELECT json_build_object({_BRIEF},
        'description', {_SHOWN_TEXT},
        'description_hash', {hex_text("proposal.description_hash")},
        'voters', (
            SELECT count(*) FROM chain.vote AS vote WHERE vote.chain_id = proposal.chain_id
                AND vote.governor = proposal.governor AND vote.proposal_id = proposal.proposal_id
        ),
        'created', {_step("created")},
        'queued', {_step("queued")},
        'executed', {_step("executed")},
        'canceled', {_step("canceled")},
        'calls', (
            SELECT json_agg(json_build_object(
                'to', {hex_text("call.target")}, 'value', call.value::text, 'data', {hex_text("call.data")}
            ) ORDER BY call.place)
            FROM unnest(proposal.targets, proposal.call_values, proposal.calldatas)
                WITH ORDINALITY AS call (target, value, data, place)
        )
    )
    {_SOURCE} AND proposal.proposal_id = %(proposal_id)s::numeric
"""  # noqa: S608 - literals of the code only

# For commands: state and what follows from it, of one proposal.
FINDING: Final[LiteralString] = f"""
    SELECT judged.state, at.now {_SOURCE} AND proposal.proposal_id = %(proposal_id)s::numeric
"""

VOTES: Final = Keyset(
    name="proposal_votes",
    item=f"""json_build_object(
        'voter', {hex_text("vote.voter")},
        'support', {SUPPORT},
        'weight', vote.weight::text,
        'reason', vote.reason,
        'at', {time_text("vote.block_time")},
        'tx_hash', {hex_text("vote.tx_hash")}
    )""",
    source="""FROM chain.vote AS vote
        WHERE vote.chain_id = %(chain_id)s AND vote.governor = %(governor)s::bytea
            AND vote.proposal_id = %(proposal_id)s::numeric""",
    key=(("vote.block_number", "bigint"), ("vote.log_index", "bigint")),
)

# A ballot counts once: after that the voter has voted, by this one or in another way.
BALLOTS: Final = Keyset(
    name="proposal_ballots",
    item=f"""json_build_object(
        'digest', {hex_text("ballot.digest")},
        'state', CASE
            WHEN vote.voter IS NULL THEN 'open'
            WHEN vote.support = ballot.support THEN 'cast'
            ELSE 'void'
        END,
        'voter', {hex_text("ballot.voter")},
        'support', (ARRAY['against', 'for', 'abstain'])[ballot.support + 1],
        'nonce', ballot.nonce::text,
        'signature', {hex_text("ballot.signature")},
        'signed_at', {time_text("ballot.signed_at")}
    )""",
    source="""FROM governance.ballot AS ballot
        LEFT JOIN chain.vote AS vote ON vote.chain_id = ballot.chain_id
            AND vote.governor = ballot.governor AND vote.proposal_id = ballot.proposal_id
            AND vote.voter = ballot.voter
        WHERE ballot.chain_id = %(chain_id)s AND ballot.governor = %(governor)s::bytea
            AND ballot.proposal_id = %(proposal_id)s::numeric""",
    key=(("ballot.signed_at", "timestamptz"), ("ballot.digest", "bytea")),
)

_DELEGATORS: Final[LiteralString] = """(
    SELECT count(*) FROM chain.delegation AS delegation
    WHERE delegation.chain_id = %(chain_id)s AND delegation.token = %(token)s::bytea
        AND delegation.delegate = {delegate}
)"""

DELEGATES: Final = Keyset(
    name="delegates",
    item=f"""json_build_object(
        'address', {hex_text("power.delegate")},
        'votes', power.votes::text,
        'delegators', {_DELEGATORS.replace("{delegate}", "power.delegate")}
    )""",
    source="""FROM chain.voting_power AS power
        WHERE power.chain_id = %(chain_id)s AND power.token = %(token)s::bytea AND power.votes > 0""",
    key=(("power.votes", "numeric"), ("power.delegate", "bytea")),
)

# Takes `address` too. Anybody may be a delegate, so there is always an answer.
DELEGATE: Final[LiteralString] = f"""
    SELECT json_build_object(
        'address', {hex_text("asked.address")},
        'votes', coalesce((
            SELECT power.votes FROM chain.voting_power AS power WHERE power.chain_id = %(chain_id)s
                AND power.token = %(token)s::bytea AND power.delegate = asked.address
        ), 0)::text,
        'balance', coalesce((
            SELECT held.balance FROM chain.votes_balance AS held WHERE held.chain_id = %(chain_id)s
                AND held.token = %(token)s::bytea AND held.holder = asked.address
        ), 0)::text,
        'delegates_to', (
            SELECT {address_or_null("delegation.delegate")} FROM chain.delegation AS delegation
            WHERE delegation.chain_id = %(chain_id)s AND delegation.token = %(token)s::bytea
                AND delegation.delegator = asked.address
        ),
        'delegators', {_DELEGATORS.replace("{delegate}", "asked.address")},
        'votes_cast', (
            SELECT count(*) FROM chain.vote AS vote WHERE vote.chain_id = %(chain_id)s
                AND vote.voter = asked.address AND vote.governor = %(governor)s::bytea
        ),
        'proposals_made', (
            SELECT count(*) FROM chain.proposal AS proposal WHERE proposal.chain_id = %(chain_id)s
                AND proposal.proposer = asked.address AND proposal.governor = %(governor)s::bytea
        )
    )
    FROM (SELECT %(address)s::bytea AS address) AS asked
"""  # noqa: S608 - literals of the code only

# Seconds fit into the last eight bytes of the event's second word.
_TIMELOCK_DELAY: Final[LiteralString] = f"""(
    SELECT ('x' || encode(substring(changed.data FROM 57 FOR 8), 'hex'))::bit(64)::bigint
    FROM chain.log AS changed
    WHERE changed.chain_id = %(chain_id)s AND changed.address = %(timelock)s::bytea
        AND changed.topic0 = '\\x{MIN_DELAY_CHANGE}'::bytea
    ORDER BY changed.block_number DESC, changed.log_index DESC LIMIT 1
)"""  # noqa: S608 - literals of the code only

GOVERNANCE: Final[LiteralString] = f"""
    SELECT json_build_object(
        'chain_id', governor.chain_id,
        'governor', {hex_text("governor.governor")},
        'token', {hex_text("%(token)s::bytea")},
        'timelock', {hex_text("%(timelock)s::bytea")},
        'voting_delay_s', governor.voting_delay_s,
        'voting_period_s', governor.voting_period_s,
        'late_quorum_extension_s', governor.late_quorum_extension_s,
        'timelock_delay_s', {_TIMELOCK_DELAY},
        'proposal_threshold', governor.proposal_threshold::text,
        'quorum_percent', governor.quorum_numerator,
        'quorum', div(supply.total * governor.quorum_numerator, 100)::text,
        'supply', supply.total::text,
        'delegated', (
            SELECT coalesce(sum(power.votes), 0)::text FROM chain.voting_power AS power
            WHERE power.chain_id = %(chain_id)s AND power.token = %(token)s::bytea
        ),
        'proposals', (
            SELECT count(*) FROM chain.proposal AS proposal
            WHERE proposal.chain_id = %(chain_id)s AND proposal.governor = %(governor)s::bytea
        )
    )
    FROM chain.governor AS governor CROSS JOIN (SELECT {SUPPLY} AS total) AS supply
    WHERE governor.chain_id = %(chain_id)s AND governor.governor = %(governor)s::bytea
"""  # noqa: S608 - literals of the code only
