"""How the indexer stands: what `/health/chain` and `asoud indexer status` show.

`state`: live, syncing, rewinding (a fork reaches deeper than the undo kept: tables are made from raw logs),
unreachable (the node or the database was away; it tries again), stuck (a person has to look; `reason` says
why), down (the indexer has not spoken for a while), never (it never ran here). `lag` is against the newest
head that the indexer saw; `vanished` counts final events that the chain lost and that did not come back;
`undecodable` counts the logs that are kept raw. `foreign` are the contracts that are not ours. `endpoints`
are the servers of the chain, and which one is read from. `partitions.ok` false: none could be made ahead, and
the indexer will stop when it has none for a block.
"""

from typing import Any, LiteralString

import psycopg

from indexer.endpoints import ENDPOINTS
from node.kernel.db.unit_of_work import typed_database_errors

# The indexer speaks every few seconds, also when nothing happens.
STATUS: LiteralString = f"""
    SELECT coalesce((
        SELECT json_build_object(
            'chain_id', chain_id,
            'state', CASE WHEN seen_at < now() - interval '30 seconds' THEN 'down' ELSE state END,
            'reason', reason,
            'seen_at', seen_at,
            'genesis', '0x' || encode(genesis_hash, 'hex'),
            'head', json_build_object('number', head_number, 'time', head_time),
            'indexed', json_build_object(
                'number', number, 'hash', '0x' || encode(hash, 'hex'), 'time', block_time),
            'finalized', finalized_number,
            'reorgs_can_reach', undo_floor,
            'lag', json_build_object(
                'blocks', greatest(0, head_number - number),
                'seconds', CASE WHEN number >= head_number THEN 0
                    ELSE greatest(0, extract(epoch FROM head_time - block_time))::bigint END),
            'foreign', (
                SELECT coalesce(json_agg(json_build_object(
                    'address', '0x' || encode(address, 'hex'),
                    'standard', standard,
                    'name', name,
                    'state', item.state,
                    'from_block', from_block,
                    'done_block', CASE item.state WHEN 'live' THEN checkpoint.number ELSE done_block END,
                    'from_birth', from_birth,
                    'undecodable', (
                        SELECT count(*) FROM chain.log WHERE log.chain_id = item.chain_id
                            AND log.address = item.address AND log.error IS NOT NULL)
                ) ORDER BY added_at, address), '[]'::json)
                FROM chain.foreign_contract AS item WHERE item.chain_id = checkpoint.chain_id),
            'vanished', (
                SELECT count(*) FROM chain.incident
                WHERE incident.chain_id = checkpoint.chain_id AND gone),
            'partitions', (
                SELECT json_build_object(
                    'blocks_left', coalesce(max(end_block), 0) - 1 - checkpoint.number,
                    'ok', coalesce(max(end_block), 0) - 1 > greatest(checkpoint.number, head_number))
                FROM chain.partition WHERE partition.chain_id = checkpoint.chain_id),
            'undecodable', (
                SELECT count(*) FROM chain.log
                WHERE log.chain_id = checkpoint.chain_id AND error IS NOT NULL),
            'endpoints', {ENDPOINTS}
        )
        FROM chain.checkpoint WHERE chain_id = %(chain_id)s
    ), json_build_object('chain_id', %(chain_id)s::bigint, 'state', 'never', 'endpoints', {ENDPOINTS}))
"""  # noqa: S608 - made of constants

INCIDENTS_MAX = 1_000  # listed at once, newest first
_CHAINS: LiteralString = "SELECT chain_id FROM chain.checkpoint ORDER BY chain_id"
_INCIDENTS: LiteralString = """
    SELECT json_build_object(
        'event_id', event_id, 'event', event_type, 'stream', stream, 'gone', gone, 'times', times,
        'block', block_number, 'block_hash', '0x' || encode(block_hash, 'hex'),
        'tx', '0x' || encode(tx_hash, 'hex'), 'noticed_at', noticed_at)
    FROM chain.incident WHERE chain_id = %s
    ORDER BY noticed_at DESC, block_number DESC, log_index DESC LIMIT %s
"""


def statuses(database_url: str, *chain_ids: int) -> list[dict[str, Any]]:
    """What `STATUS` says of each chain that was ever indexed here, and of `chain_ids` in any case."""
    with typed_database_errors(), psycopg.connect(database_url, connect_timeout=5) as connection:
        known = [row[0] for row in connection.execute(_CHAINS)]
        rows = [
            connection.execute(STATUS, {"chain_id": chain}).fetchone()
            for chain in sorted({*known, *chain_ids})
        ]
    return [row[0] for row in rows if row is not None]


def incidents(database_url: str, chain_id: int) -> list[dict[str, Any]]:
    """Final events that the chain lost, newest first."""
    with typed_database_errors(), psycopg.connect(database_url, connect_timeout=5) as connection:
        rows = connection.execute(_INCIDENTS, (chain_id, INCIDENTS_MAX)).fetchall()
    return [row[0] for row in rows]
