"""The embedded parts under a real supervisor survive `kill -9` with their data, and leave nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from node.cli.lifecycle import read_state
from node.cli.supervise import orphans
from node.cli.supervise.children import elsewhere
from node.cli.supervise.plan import OUTSIDE_SETTING, REPO, env_file_of
from tests.stack import free_port, rpc

LIMIT_S = 60.0
PARTS = ("postgres", "valkey", "anvil")


@dataclass
class Folder:
    """A data folder and its ports; any number of nodes in a row may live in it."""

    path: Path
    ports: dict[str, int] = field(
        default_factory=lambda: {p: free_port() for p in ("api", "metrics", "indexer_metrics", *PARTS)}
    )

    def start(self, *, reset: bool = False, **environment: str) -> "subprocess.Popen[str]":
        options = {"data_dir": str(self.path), "ports": self.ports, "reset": reset}
        clean = {k: v for k, v in os.environ.items() if k not in OUTSIDE_SETTING.values()}
        return subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.embedded_node", json.dumps(options)],
            cwd=REPO,
            stdout=subprocess.PIPE,
            text=True,
            env={**clean, **environment},
        )

    @contextmanager
    def node(self, *, reset: bool = False, **environment: str) -> Iterator["subprocess.Popen[str]"]:
        """A node that is ready; stopped at the end, and then nothing of it is left."""
        process = self.start(reset=reset, **environment)
        try:
            wait_until(lambda: self.is_ready() or process.poll() is not None)
            assert process.poll() is None, process.communicate()[0]
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT_S)
        assert self.leftovers() == []

    def state(self) -> dict[str, Any]:
        return read_state(self.path) or {"phase": None, "parts": {}}

    def is_ready(self) -> bool:
        state = self.state()
        return state["phase"] == "ready" and {p["state"] for p in state["parts"].values()} <= {"ready"}

    def settings(self) -> dict[str, str]:
        settings: dict[str, str] = json.loads(env_file_of(self.path).read_text())
        return settings

    def leftovers(self) -> list[int]:
        return orphans.find_orphans(self.path, self.path / "run")


@pytest.fixture
def folder() -> Iterator[Folder]:
    root = Path(tempfile.mkdtemp(prefix="asoud-e2e-"))
    root.chmod(0o711)  # the account that Postgres runs under has to pass
    yield Folder(root / "data")
    shutil.rmtree(root)


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Folder]:
    """As root, pytest's own folders are closed to the account of Postgres; its data then lies elsewhere."""
    path = tmp_path / "data"
    yield Folder(path)
    shutil.rmtree(elsewhere(path), ignore_errors=True)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def put_data(settings: dict[str, str]) -> None:
    with psycopg.connect(settings["ASOUD_DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE public.kept AS SELECT 42 AS answer")
    with redis.Redis.from_url(settings["ASOUD_REDIS_URL"]) as cache:
        cache.set("answer", 42)
        cache.execute_command("WAITAOF", 1, 0, 5000)
    rpc(settings["ASOUD_RPC_URL"], "anvil_mine", "0x7")


def assert_data(settings: dict[str, str]) -> None:
    with psycopg.connect(settings["ASOUD_DATABASE_OWNER_URL"]) as owner:
        assert owner.execute("SELECT answer FROM public.kept").fetchone() == (42,)
    with redis.Redis.from_url(settings["ASOUD_REDIS_URL"]) as cache:
        assert cache.get("answer") == b"42"
    assert rpc(settings["ASOUD_RPC_URL"], "eth_blockNumber") == "0x7"


def saved_height(folder: Folder) -> int:
    try:
        return int(json.loads((folder.path / "anvil/state.json").read_bytes())["best_block_number"])
    except FileNotFoundError:
        return -1


def test_every_part_survives_kill_9_and_a_restart_with_its_data(folder: Folder) -> None:
    with folder.node():
        settings = folder.settings()
        put_data(settings)
        wait_until(lambda: saved_height(folder) == 7)
        for name in PARTS:
            before = folder.state()["parts"][name]
            os.kill(before["pid"], signal.SIGKILL)

            def is_back(name: str = name, killed: int = before["pid"]) -> bool:
                return folder.is_ready() and folder.state()["parts"][name]["pid"] != killed

            wait_until(is_back)
            assert folder.state()["parts"][name]["restarts"] == 1
        assert_data(settings)
    with folder.node():
        assert folder.settings() == settings
        assert_data(settings)


def test_a_killed_supervisor_leaves_nothing_that_the_next_one_minds(folder: Folder) -> None:
    process = folder.start()
    wait_until(folder.is_ready)
    put_data(folder.settings())
    wait_until(lambda: saved_height(folder) == 7)
    process.kill()
    process.communicate(timeout=LIMIT_S)
    with folder.node():
        assert_data(folder.settings())


def test_a_port_in_use_stops_the_start_before_anything_runs(folder: Folder) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", folder.ports["postgres"]))
        other.listen()
        process = folder.start()
        said, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert f"refused: port {folder.ports['postgres']} of postgres is in use" in said
    assert "--postgres-port" in said
    assert not (folder.path / "postgres").exists()


def test_reset_deletes_the_data_and_starts_anew(closed_folder: Folder) -> None:
    with closed_folder.node():
        put_data(closed_folder.settings())
    with closed_folder.node(reset=True):
        settings = closed_folder.settings()
        with psycopg.connect(settings["ASOUD_DATABASE_OWNER_URL"]) as owner:
            assert owner.execute("SELECT to_regclass('public.kept')").fetchone() == (None,)
        with redis.Redis.from_url(settings["ASOUD_REDIS_URL"]) as cache:
            assert cache.dbsize() == 0
        assert rpc(settings["ASOUD_RPC_URL"], "eth_blockNumber") == "0x0"


def test_a_part_that_the_user_placed_outside_is_not_started(folder: Folder, redis_url: str) -> None:
    with folder.node(ASOUD_REDIS_URL=redis_url):
        assert sorted(folder.state()["parts"]) == ["anvil", "postgres"]
        assert "ASOUD_REDIS_URL" not in folder.settings()


def test_a_torn_state_of_the_chain_gives_way_to_the_previous_one(folder: Folder) -> None:
    with folder.node():
        url = folder.settings()["ASOUD_RPC_URL"]
        rpc(url, "anvil_mine", "0x3")
        wait_until(lambda: saved_height(folder) == 3)
        rpc(url, "anvil_mine", "0x1")
    current = folder.path / "anvil/state.json"
    current.write_bytes(current.read_bytes()[:100])
    with folder.node():
        assert rpc(folder.settings()["ASOUD_RPC_URL"], "eth_blockNumber") == "0x3"
