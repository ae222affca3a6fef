"""What all events from the chain have in common. They are recorded when final, and never retracted."""

from node.kernel.hexes import Address, Hash32
from node.kernel.spine.event import Event


class ChainEvent(Event, frozen=True, kw_only=True):
    """Where on the chain it happened. `block_time` is seconds since 1970; `contract` is who logged it.

    Amounts and token ids are decimal strings; the zero address as asset or currency is the native coin.
    """

    chain_id: int
    block_number: int
    block_hash: Hash32
    block_time: int
    tx_hash: Hash32
    log_index: int
    contract: Address
