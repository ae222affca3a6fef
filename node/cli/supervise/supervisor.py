"""Starts a node in order, watches every part, and stops all of it backwards, whatever happens in between."""

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

from node.cli.supervise import children, logs, orphans, table
from node.cli.supervise.anvil import EmbeddedAnvil
from node.cli.supervise.board import Board, Phase
from node.cli.supervise.chainstate import StateKeeper
from node.cli.supervise.children import Job, Part, Service
from node.cli.supervise.files import claim_data_folder, empty_data_folder, write_json
from node.cli.supervise.lock import folder_lock
from node.cli.supervise.plan import Plan
from node.cli.supervise.ports import require_free
from node.cli.supervise.process import Child, Supervised, exit_code, kill_group, spawn
from node.cli.supervise.refusal import StartRefused

DISK_BYTES_MIN = 300 * 2**20  # a fresh cluster with its log takes most of this
_ROTATE_EVERY_S = 2.0


class Stopped(Exception):
    """Asked to stop before the node was ready."""


class Supervisor:
    """One life of a node. `jobs` and `services` are the tables of `children`, or a test's own."""

    def __init__(
        self, plan: Plan, board: Board, *, jobs: tuple[Job, ...], services: tuple[Service, ...]
    ) -> None:
        self._plan = plan
        self._board = board
        self._jobs = jobs
        self._services = services
        self._running: list[list[Supervised]] = []  # in stages, in the order of their start
        self._tasks: list[asyncio.Task[None]] = []
        self.settings: dict[str, str] = {}
        self._keepers: list[StateKeeper] = []
        self.parts: list[Part] = []

    async def start(self) -> None:
        """Returns when all is ready. Raises `StartRefused`; call `stop` afterwards in any case."""
        self._background(self._rotate_logs())
        self.parts = children.embedded_parts(self._plan, self._board.say)
        self.settings = children.settings_of_node(self._plan, self.parts)
        write_json(self._plan.env_file, self.settings)
        part_env = children.environment_of_parts(self._plan)
        for part in self.parts:
            part.prepare()
        await self._start_stage([part.child(part_env) for part in self.parts])
        for part in self.parts:
            await part.after_start()
            if isinstance(part, EmbeddedAnvil):
                self._keepers.append(part.keeper)
                self._background(part.keeper.run())
        env = children.environment_of_services(self._plan, self.settings)
        async with _all_or_first_error() as run:
            for job in self._jobs:
                run(self._run_job(job, env))
        for keeper in self._keepers:
            await keeper.save_if_moved()  # what a job put on the chain, such as contracts, is kept at once
        await self._start_stage(
            [children.service_child(service, self._plan, env) for service in self._services]
        )

    async def stop(self) -> None:
        self._board.enter(Phase.STOPPING)
        for task in self._tasks:
            task.cancel()
        # a task that failed was the reason to stop, and was heard by `until_trouble`
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stage in reversed(self._running):
            await asyncio.gather(*(part.stop() for part in reversed(stage)))

    async def until_trouble(self) -> None:
        """Waits for as long as supervision works; raises the reason when it does not."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _start_stage(self, stage: list[Child]) -> None:
        parts = [Supervised(child, self._board, self._plan.logs_dir, self._plan.run_dir) for child in stage]
        self._running.append(parts)
        self._board.snapshot.logs += [p.child.name for p in parts]
        async with _all_or_first_error() as run:
            for part in parts:
                run(self._start_one(part))

    async def _start_one(self, part: Supervised) -> None:
        started = time.monotonic()
        await part.bring_up()
        self._board.say(f"  {part.child.name:<10} ready in {time.monotonic() - started:.1f} s")
        self._background(part.watch())

    async def _run_job(self, job: Job, env: dict[str, str]) -> None:
        if (reason := job.unless(self._plan)) is not None:
            self._board.say(f"  {job.name:<10} skipped: {reason}")
            return
        started = time.monotonic()
        log_path = self._plan.logs_dir / f"{job.name}.log"
        self._board.snapshot.logs.append(job.name)
        child = Child(name=job.name, argv=lambda: job.argv, env=env, cwd=self._plan.repo, ready=_never)
        process = spawn(child, log_path)
        try:
            code = await exit_code(process, job.limit_s)
        finally:
            kill_group(process.pid)
        if code == 0:
            self._board.say(f"  {job.name:<10} done in {time.monotonic() - started:.1f} s")
            return
        what = f"did not end within {job.limit_s:g} s" if code is None else f"failed ({code})"
        said = logs.last_lines(log_path, 1)
        raise StartRefused(f"{job.name} {what}; its log {log_path} ends: {said[0] if said else ''}")

    def _background(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _rotate_logs(self) -> None:
        while True:
            for name in [*self._board.snapshot.logs, "supervisor"]:
                try:
                    logs.rotate(self._plan.logs_dir / f"{name}.log")
                except OSError as e:
                    self._board.say(f"the log of {name} could not be rotated: {e.strerror}")
            await asyncio.sleep(_ROTATE_EVERY_S)


async def run_node(
    plan: Plan,
    *,
    reset: bool,
    echo: Callable[[str], None],
    on_ready: Callable[[], None] = lambda: None,
    jobs: tuple[Job, ...] = children.JOBS,
    services: tuple[Service, ...] | None = None,
) -> None:
    """Run until a signal says stop. Raises `StartRefused` or `Stopped` when it never was ready."""
    services = children.services_of(plan) if services is None else services
    claim_data_folder(plan.data_dir)
    with folder_lock(plan.lock_file):
        board = Board(plan.state_file, plan.logs_dir / "supervisor.log", echo=echo)
        _clear_the_way(plan, board, reset=reset)
        supervisor = Supervisor(plan, board, jobs=jobs, services=services)
        try:
            await _live(supervisor, plan, board, on_ready)
        finally:
            await supervisor.stop()
            plan.state_file.unlink(missing_ok=True)
            board.say("stopped")


async def _live(supervisor: Supervisor, plan: Plan, board: Board, on_ready: Callable[[], None]) -> None:
    stop = _stop_on_signals()
    board.enter(Phase.STARTING)
    board.say(f"starting a node in {plan.data_dir}")
    began = time.monotonic()
    starting = asyncio.create_task(supervisor.start())
    await _first_of(starting, stop)
    if stop.is_set():
        board.say("asked to stop before it was ready")
        raise Stopped
    took_s = time.monotonic() - began
    board.say(await table.ready_table(plan, added=supervisor.settings, parts=supervisor.parts, took_s=took_s))
    board.enter(Phase.READY)
    on_ready()
    await _first_of(asyncio.create_task(supervisor.until_trouble()), stop)
    board.say("stopping")


async def _first_of(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Raises what the task raised; cancels it when the event comes first."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for pending in (task, stopping):
            pending.cancel()
        with suppress(asyncio.CancelledError, StartRefused):
            await task


def _clear_the_way(plan: Plan, board: Board, *, reset: bool) -> None:
    """What a killed supervisor left, data that is to go, ports and room."""
    if left := orphans.stop_orphans(plan.data_dir, plan.run_dir):
        board.say(f"stopped {len(left)} processes of a node that was killed")
    if reset:
        empty_data_folder(plan.data_dir)
        shutil.rmtree(children.elsewhere(plan.data_dir), ignore_errors=True)
        claim_data_folder(plan.data_dir)
        board.say("all data of the node was deleted")
    ports = plan.ports
    require_free(ports.api, what="the API", option="--api-port", host=plan.api_host)
    require_free(ports.metrics, what="the metrics", option="--metrics-port")
    require_free(ports.indexer_metrics, what="the indexer's metrics", option="--indexer-metrics-port")
    if plan.has_sandbox:
        require_free(ports.sandbox, what="the sandbox gateway", option="--sandbox-port")
    for part in ("postgres", "valkey", "anvil"):
        if not plan.is_outside(part):
            require_free(getattr(ports, part), what=part, option=f"--{part}-port")
    free = shutil.disk_usage(plan.data_dir).free
    if free < DISK_BYTES_MIN:
        raise StartRefused(
            f"{plan.data_dir} has {free // 2**20} MB left, and a node needs {DISK_BYTES_MIN // 2**20} MB"
        )


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, stop.set)
    return stop


async def _never() -> bool:
    return False


@asynccontextmanager
async def _all_or_first_error() -> AsyncIterator[Callable[[Coroutine[None, None, None]], None]]:
    """Like a TaskGroup, but raises the first error itself instead of a group: a person reads it."""
    tasks: list[asyncio.Task[None]] = []
    try:
        yield lambda work: tasks.append(asyncio.create_task(work))
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
