"""Reading a chain again beside the live tables, and putting the result in their place.

Nothing is told to the spine: what the live indexer told stays told, and what it has not told it tells itself.
"""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from indexer.pipeline import ChainRules, Pipeline, Step
from indexer.store import Store
from indexer.stored import stored_blocks
from indexer.twin import Difference, Twin
from indexer.writing import ContractSource
from node.chain.rpc import ChainMoved, RangeTooLarge, RpcClient
from node.kernel.clock import Clock
from node.kernel.errors import Conflict, Invalid, Transient

_NEVER_FINAL = 2**62  # confirmations: so a twin tells nothing
ATTEMPTS_MAX = 20  # to meet the live tables on one fork
AGAIN_S = 0.5
CLOSE = 16  # blocks behind the live tables: few enough to be read while their writer waits

Progress = Callable[[int, int, int], None]  # newest block done, newest to do, events so far


def no_progress(_done: int, _goal: int, _events: int) -> None:
    """For those who look elsewhere."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """`differing`: rows of the live tables that were not what the chain says, by table.

    `forgotten`: the tables were of a chain with another first block; the indexer reads the node's instead.
    """

    forgotten: bool
    blocks: int
    events: int
    seconds: float
    differing: Mapping[str, Difference]


async def reindex(
    *,
    database_url: str,
    chain_id: int,
    rpc: RpcClient,
    clock: Clock,
    rules: ChainRules,
    contracts: ContractSource,
    trust_below: int | None = None,
    progress: Progress = no_progress,
) -> Reindexed:
    """Blocks below `trust_below` are taken from the stored raw logs, as far as no reorg reaches them.

    Raises:
        Invalid: The chain was never indexed.
        Conflict: It is being reindexed.
        Transient: The node and the live tables are on two forks, and no indexer brings them together.
    """
    started = time.perf_counter()
    async with Twin.connect(database_url, chain_id) as twin, Store.connect(database_url, chain_id) as beside:
        if not await twin.try_lock():
            raise Conflict("this chain is being reindexed already", chain_id=chain_id)
        live = await twin.live()
        (genesis,) = await rpc.headers([0])
        if live is None:
            raise Invalid("this chain was never indexed here", chain_id=chain_id)
        if genesis is None or live.genesis_hash != genesis.hash:
            await Pipeline(beside, rpc, clock, rules, contracts).begin_again()
            return Reindexed(forgotten=True, blocks=0, events=0, seconds=0.0, differing={})
        await twin.begin_apart()
        below = live.undo_floor + 1 if trust_below is None else min(trust_below, live.undo_floor + 1)
        known = await beside.contracts()
        if any(known.get(contract.address) != contract.kind for contract in contracts()):
            below = 0  # of a contract that is new to the tables no logs are stored
        blocks = await stored_blocks(beside, rpc, start_block=live.start_block, below=below)
        finality = dataclasses.replace(rules.finality, confirmations=_NEVER_FINAL)
        silent = dataclasses.replace(rules, finality=finality, raw_log_blocks=None)
        pipeline = Pipeline(twin, rpc, clock, silent, contracts, blocks=blocks)
        try:
            await pipeline.open()
            differing = await _brought_to_live(twin, pipeline, progress)
        finally:
            await pipeline.close()
    totals = pipeline.totals
    return Reindexed(
        forgotten=False,
        blocks=totals.blocks,
        events=totals.events,
        seconds=round(time.perf_counter() - started, 3),
        differing=differing,
    )


async def _brought_to_live(twin: Twin, pipeline: Pipeline, progress: Progress) -> dict[str, Difference]:
    for _ in range(ATTEMPTS_MAX):
        while (goal := await _live_number(twin)) > pipeline.checkpoint.number + CLOSE:
            await _read_to(pipeline, goal, progress)
        differing = await _met(twin, pipeline)
        if differing is not None:
            return differing
        await asyncio.sleep(AGAIN_S)
    raise Transient("the node and the tables are on two forks: let the indexer run, then reindex")


async def _met(twin: Twin, pipeline: Pipeline) -> dict[str, Difference] | None:
    """Takes the place of the live tables while their writer waits; None when they are on another fork."""
    async with twin.transaction():
        live = await twin.live(held=True)
        if live is None:
            raise Transient("the live tables were forgotten meanwhile")
        await _read_to(pipeline, live.number, no_progress)
        own = pipeline.checkpoint
        if (own.number, own.hash) != (live.number, live.hash):
            return None
        return await twin.take_place(at=own)


async def _read_to(pipeline: Pipeline, goal: int, progress: Progress) -> None:
    """As far as the chain goes now, but not beyond `goal`."""
    step = Step.MOVED
    while step is Step.MOVED:
        try:
            step = await pipeline.step(until=goal)
        except (ChainMoved, RangeTooLarge):
            await asyncio.sleep(AGAIN_S)
            return
        progress(pipeline.checkpoint.number, goal, pipeline.totals.events)


async def _live_number(twin: Twin) -> int:
    live = await twin.live()
    if live is None:
        raise Transient("the live tables were forgotten meanwhile")
    return live.number
