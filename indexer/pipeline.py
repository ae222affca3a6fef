"""One step after another: look at the head, undo what is no more, read and write what is new.

`Pipeline.step` leaves the tables at a block that the node had, with everything that belongs to it, whatever
happens in between. It decides by `reorg`, reads by `fetch`, writes by `store`.
"""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from indexer import metrics
from indexer.ahead import RangeReader
from indexer.checkpoint import Checkpoint, CheckpointMoved
from indexer.fetch import BlockSource, NodeBlocks
from indexer.foreign import ForeignTender, begin_anew, went_back
from indexer.partition_tender import PartitionTender
from indexer.ranges import RangeSizer
from indexer.reading import Kinds
from indexer.recent import Recent
from indexer.reorg import Replay, Undo, Verdict, judge, remedy
from indexer.rewind import newest_shared, replay
from indexer.spine import tell_vanished
from indexer.store import Store
from indexer.voice import HEARTBEAT, Totals, Voice
from indexer.writing import (
    ContractSource,
    Finality,
    KnownContract,
    contract_rows,
    finalize,
    write_range,
)
from node.chain.errors import RpcUnavailable
from node.chain.logs import CHILD_OF
from node.chain.rpc import ChainMoved, Header, RangeTooLarge, RpcClient
from node.kernel.clock import Clock
from node.kernel.errors import Bug, Invalid
from node.kernel.hexes import Hash32
from node.kernel.log import get_logger

log = get_logger(__name__)

_CHILDREN = frozenset(CHILD_OF.values())  # made by factories, so in no deployment
# A node behind a load balancer may lag behind what it said before: this many looks at a lower head of the
# same fork are taken for that. A chain that lost its tail stays lower.
SHORTER_LOOKS = 4


@dataclass(frozen=True, slots=True)
class ChainRules:
    """What a chain's settings say."""

    start_block: int
    finality: Finality
    rebuild_on_new_genesis: bool  # of a development chain, which may be started anew under a kept database
    raw_log_blocks: int | None = None  # below the newest, whose raw logs are kept; None: all


class Stuck(Bug):
    """Going on could make the tables wrong: a person has to look."""


class ServesAnotherChain(Stuck):
    """The node is not one of the chain that the tables speak of."""


class Step(Enum):
    IDLE = auto()  # at the head
    WAITING = auto()  # the head is lower than it was: look again soon
    MOVED = auto()  # something was written; look again at once


Dispute = Callable[[int, Hash32], Awaitable[None]]


async def nobody_disputes(_number: int, _hash: Hash32) -> None:
    """Where there is one node, it is right."""


