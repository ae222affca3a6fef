"""The indexer's process: one writer per chain, a second one stands by.

Whatever fails, the loop says so in `chain.checkpoint`, waits, and starts over from the database; nothing is
kept in memory that it could not read again.
"""

import asyncio
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace

from prometheus_client import start_http_server

from indexer import metrics
from indexer.checkpoint import CheckpointMoved
from indexer.completeness import AnswerIncomplete
from indexer.endpoints import tell_endpoints
from indexer.memory import peak_memory_mb
from indexer.pipeline import ChainRules, Pipeline, ServesAnotherChain, Step
from indexer.reindex import Progress, Reindexed, no_progress
from indexer.reindex import reindex as reindex_beside
from indexer.store import Store
from indexer.voice import Totals
from indexer.writing import ContractSource, Finality, KnownContract
from node.chain.deployments import CurrentDeployment, DeploymentRegistry
from node.chain.errors import RpcLimited, RpcUnavailable
from node.chain.heads import HeadWatch
from node.chain.logs import Kind
from node.chain.peers import Standing
from node.chain.pool import Member, RpcPool
from node.chain.rpc import ChainMoved, NodeRefused, RangeTooLarge, RpcClient
from node.kernel.chain_settings import Endpoint
from node.kernel.clock import Clock, SystemClock
from node.kernel.errors import AsoudError, Transient
from node.kernel.hexes import Hash32
from node.kernel.log import get_logger
from node.kernel.readiness import tell_ready
from node.kernel.settings import DEV_CHAIN_ID, Settings

log = get_logger(__name__)

STANDBY_S = 0.2  # between attempts to get the lock
LOOKS_MAX = 12  # in a row at a chain that moves under our eyes; then it is said aloud
LOOK_AGAIN_S = 0.02
MENDS_MAX = 5  # attempts at a rewind under an indexer that writes
CYCLES_FROM = 100_000  # objects made before cycles are looked for: some ranges, which leave none
SWITCH_S = 0.000_5  # that the loop waits for a thread that works, each time that Postgres or the node answers
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 10.0  # also how long a mended fault can go unnoticed

KIND_OF = {
    "collection_factory": Kind.FACTORY,
    "badge_factory": Kind.BADGE_FACTORY,
    "batch_factory": Kind.BATCH_FACTORY,
    "editions_factory": Kind.EDITIONS_FACTORY,
    "exchange": Kind.EXCHANGE,
    "auction_house": Kind.AUCTION_HOUSE,
    "escrow": Kind.ESCROW,
    "checkout": Kind.CHECKOUT,
    "deposits": Kind.DEPOSITS,
    "rewards": Kind.REWARDS,
    "access_manager": Kind.ACCESS_MANAGER,
    "governor": Kind.GOVERNOR,
    "timelock": Kind.TIMELOCK,
    "votes_token": Kind.VOTES_TOKEN,
    "dev_dollar": Kind.ERC20,
}


@dataclass(frozen=True, slots=True)
class Config:
    """All that the indexer of one chain takes."""

    database_url: str
    endpoints: tuple[Endpoint, ...]
    chain_id: int
    rules: ChainRules
    rpc_timeout_s: float
    rpc_per_second: float
    rpc_look_s: float
    rpc_lag_blocks: int
    poll_interval_s: float


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run to the head did; one JSON line on the command line."""

    blocks: int
    events: int
    told: int
    reorgs: int
    rebuilds: int
    seconds: float
    events_per_s: float
    peak_memory_mb: float


def config_of(settings: Settings) -> Config:
    return Config(
        database_url=settings.database_url.get_secret_value(),
        endpoints=settings.endpoints,
        chain_id=settings.chain_id,
        rules=ChainRules(
            start_block=settings.start_block,
            finality=Finality(settings.confirmations, settings.undo_blocks, settings.durable_block_file),
            rebuild_on_new_genesis=settings.chain_id == DEV_CHAIN_ID,
            raw_log_blocks=settings.raw_log_blocks,
        ),
        rpc_timeout_s=settings.rpc_timeout_s,
        rpc_per_second=settings.rpc_per_second,
        rpc_look_s=settings.rpc_look_s,
        rpc_lag_blocks=settings.rpc_lag_blocks,
        poll_interval_s=settings.poll_interval_s,
    )


def deployed_contracts(registry: DeploymentRegistry, chain_id: int) -> ContractSource:
    """The contracts of the registry's file, as it stands at each look."""
    current = CurrentDeployment(registry, chain_id)

    def load() -> Sequence[KnownContract]:
        return [
            KnownContract(contract.address, KIND_OF[contract.name], contract.block)
            for contract in current()
            if contract.name in KIND_OF
        ]

    return load


def pool_of(config: Config) -> AbstractAsyncContextManager[RpcPool]:
    """The servers of the chain."""

    def failed(kind: str) -> None:
        metrics.RPC_ERRORS.labels(str(config.chain_id), kind).inc()

    return RpcPool.connect(
        config.endpoints,
        chain_id=config.chain_id,
        timeout_s=config.rpc_timeout_s,
        per_second=config.rpc_per_second,
        lag_blocks=config.rpc_lag_blocks,
        look_s=config.rpc_look_s,
        on_failure=failed,
    )


