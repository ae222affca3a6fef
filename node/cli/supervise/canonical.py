"""Takes blocks that are no longer on the chain out of a dump of its state.

anvil keeps every block that it ever knew: those of a reorg, and after each start the first block of an empty
chain besides the loaded one. Its dump holds them all, in no order, and loading takes whichever of one height
comes last: the chain would have another past, or another genesis, after a restart.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import msgspec

# The header of the block at that height which the chain itself shows, as JSON-RPC gives it.
HeaderAt = Callable[[int], Awaitable[Mapping[str, object]]]


class _Header(msgspec.Struct, rename="camel", frozen=True):
    """What tells two blocks of one height apart; `mix_hash` is random on a development chain."""

    number: str
    parent_hash: str
    state_root: str
    transactions_root: str
    receipts_root: str
    timestamp: str
    mix_hash: str

    @property
    def height(self) -> int:
        return int(self.number, 16)


class _Block(msgspec.Struct, frozen=True):
    header: _Header


async def only_canonical(state: bytes, header_at: HeaderAt) -> bytes:
    """The same state without forgotten blocks. Raises `ValueError` when it is not a dump as we know it."""
    try:
        parts = msgspec.json.decode(state, type=dict[str, msgspec.Raw])
        blocks = msgspec.json.decode(parts["blocks"], type=list[msgspec.Raw])
        headers = [msgspec.json.decode(block, type=_Block).header for block in blocks]
        head = msgspec.json.decode(parts["best_block_number"], type=int)
    except (KeyError, msgspec.MsgspecError) as e:
        raise ValueError(f"this is not a dump of anvil: {e!r}") from e
    counts = Counter(header.height for header in headers)
    disputed = [height for height, count in counts.items() if count > 1 and height <= head]
    if not disputed and len(blocks) == head + 1:
        return state
    real = {height: msgspec.convert(await header_at(height), _Header) for height in disputed}
    kept = [
        block
        for block, header in zip(blocks, headers, strict=True)
        if header.height <= head and header == real.get(header.height, header)
    ]
    if len(kept) != head + 1:
        raise ValueError("the dump does not hold the chain's own blocks")
    return msgspec.json.encode({**parts, "blocks": kept})