class Pipeline:
    """Works on one chain. `store` must hold its lock. Ranges are read from `blocks`, by default the node.

    `dispute` is called before final blocks or all rows go, with the newest block that would: it raises
    when another node still has it.
    """

    def __init__(
        self,
        store: Store,
        rpc: RpcClient,
        clock: Clock,
        rules: ChainRules,
        contracts: ContractSource,
        *,
        dispute: Dispute = nobody_disputes,
        blocks: BlockSource | None = None,
    ) -> None:
        self._dispute = dispute
        self._store = store
        self._rpc = rpc
        self._clock = clock
        self._rules = rules
        self._contracts = contracts
        self._chain = str(store.chain_id)
        self._sizer = RangeSizer(rpc.range_limit)
        self._reader = RangeReader(blocks or NodeBlocks(rpc), store.chain_id)
        self._foreign = ForeignTender(store, rpc)
        self._recent = Recent()
        self._kinds: Kinds = {}
        self._deployed: Sequence[KnownContract] = ()
        self._checkpoint: Checkpoint | None = None
        self._partitions = PartitionTender(
            store, first=rules.start_block, raw_log_blocks=rules.raw_log_blocks
        )
        self._shed = False  # whether indexes of views are put aside
        self._shorter = 0
        self._voice = Voice(store, clock)

    async def close(self) -> None:
        await self._reader.forget()

    @property
    def totals(self) -> Totals:
        return self._voice.totals

    @property
    def checkpoint(self) -> Checkpoint:
        if self._checkpoint is None:
            raise Bug("the pipeline is used before `open`")
        return self._checkpoint

    # -------------------------------------------------------------------------------------- beginning

    async def open(self) -> None:
        """Finds its place: first start, resumption, or a deployment or chain that is another one now.

        Raises:
            Stuck: The node serves another chain than the tables speak of.
        """
        self._recent.forget()
        served = await self._rpc.chain_id()
        if served != self._store.chain_id:
            raise ServesAnotherChain(
                "the node serves another chain", served=served, expected=self._store.chain_id
            )
        genesis = await self._genesis()
        head = await self._rpc.head()
        contracts = self._deployed = self._contracts()
        before = await self._store.checkpoint()
        await self._foreign.refresh()
        await self._partitions.begin()
        self._shed = await self._store.indexes_are_shed()
        if before is None:
            await self._begin(genesis, head, contracts, emit_after=head.number)
        elif before.genesis_hash != genesis:
            if not self._rules.rebuild_on_new_genesis:
                raise ServesAnotherChain(
                    "the chain has another genesis", was=before.genesis_hash, now=genesis
                )
            await self._rebuild("the chain was started anew", emit_after=self._rules.start_block - 1)
        elif await self._deployment_changed(before, contracts):
            await self._rebuild("the deployment has other contracts now", emit_after=before.emit_after)
        else:
            self._kinds = await self._known()
            self._checkpoint = before

    async def begin_again(self) -> None:
        """Forgets what was read, whatever chain it was; needs no lock. What was told is not told again."""
        genesis, head, contracts = await self._genesis(), await self._rpc.head(), self._contracts()
        before = await self._store.checkpoint()
        await self._foreign.refresh()
        same = before is not None and before.genesis_hash == genesis
        emit_after = before.emit_after if before is not None and same else head.number
        await self._begin(genesis, head, contracts, emit_after=emit_after)

    async def rewind(self, *, to: int) -> None:
        """Makes the tables from raw logs as they were after block `to`; needs no lock.

        Raises:
            Invalid: There is no such block in the tables.
            CheckpointMoved: The chain forked and an indexer followed it meanwhile; try again.
        """
        before = await self._store.checkpoint()
        if before is None or not before.start_block - 1 <= to <= before.number:
            raise Invalid("no block that was read", to=to, indexed=None if before is None else before.number)
        shared = await self._shared_with(before)
        async with self._store.transaction():
            await self._store.hold()
            now = await self._store.checkpoint()
            forked = shared < before.number
            if now is None or now.number < to or (forked and now != before):
                raise CheckpointMoved("an indexer went back meanwhile", number=before.number)
            self._checkpoint, self._kinds = now, await self._known()
            shared = shared if forked else now.number
            await self._return_to(Replay(min(to, shared)), shared=shared)

    async def _shared_with(self, before: Checkpoint) -> int:
        """The newest block of ours that the node has; what lies above it has vanished.

        Raises:
            ChainMoved: The node is behind the tables, or on its way to another fork.
        """
        if await self._genesis() != before.genesis_hash:
            return before.start_block - 1
        head = await self._rpc.head()
        top = min(head.number, before.number)
        shared = await newest_shared(self._store, self._rpc, before, top=top)
        if shared == head.number < before.number:
            raise ChainMoved("the node is behind the tables", head=head.number, indexed=before.number)
        return before.start_block - 1 if shared is None else shared

    async def _begin(
        self, genesis: Hash32, head: Header, contracts: Sequence[KnownContract], *, emit_after: int
    ) -> None:
        """From the first block on; what was there before is forgotten."""
        start = self._rules.start_block
        if contracts and min(contract.from_block for contract in contracts) < start:
            raise Stuck("the first block to read lies above the deployment", start_block=start)
        rows = await contract_rows(self._rpc, self._store.chain_id, contracts)
        before = await self._store.checkpoint()
        shared = 0 if before is None else await self._shared_with(before)
        async with self._store.transaction():
            await self._store.hold()
            if before is not None and shared < before.number:
                await self._tell_vanished(before, await self._store.contracts(), above=shared)
            await self._store.wipe()
            await self._store.begin(
                genesis=genesis, start=start, emit_after=emit_after, head=head.number, now=self._clock.now()
            )
            await self._store.upsert(rows)
            await begin_anew(self._store)
            if start <= head.number - self._rules.finality.undo_blocks:
                self._shed = await self._store.shed_indexes()
        self._checkpoint = await self._store.checkpoint()
        self._kinds = await self._known()

    async def _deployment_changed(self, before: Checkpoint, contracts: Sequence[KnownContract]) -> bool:
        """Contracts that start above the checkpoint are simply added; anything else asks for a rebuild."""
        stored = await self._store.contracts()
        have = {(address, kind) for address, kind in stored.items() if kind not in _CHILDREN}
        want = {(contract.address, contract.kind.value) for contract in contracts}
        added = [item for item in contracts if (item.address, item.kind.value) not in have]
        if have - want or any(item.from_block <= before.number for item in added):
            return True
        if added:
            rows = await contract_rows(self._rpc, self._store.chain_id, added)
            async with self._store.transaction():
                await self._store.upsert(rows)
        return False

    async def _genesis(self) -> Hash32:
        (genesis,) = await self._rpc.headers([0])
        if genesis is None:
            raise ChainMoved("the node has no first block")
        return genesis.hash

    # ---------------------------------------------------------------------------------------- stepping

    async def step(self, *, until: int | None = None) -> Step:
        """One look at the head and one piece of work. `until` bounds how far new blocks are read."""
        if self._contracts() != self._deployed:  # deployed anew, or one more
            await self.open()
        head = await self._rpc.head()
        verdict = await self._judge(head)
        if verdict is Verdict.AHEAD and (until is None or self.checkpoint.number < until):
            moved = await self._advance(head, until=until)
        elif verdict is Verdict.FORKED:
            moved = await self._resolve(top=min(head.number, self.checkpoint.number))
        elif verdict is Verdict.SHORTER:
            moved = await self._shrink(head)
        else:
            if verdict is Verdict.LEVEL:
                if self._shed:
                    await self._regrow_indexes(head)
                await self._finalize(head)
            moved = await self._tend()
        if verdict is not Verdict.SHORTER:
            self._shorter = 0
        await self._voice.speak(self.checkpoint, head)
        if moved:
            return Step.MOVED
        return Step.WAITING if self._shorter else Step.IDLE

    async def _judge(self, head: Header) -> Verdict:
        before = self.checkpoint
        ours = before.hash
        if head.number < before.number:
            ours = (await self._store.block_hashes(first=head.number, last=head.number)).get(head.number)
        return judge(number=before.number, ours=ours, head=head)

    async def _advance(self, head: Header, *, until: int | None) -> bool:
        before = self.checkpoint
        limit = head.number if until is None else min(head.number, until)
        first, last = self._sizer.next(after=before.number, head=limit)
        metrics.RANGE_BLOCKS.labels(self._chain).set(last - first + 1)
        try:
            prepared = await self._reader.read(first, last, self._kinds, head)
        except RangeTooLarge as error:
            self._shrink_range(last - first + 1, error)
            if first == last:
                raise
            return True  # to look again, at fewer blocks
        except RpcUnavailable:
            self._sizer.unanswered()
            raise
        fetched = prepared.fetched
        last = fetched.headers[-1].number
        self._sizer.succeeded(blocks=last - first + 1, logs=len(fetched.logs))
        if before.hash is not None and fetched.headers[0].parent_hash != before.hash:
            return await self._resolve(top=before.number)
        if last < limit:
            self._reader.begin(*self._sizer.next(after=last, head=limit), fetched.kinds)
        await self._partitions.tend(fetched, self.checkpoint)
        if self._shed and last > head.number - self._rules.finality.undo_blocks:
            await self._regrow_indexes(head)
        started = time.perf_counter()
        self._checkpoint, told = await write_range(
            self._store, before, prepared, self._recent, head=head, finality=self._rules.finality
        )
        self._kinds = fetched.kinds
        metrics.COMMIT_SECONDS.labels(self._chain).observe(time.perf_counter() - started)
        self._voice.wrote(fetched, told)
        return True

    async def _tend(self) -> bool:
        """What strangers' contracts ask for, while there is no block to read."""
        moved = await self._foreign.tend(self.checkpoint)
        if moved:
            self._kinds = await self._known()
        return moved

    async def _known(self) -> Kinds:
        """All whose logs are read, and how."""
        await self._foreign.refresh()
        return {**await self._store.contracts(), **self._foreign.live()}

    async def _regrow_indexes(self, head: Header) -> None:
        """Before the first block that could be undone: who follows the head has all indexes."""
        growing = asyncio.create_task(self._store.regrow_indexes())
        try:
            while not (await asyncio.wait([growing], timeout=HEARTBEAT.total_seconds()))[0]:
                await self._voice.speak(self.checkpoint, head)
        finally:
            growing.cancel()
        await growing
        self._shed = False

    def _shrink_range(self, blocks: int, error: RangeTooLarge) -> None:
        fitting, lasting = error.fields.get("blocks"), bool(error.fields.get("lasting"))
        self._sizer.refused(
            blocks=blocks, fitting=fitting if isinstance(fitting, int) else None, lasting=lasting
        )
        metrics.RANGES_REFUSED.labels(self._chain).inc()
        log.info("range_refused", blocks=blocks, next=self._sizer.blocks, lasting=lasting)

    async def _finalize(self, head: Header) -> None:
        self._checkpoint, told = await finalize(
            self._store,
            self.checkpoint,
            self._recent,
            kinds=self._kinds,
            head=head,
            finality=self._rules.finality,
        )
        self._voice.told(told)

    # ------------------------------------------------------------------------------------------ reorgs

    async def _shrink(self, head: Header) -> bool:
        """A lower head of the same fork: wait whether the node only lags, then go back to it."""
        target = max(head.number, self._rules.start_block - 1)
        if target == self.checkpoint.number:  # nothing was read yet
            return False
        self._shorter += 1
        if self._shorter < SHORTER_LOOKS:
            return False
        self._shorter = 0
        return await self._go_back(target)

    async def _resolve(self, *, top: int) -> bool:
        """Finds the newest block that the node and the tables share, and goes back to it."""
        if await self._genesis() != self.checkpoint.genesis_hash:
            await self.open()
            return True
        return await self._go_back(await newest_shared(self._store, self._rpc, self.checkpoint, top=top))

    async def _go_back(self, ancestor: int | None) -> bool:
        before = self.checkpoint
        if before.hash is not None and (ancestor is None or ancestor < before.finalized_number):
            await self._dispute(before.number, before.hash)
        plan = remedy(ancestor=ancestor, undo_floor=before.undo_floor, start_block=self._rules.start_block)
        if isinstance(plan, Replay):
            await self._store.speak(
                state="rewinding",
                reason=f"a fork below block {before.undo_floor}: back to {plan.ancestor} from raw logs",
                now=self._clock.now(),
            )
            self._voice.rebuilt()
        async with self._store.transaction():
            await self._store.hold()
            vanished = await self._return_to(plan, shared=plan.ancestor)
        depth = before.number - plan.ancestor
        self._voice.went_back(plan, depth=depth, vanished=vanished)
        return True

    async def _return_to(self, plan: Undo | Replay, *, shared: int) -> int:
        """Takes the tables back, in the caller's transaction; returns how many final events vanished.

        What lies above `shared` is not on the chain any more; what lies below it will be read again.
        """
        before, goal = self.checkpoint, plan.ancestor
        self._recent.cut(above=goal)
        vanished = await self._tell_vanished(before, self._kinds, above=shared)
        hashes = await self._store.block_hashes(first=goal, last=goal)
        time = await self._store.block_time(goal)
        # Once the past was read, what comes instead of a part of it is news.
        past_read = before.number >= before.emit_after
        after = dataclasses.replace(
            before,
            number=goal,
            hash=hashes.get(goal),
            undo_floor=min(before.undo_floor, goal) if isinstance(plan, Undo) else goal,
            finalized_number=min(before.finalized_number, goal),
            emit_after=min(before.emit_after, shared) if past_read else before.emit_after,
        )
        if isinstance(plan, Undo):
            await self._store.undo(above=goal)
        else:
            await replay(self._store, kinds={**self._kinds, **self._foreign.all()}, to=goal)
        await went_back(self._store, to=goal)
        await self._store.move(before, after, time=time)
        self._checkpoint = after
        self._kinds = await self._known()
        return vanished

    async def _tell_vanished(self, before: Checkpoint, kinds: Kinds, *, above: int) -> int:
        vanished = await tell_vanished(
            self._store,
            genesis=before.genesis_hash,
            kinds=kinds,
            above=max(above, before.emit_after),
            final=before.finalized_number,
            fork_block=above,
            now=self._clock.now(),
        )
        self._voice.vanished(vanished, blocks=max(0, before.finalized_number - above), fork_block=above)
        return vanished

    async def _rebuild(self, reason: str, *, emit_after: int) -> None:
        """Forgets all rows of the chain and starts over. What is on the spine is not told again."""
        log.error("chain_rebuilt", reason=reason, chain_id=self._store.chain_id)
        genesis, head, contracts = await self._genesis(), await self._rpc.head(), self._contracts()
        self._deployed = contracts
        await self._begin(genesis, head, contracts, emit_after=emit_after)
        self._shorter = 0
        self._voice.rebuilt()
