"""What all events from the chain have in common. They are recorded when final, and never retracted.

Should a chain lose what was final, that is an event of its own, on the stream of the one that vanished.
"""

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


class _Incident(ChainEvent, frozen=True, kw_only=True):
    """`event_id` and `event_type` name the event on the spine; the rest is where it was (or is again).

    `time` counts, from 1, how often it vanished.
    """

    event_id: str
    event_type: str
    time: int


class EventVanished(_Incident, frozen=True, kw_only=True):
    """A final event is not on the chain any more: what followed from it has to be made good.

    `fork_block` is the newest block that the chain before and the chain after share.
    """

    type_name = "chain.event_vanished"
    fork_block: int


class EventReturned(_Incident, frozen=True, kw_only=True):
    """An event that had vanished is on the chain and final again."""

    type_name = "chain.event_returned"
