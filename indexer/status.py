"""What `/health/chain` shows: one statement for the query path.

`state`: live, syncing, unreachable (the node or the database was away; it tries again), stuck (a person has
to look; `reason` says why), down (the indexer has not spoken for a while), never (it never ran here).
`endpoints` are the servers of the chain, and which one is read from.
`lag` is against the newest head that the indexer saw; `undecodable` counts the logs that are kept raw.
`partitions.ok` false: none could be made ahead, and the indexer will stop when it has none for a block.
"""

from typing import LiteralString

from indexer.endpoints import ENDPOINTS

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