@asynccontextmanager
async def reader_of(config: Config) -> AsyncIterator[RpcClient]:
    """The server that does best now, for work that has an end."""
    async with pool_of(config) as pool:
        await pool.settle()
        yield pool.use().rpc


def no_contracts() -> Sequence[KnownContract]:
    """Of a chain where nothing of ours stands."""
    return ()


def indexer_of(settings: Settings) -> "Indexer":
    registry = DeploymentRegistry(settings.deployments_dir)
    contracts = deployed_contracts(registry, settings.chain_id) if settings.own_contracts else no_contracts
    return Indexer(config_of(settings), contracts, SystemClock())


async def run(
    settings: Settings, *, exit_at_head: bool = False, progress: Progress = no_progress
) -> RunReport | None:
    """Follows the chain until it is cancelled, or, with `exit_at_head`, to the head that it saw at start."""
    indexer = indexer_of(settings)
    if exit_at_head:
        return await indexer.run_to_head(progress)
    await indexer.run()
    return None


async def reindex(
    settings: Settings, *, trust_below: int | None = None, progress: Progress = no_progress
) -> Reindexed:
    """Reads the chain again beside the live tables and puts the result in their place."""
    return await indexer_of(settings).reindex(trust_below, progress)


async def rewind(settings: Settings, *, to: int) -> None:
    """Makes the tables from raw logs as they were after block `to`; the indexer goes on from there.

    Raises:
        Invalid: That block was not read.
        Transient: The node or the database is away, or the indexer writes too much meanwhile.
    """
    for attempt in range(1, MENDS_MAX + 1):
        try:
            return await indexer_of(settings).rewind(to=to)
        except (CheckpointMoved, Transient) as error:
            log.warning("rewind_interrupted", error=str(error))
            if attempt == MENDS_MAX:
                raise
            await asyncio.sleep(BACKOFF_FIRST_S)
    return None


def main(
    settings: Settings, *, exit_at_head: bool = False, progress: Progress = no_progress
) -> RunReport | None:
    """`run` as a process: SIGTERM and SIGINT end it between two transactions."""
    if not exit_at_head:
        _serve_metrics(settings.metrics_host, settings.indexer_metrics_port)
    tune_interpreter()

    async def cancellable() -> RunReport | None:
        task = asyncio.ensure_future(run(settings, exit_at_head=exit_at_head, progress=progress))
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, task.cancel)
        with suppress(asyncio.CancelledError):
            return await task
        return None

    return asyncio.run(cancellable())


def tune_interpreter() -> None:
    """For a process that makes many short-lived rows, and works in threads beside its loop."""
    gc.freeze()  # what was imported is never garbage, and need not be searched
    gc.set_threshold(CYCLES_FROM)
    sys.setswitchinterval(SWITCH_S)


