"""One supervised process, with real processes: readiness, death, return, stopping."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from node.cli.supervise import orphans
from node.cli.supervise.backoff import Backoff
from node.cli.supervise.board import Board, State
from node.cli.supervise.process import Child, Supervised
from node.cli.supervise.refusal import StartRefused

LIMIT_S = 20.0


class Bench:
    """A supervised Python program in a folder of its own."""

    def __init__(self, folder: Path, program: str, *, ready: Callable[[], Awaitable[bool]]) -> None:
        self.said: list[str] = []
        self.board = Board(folder / "state.json", folder / "board.log", echo=self.said.append)
        child = Child(
            name="part",
            argv=lambda: (sys.executable, "-c", program),
            env={orphans.MARKER: str(folder)},
            cwd=folder,
            ready=ready,
            ready_timeout_s=2.0,
            stop_timeout_s=1.0,
        )
        self.part = Supervised(child, self.board, folder, folder, Backoff(first_s=0.05))

    @property
    def state(self) -> State:
        return self.board.snapshot.parts["part"].state

    @property
    def pid(self) -> int:
        assert self.part.process is not None
        return self.part.process.pid


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - it looks at files and processes
            await asyncio.sleep(0.02)


async def always() -> bool:
    return True


async def never() -> bool:
    return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


SLEEPS = "import time; time.sleep(600)"
IGNORES_TERM = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
FORKS = "import os, time; os.fork(); time.sleep(600)"


def test_one_that_is_never_ready_is_refused_with_its_last_words_and_gone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, f"print('I am still warming up', flush=True); {SLEEPS}", ready=never)
    with pytest.raises(StartRefused, match=r"not ready within 2 s.*I am still warming up"):
        asyncio.run(bench.part.bring_up())
    assert bench.part.process is not None
    bench.part.process.wait(LIMIT_S)


def test_one_that_exits_while_starting_is_refused_with_its_last_words(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "print('no licence'); raise SystemExit(3)", ready=never)
    with pytest.raises(StartRefused, match=r"stopped 3 times while starting.*no licence"):
        asyncio.run(bench.part.bring_up())


def test_one_that_is_killed_comes_back_and_it_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SLEEPS, ready=always)

    async def scenario() -> None:
        await bench.part.bring_up()
        watching = asyncio.create_task(bench.part.watch())
        first = bench.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: bench.pid != first and bench.state is State.READY)
        watching.cancel()
        await bench.part.stop()

    asyncio.run(scenario())
    assert bench.said == ["part stopped (killed by SIGKILL); starts again in 0.05 s", "part is back"]
    assert bench.board.snapshot.parts["part"].restarts == 1
    assert bench.state is State.STOPPED


def test_what_a_dead_one_had_started_is_gone_before_it_comes_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FORKS, ready=always)

    async def scenario() -> None:
        await bench.part.bring_up()
        await until(lambda: len(orphans.find_orphans(tmp_path, tmp_path)) == 2)
        watching = asyncio.create_task(bench.part.watch())
        first = set(orphans.find_orphans(tmp_path, tmp_path))
        os.kill(bench.pid, signal.SIGKILL)
        await until(lambda: not first & set(orphans.find_orphans(tmp_path, tmp_path)))
        watching.cancel()
        await bench.part.stop()

    asyncio.run(scenario())


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "part.log"

    async def deaf() -> bool:
        return log.exists() and "deaf" in log.read_text()

    bench = Bench(tmp_path, IGNORES_TERM, ready=deaf)

    async def scenario() -> None:
        await bench.part.bring_up()
        await bench.part.stop()

    asyncio.run(scenario())
    assert bench.said == ["part did not stop in 1 s: killed"]
    assert not is_alive(bench.pid)


def test_the_board_tells_when_a_living_one_stops_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.supervise.process._PROBE_EVERY_S", 0.05)
    answers = True

    async def ready() -> bool:
        return answers

    bench = Bench(tmp_path, SLEEPS, ready=ready)

    async def scenario() -> None:
        nonlocal answers
        await bench.part.bring_up()
        watching = asyncio.create_task(bench.part.watch())
        answers = False
        await until(lambda: bench.state is State.UNREADY)
        answers = True
        await until(lambda: bench.state is State.READY)
        watching.cancel()
        await bench.part.stop()

    asyncio.run(scenario())
    assert bench.board.snapshot.parts["part"].restarts == 0


def test_orphans_are_found_by_their_mark_and_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FORKS, ready=always)
    both: list[int] = []

    async def scenario() -> None:
        await bench.part.bring_up()
        await until(lambda: len(orphans.find_orphans(tmp_path, tmp_path)) == 2)
        both.extend(orphans.find_orphans(tmp_path, tmp_path))

    asyncio.run(scenario())
    assert orphans.stop_orphans(tmp_path, tmp_path) == both
    assert bench.part.process is not None
    bench.part.process.wait(LIMIT_S)
    assert orphans.find_orphans(tmp_path, tmp_path) == []


def test_a_recorded_process_is_known_by_its_start_and_not_by_its_id_alone(tmp_path: Path) -> None:
    orphans.record(tmp_path, "me", os.getpid())
    assert orphans._recorded(tmp_path) == [os.getpid()]
    orphans.write_json(tmp_path / "me.pid", {"pid": os.getpid(), "started": "Thu Jan  1 00:00:00 1970"})
    assert orphans._recorded(tmp_path) == []
