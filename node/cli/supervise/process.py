"""One supervised process: started, waited for, watched, brought back, stopped."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from pathlib import Path

from node.cli.supervise import logs, orphans
from node.cli.supervise.account import Account
from node.cli.supervise.backoff import Backoff
from node.cli.supervise.board import Board, State
from node.cli.supervise.refusal import StartRefused

START_ATTEMPTS = 3  # a first start may meet the last moments of the part's former life
_POLL_S = 0.1
_PROBE_EVERY_S = 5.0
_PROBE_LIMIT_S = 2.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Child:
    """How one process runs. `argv` is asked before every start, so it may look at what lies on disk."""

    name: str
    argv: Callable[[], Sequence[str]]
    env: Mapping[str, str]
    cwd: Path
    ready: Callable[[], Awaitable[bool]]
    account: Account | None = None
    ready_timeout_s: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    # runs while the process is still up; its failure never keeps the process from being stopped
    before_stop: Callable[[], Awaitable[None]] | None = None


class _Outcome(Enum):
    READY = auto()
    EXITED = auto()
    TIMED_OUT = auto()


def spawn(child: Child, log_path: Path) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
    account = child.account
    with log_path.open("ab") as log:
        return subprocess.Popen(
            child.argv(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(child.env),
            cwd=child.cwd,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            # safe: the supervisor has a single thread
            preexec_fn=partial(_die_with, os.getpid(), child.stop_signal),  # noqa: PLW1509
        )


def _die_with(parent: int, signum: int) -> None:
    """Have the kernel stop this process when its parent dies, however it dies. Linux only."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        os._exit(1)


def kill_group(pid: int) -> None:
    """What is left of the process and of those that it started in its own group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


async def exit_code(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    """Its exit code, or None when it still runs after that time."""
    deadline = time.monotonic() + timeout_s
    # polled, because the child watchers of asyncio use threads, which `spawn` must not meet
    while (code := process.poll()) is None and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
    return code


def describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"


@dataclass
class Supervised:
    """A child and its one living process, if any."""

    child: Child
    board: Board
    logs_dir: Path
    run_dir: Path
    backoff: Backoff = field(default_factory=Backoff)
    process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0

    @property
    def log_path(self) -> Path:
        return self.logs_dir / f"{self.child.name}.log"

    async def bring_up(self) -> None:
        """First start. Raises `StartRefused` with the reason and the last words of its log."""
        outcome = _Outcome.EXITED
        for attempt in range(START_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self.backoff.after_life_of(0.0))
            outcome = await self._start()
            if outcome is not _Outcome.EXITED:
                break
        if outcome is _Outcome.READY:
            return
        raise StartRefused(self._why_not(outcome))

    async def watch(self) -> None:
        """Bring the process back whenever it dies; ends only by being cancelled."""
        while True:
            code = await self._life()
            lived_s = time.monotonic() - self._started_at
            self._bury()
            delay_s = self.backoff.after_life_of(lived_s)
            self.board.mark(self.child.name, State.RESTARTING)
            self.board.say(
                f"{self.child.name} stopped ({describe_exit(code)}); starts again in {delay_s:g} s"
            )
            await asyncio.sleep(delay_s)
            await self._start_again()

    async def stop(self) -> None:
        """Politely, then by force. Call it after `watch` was cancelled."""
        process, child = self.process, self.child
        if process is None:
            return
        if process.poll() is None and child.before_stop is not None:
            await child.before_stop()
        if process.poll() is None:
            process.send_signal(child.stop_signal)
            if await exit_code(process, child.stop_timeout_s) is None:
                self.board.say(f"{child.name} did not stop in {child.stop_timeout_s:g} s: killed")
        self._bury()
        await exit_code(process, 5.0)
        orphans.forget(self.run_dir, child.name)
        self.board.mark(child.name, State.STOPPED)

    async def _start(self) -> _Outcome:
        self.board.mark(self.child.name, State.STARTING)
        self._started_at = time.monotonic()
        self.process = spawn(self.child, self.log_path)
        orphans.record(self.run_dir, self.child.name, self.process.pid)
        outcome = await self._until_ready(self.process)
        if outcome is _Outcome.READY:
            self.board.mark(self.child.name, State.READY, pid=self.process.pid)
        else:
            self._bury()
        return outcome

    async def _start_again(self) -> None:
        """A failure is said and left to the next turn of `watch`."""
        try:
            outcome = await self._start()
        except (OSError, StartRefused) as e:
            self.board.say(f"{self.child.name} cannot start: {e}")
            return
        if outcome is _Outcome.READY:
            self.board.say(f"{self.child.name} is back")
        elif outcome is _Outcome.TIMED_OUT:
            self.board.say(self._why_not(outcome))

    async def _until_ready(self, process: subprocess.Popen[bytes]) -> _Outcome:
        deadline = time.monotonic() + self.child.ready_timeout_s
        while time.monotonic() < deadline:
            # the process is looked at after the check, so that a stranger's answer on its port does not count
            answered = await self._probe()
            if process.poll() is not None:
                return _Outcome.EXITED
            if answered:
                return _Outcome.READY
            await asyncio.sleep(_POLL_S / 2)
        return _Outcome.TIMED_OUT

    async def _life(self) -> int:
        """Wait for the process to end, and keep the board true meanwhile."""
        process = self.process
        while process is not None:
            if (code := await exit_code(process, _PROBE_EVERY_S)) is not None:
                return code
            state = State.READY if await self._probe() else State.UNREADY
            if self.board.snapshot.parts[self.child.name].state is not state:
                self.board.mark(self.child.name, state, pid=process.pid)
        return -signal.SIGKILL  # it could not even be spawned

    async def _probe(self) -> bool:
        try:
            return await asyncio.wait_for(self.child.ready(), _PROBE_LIMIT_S)
        except TimeoutError:
            return False

    def _bury(self) -> None:
        if self.process is not None:
            kill_group(self.process.pid)

    def _why_not(self, outcome: _Outcome) -> str:
        name = self.child.name
        what = (
            f"{name} was not ready within {self.child.ready_timeout_s:g} s"
            if outcome is _Outcome.TIMED_OUT
            else f"{name} stopped {START_ATTEMPTS} times while starting"
        )
        said = logs.last_lines(self.log_path, 1)
        return f"{what}; its log {self.log_path} ends: {said[0] if said else '(empty)'}"