class Indexer:
    def __init__(self, config: Config, contracts: ContractSource, clock: Clock) -> None:
        self._config = config
        self._contracts = contracts
        self._clock = clock
        self._chain = str(config.chain_id)
        self._backoff_s = BACKOFF_FIRST_S

    async def run(self) -> None:
        """Never returns; cancel it."""
        tell_ready()  # standing by, and waiting for a chain that is away, is its work too
        async with self._pool() as pool:
            while True:
                try:
                    async with AsyncExitStack() as stack:
                        store = await self._locked(stack)
                        await pool.settle()
                        stack.callback(asyncio.create_task(pool.watch()).cancel)
                        while True:
                            await self._read_from(pool.use(), pool, store)
                except CheckpointMoved:
                    log.warning("checkpoint_set_back", chain_id=self._config.chain_id)
                except AsoudError as error:
                    await self._complain(error, pool)
                    await asyncio.sleep(self._backoff_s)
                    self._backoff_s = min(BACKOFF_MAX_S, self._backoff_s * 2)

    async def reindex(self, trust_below: int | None, progress: Progress) -> Reindexed:
        async with self._client() as rpc:
            return await reindex_beside(
                database_url=self._config.database_url,
                chain_id=self._config.chain_id,
                rpc=rpc,
                clock=self._clock,
                rules=self._config.rules,
                contracts=self._contracts,
                trust_below=trust_below,
                progress=progress,
            )

    async def rewind(self, *, to: int) -> None:
        """As `reindex`, but back to a block, and without asking the node for more than its fork."""
        async with (
            Store.connect(self._config.database_url, self._config.chain_id) as store,
            self._client() as rpc,
        ):
            pipeline = Pipeline(store, rpc, self._clock, self._config.rules, self._contracts)
            await pipeline.rewind(to=to)

    async def run_to_head(self, progress: Progress = no_progress) -> RunReport:
        """Indexes up to the head seen at start, and says how fast. Raises what `run` would wait out."""
        started = time.perf_counter()
        async with AsyncExitStack() as stack:
            store = await self._locked(stack)
            rpc = await stack.enter_async_context(self._client())
            pipeline = Pipeline(store, rpc, self._clock, self._config.rules, self._contracts)
            stack.push_async_callback(pipeline.close)
            await pipeline.open()
            target = (await rpc.head()).number
            while (step := await pipeline.step(until=target)) is not Step.IDLE:
                if step is Step.WAITING:
                    await asyncio.sleep(self._config.poll_interval_s)
                progress(pipeline.checkpoint.number, target, pipeline.totals.events)
        return _report(pipeline.totals, time.perf_counter() - started)

    async def _locked(self, stack: AsyncExitStack) -> Store:
        """The database, once nobody else writes this chain."""
        config = self._config
        store = await stack.enter_async_context(Store.connect(config.database_url, config.chain_id))
        while not await store.try_lock():
            log.debug("standing_by", chain_id=config.chain_id)
            await asyncio.sleep(STANDBY_S)
        return store

    async def _read_from(self, member: Member, pool: RpcPool, store: Store) -> None:
        """Follows the chain by one endpoint, until another one is to be read from."""
        watch = HeadWatch(member.websocket_url, meter=member.rpc.meter)

        async def dispute(number: int, hash_: Hash32) -> None:
            await pool.dispute(number, hash_, gone_from=member)

        pipeline = Pipeline(
            store, member.rpc, self._clock, self._config.rules, self._contracts, dispute=dispute
        )
        follower = asyncio.create_task(watch.follow())
        try:
            await pipeline.open()
            pool.opened(member)
            log.info("indexing", **self._at(pipeline), endpoint=member.name)
            self._backoff_s = BACKOFF_FIRST_S
            await self._follow(pipeline, watch, pool, member, store)
            log.info("endpoint_left", **self._at(pipeline), endpoint=member.name)
        except AsoudError as error:
            standing = blamed(error)
            if standing is None or not pool.failed(member, standing):
                raise
            log.warning("endpoint_left", endpoint=member.name, error=str(error), **error.fields)
        finally:
            follower.cancel()
            await pipeline.close()

    def _at(self, pipeline: Pipeline) -> dict[str, int]:
        return {"chain_id": self._config.chain_id, "number": pipeline.checkpoint.number}

    async def _follow(
        self, pipeline: Pipeline, watch: HeadWatch, pool: RpcPool, member: Member, store: Store
    ) -> None:
        in_a_row, told = 0, -1
        while pool.best() is member:
            if told != pool.looks:
                told = pool.looks
                await tell_endpoints(store, pool.reports(), now=self._clock.now())
            try:
                if member.standing is Standing.WRONG_CHAIN:
                    raise ServesAnotherChain("the node serves another chain")
                if await pipeline.step() is Step.MOVED:
                    watch.found(pipeline.checkpoint.number)
                else:
                    await watch.wait(self._config.poll_interval_s)
                in_a_row = 0
            except (ChainMoved, RangeTooLarge):  # look again: at the new head, or at fewer blocks
                in_a_row += 1
                if in_a_row == LOOKS_MAX:
                    raise
                await asyncio.sleep(LOOK_AGAIN_S * in_a_row)

    def _pool(self) -> AbstractAsyncContextManager[RpcPool]:
        return pool_of(self._config)

    def _client(self) -> AbstractAsyncContextManager[RpcClient]:
        return reader_of(self._config)

    async def _complain(self, error: AsoudError, pool: RpcPool) -> None:
        """Says what is wrong where `/health/chain` looks; when the database is away, in the log alone."""
        transient = isinstance(error, Transient)
        log.log(30 if transient else 40, "indexer_interrupted", error=str(error), **error.fields)
        metrics.STUCK.labels(self._chain).set(0 if transient else 1)
        reason = ", ".join([error.message, *(f"{key}={value}" for key, value in error.fields.items())])
        with suppress(AsoudError):
            async with Store.connect(self._config.database_url, self._config.chain_id) as store:
                await tell_endpoints(store, pool.reports(), now=self._clock.now())
                await store.speak(
                    state="unreachable" if transient else "stuck", reason=reason, now=self._clock.now()
                )


def blamed(error: AsoudError) -> Standing | None:
    """What an error of reading says of the endpoint; None when it is not to blame."""
    for kind, standing in _BLAME:
        if isinstance(error, kind):
            return standing
    return None


_BLAME: tuple[tuple[type[AsoudError], Standing], ...] = (
    (ServesAnotherChain, Standing.WRONG_CHAIN),
    (AnswerIncomplete, Standing.INCOMPLETE),
    (RpcLimited, Standing.LIMITED),
    (RpcUnavailable, Standing.AWAY),
    (NodeRefused, Standing.AWAY),
    (ChainMoved, Standing.AWAY),
)


def _serve_metrics(host: str, port: int) -> None:
    """A second indexer on the same machine goes without."""
    if port == 0:
        return
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        log.warning("metrics_port_taken", port=port, error=error.strerror)


def _report(totals: Totals, seconds: float) -> RunReport:
    report = RunReport(**asdict(totals), seconds=round(seconds, 3), events_per_s=0.0, peak_memory_mb=0.0)
    return replace(
        report,
        events_per_s=round(totals.events / seconds, 1),
        peak_memory_mb=peak_memory_mb(),
    )
