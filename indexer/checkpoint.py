"""Where a chain stands, and the statements that read and move it."""

from dataclasses import dataclass

from node.kernel.errors import Bug
from node.kernel.hexes import Hash32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a chain stands; `chain.checkpoint` explains the fields."""

    chain_id: int
    genesis_hash: Hash32
    start_block: int
    number: int
    hash: Hash32 | None
    undo_floor: int
    finalized_number: int
    emit_after: int
    generation: int


READ = """
    SELECT chain_id, '0x' || encode(genesis_hash, 'hex') AS genesis_hash, start_block, number,
           '0x' || encode(hash, 'hex') AS hash, undo_floor, finalized_number, emit_after, generation
    FROM chain.checkpoint WHERE chain_id = %s
"""
BEGIN = """
    INSERT INTO chain.checkpoint
        (chain_id, genesis_hash, start_block, number, undo_floor, finalized_number, emit_after, head_number,
         state, seen_at)
    VALUES (%(chain_id)s, %(genesis)s, %(start)s, %(start)s - 1, %(start)s - 1, %(start)s - 1, %(emit_after)s,
            %(head)s, 'syncing', %(now)s)
    ON CONFLICT (chain_id) DO UPDATE SET
        genesis_hash = excluded.genesis_hash, start_block = excluded.start_block, number = excluded.number,
        hash = NULL, block_time = NULL, undo_floor = excluded.undo_floor,
        finalized_number = excluded.finalized_number, emit_after = excluded.emit_after, state = 'syncing'
"""
MOVE = """
    UPDATE chain.checkpoint SET number = %(number)s, hash = %(hash)s, block_time = %(time)s,
        undo_floor = %(undo_floor)s, finalized_number = %(finalized)s, emit_after = %(emit_after)s
    WHERE chain_id = %(chain_id)s AND number = %(from_number)s AND hash IS NOT DISTINCT FROM %(from_hash)s
        AND generation = %(generation)s
"""
SPEAK = """
    UPDATE chain.checkpoint SET head_number = coalesce(%(head)s, head_number),
        head_time = coalesce(%(head_time)s, head_time), state = %(state)s,
        reason = %(reason)s, seen_at = %(now)s
    WHERE chain_id = %(chain_id)s AND number = coalesce(%(number)s, number)
        AND generation = coalesce(%(generation)s, generation)
"""


class CheckpointMoved(Bug):
    """Somebody else moved the checkpoint: a `reindex`, or what the lock should make impossible."""
