"""Going back: to which block, and how, when that is further than undo rows reach.

Invariant of a replay: whatever was wrong with the states, afterwards they follow from the raw logs up to one
block, and from nothing else. Facts up to that block stay as they are; all that lies above it goes.
"""

from indexer.checkpoint import Checkpoint
from indexer.projections import EVERY_RULE, UNREAD
from indexer.reading import Kinds, read_log
from indexer.reorg import newest_common, windows
from indexer.store import Store
from indexer.workset import At
from indexer.writing import project
from node.chain.rpc import RpcClient
from node.kernel.errors import Bug

LOGS_AT_ONCE = 5_000  # bounds the memory of a replay


class LogsDropped(Bug):
    """A person has to have the chain read again."""


async def newest_shared(store: Store, rpc: RpcClient, standing: Checkpoint, *, top: int) -> int | None:
    """The newest block, not above `top`, that the node and the tables both have; None: not one.

    Step by step as far as undo reaches, which is where forks are. Below, by halves: blocks are linked by
    their parents' hashes, so where one is shared, all before it are.
    """
    floor = max(standing.undo_floor, standing.start_block)
    for window in windows(top=top, floor=floor):
        ours = await store.block_hashes(first=window.first, last=window.last)
        headers = await rpc.headers(range(window.first, window.last + 1))
        common = newest_common(ours, {item.number: item.hash for item in headers if item is not None})
        if common is not None:
            return common
    shared, apart = standing.start_block - 1, min(top + 1, floor)
    while apart - shared > 1:
        number = (shared + apart) // 2
        (header,) = await rpc.headers([number])
        ours = await store.block_hashes(first=number, last=number)
        if header is not None and ours.get(number) == header.hash:
            shared = number
        else:
            apart = number
    return None if shared < standing.start_block else shared


async def replay(store: Store, *, kinds: Kinds, to: int) -> None:
    """Takes all tables to how they were after block `to`, in the caller's transaction.

    Raises:
        LogsDropped: Raw logs that it takes are kept no longer.
    """
    dropped = await store.thinned_first()
    if dropped is not None and dropped <= to:
        raise LogsDropped(
            "raw logs below that block were dropped: only `asoud indexer reindex` leads there",
            to=to,
            dropped_from=dropped,
        )
    await store.cut(above=to)
    await store.forget_states()
    place = (-1, -1)
    while page := await store.logs_after(place, last=to, limit=LOGS_AT_ONCE):
        work = []
        for log, time in page:
            event = read_log(kinds[log.address], log)
            if event is not None:
                work.append((EVERY_RULE[type(event)], At.of(log, time), event))
        await project(store, work, raw={}, keep_from=to + 1, unread=UNREAD)
        place = (page[-1][0].block_number, page[-1][0].log_index)
