"""Real parts for tests: the same code that runs them for `scripts/up`, in a temporary folder.

Without xdist a part starts when the first test asks for it. With xdist the controller starts Postgres and
Valkey before its workers, hands them the addresses by environment, and stops them after the last worker: no
worker owns what the others use.
"""

import asyncio
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg import sql
from typing_extensions import override

from node.bootstrap.migrate import upgrade
from node.cli.supervise import children
from node.cli.supervise.anvil import EmbeddedAnvil
from node.cli.supervise.board import Board
from node.cli.supervise.chainstate import StateFiles
from node.cli.supervise.children import Part
from node.cli.supervise.plan import Plan, Ports
from node.cli.supervise.postgres import APP, OWNER, EmbeddedPostgres, find_place
from node.cli.supervise.process import Child, Supervised
from node.cli.supervise.rpc import RpcClient
from node.cli.supervise.valkey import EmbeddedValkey
from node.kernel.clock import SystemClock

HANDED_DOWN = "ASOUD_TEST_STACK"
TEMPLATE = "asoud_template"
PORTS = range(20_000, 32_000)
CHAINS_MAX = 10_000  # of one process

# A test's data may be lost with the machine; that makes commits several times faster.
_CARELESS = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
    *("max_connections=300", "shared_buffers=64MB"),
)
_MEMORY = "/dev/shm"  # noqa: S108 - the folder in it is made by mkdtemp
_MEMORY_BYTES_MIN = 4 << 30


def _in_memory() -> str | None:
    """Where files cost no disk, as a test makes and drops a database of a thousand files; None is nowhere."""
    try:
        free = shutil.disk_usage(_MEMORY).free
    except OSError:
        return None
    return _MEMORY if free >= _MEMORY_BYTES_MIN else None


@dataclass(frozen=True)
class DatabaseUrls:
    """One database by its two roles: the app may create nothing, the owner made the tables."""

    app: str
    owner: str


@dataclass(frozen=True)
class Addresses:
    """What a worker needs to know of the shared parts."""

    superuser: str
    app: str
    owner: str
    redis: str

    @classmethod
    def handed_down(cls) -> "Addresses | None":
        text = os.environ.get(HANDED_DOWN)
        return cls(**json.loads(text)) if text else None

    def hand_down(self) -> None:
        os.environ[HANDED_DOWN] = json.dumps(asdict(self))


def _now_s() -> int:
    return int(SystemClock().now().timestamp())


class _ForgottenAnvil(EmbeddedAnvil):
    """Nobody wants its state when it stops."""

    def __init__(self, *, folder: Path, port: int, files: StateFiles, genesis_s: int) -> None:
        super().__init__(folder=folder, port=port, files=files)
        self._genesis_s = genesis_s

    @override
    def child(self, env: dict[str, str]) -> Child:
        return replace(super().child(env), before_stop=None, stop_signal=signal.SIGKILL)

    @override
    def argv(self) -> list[str]:
        return [*super().argv(), "--timestamp", str(self._genesis_s)]

    @override
    async def after_start(self) -> None:
        """From its first block on it goes by our clock."""
        await RpcClient(self.url).call("evm_setTime", _now_s())


class Stack:
    """Parts that start on first use and stop together."""

    def __init__(self, *, postgres_settings: Sequence[str] = _CARELESS) -> None:
        self._postgres_settings = postgres_settings
        careless = postgres_settings is _CARELESS
        self._folder = Path(tempfile.mkdtemp(prefix="asoud-tests-", dir=_in_memory() if careless else None))
        self._folder.chmod(0o711)  # the account that Postgres runs under has to pass
        for name in ("logs", "run", "secrets"):
            (self._folder / name).mkdir(mode=0o700)
        self._plan = Plan(data_dir=self._folder, ports=Ports(), environment={})
        self._running: list[Supervised] = []
        self._numbers = itertools.count()
        self._first_second = _now_s() - CHAINS_MAX

    def addresses(self) -> Addresses:
        """Starts Postgres with a migrated template, and Valkey."""
        return Addresses(
            superuser=self.postgres.superuser_url,
            app=self.postgres.url(APP, TEMPLATE),
            owner=self.postgres.url(OWNER, TEMPLATE),
            redis=self.valkey.url(0),
        )

    @cached_property
    def postgres(self) -> EmbeddedPostgres:
        wanted = self._folder / "postgres"
        part = EmbeddedPostgres(
            place=find_place(wanted, elsewhere=children.elsewhere(self._folder) / "postgres"),
            secrets_dir=self._plan.secrets_dir,
            port=free_port(),
            settings=self._postgres_settings,
        )
        self._start(part)
        with psycopg.connect(part.superuser_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
        upgrade(part.url(OWNER, TEMPLATE), app_role=APP)
        return part

    @contextmanager
    def postgres_down(self) -> Iterator[None]:
        """It dies as by `pg_ctl stop -m immediate`, and at the end starts as after a crash."""
        running = next(part for part in self._running if part.child.name == self.postgres.name)
        assert running.process is not None
        running.process.send_signal(signal.SIGQUIT)
        running.process.wait(30)
        yield
        asyncio.run(running.bring_up())

    @cached_property
    def valkey(self) -> EmbeddedValkey:
        part = EmbeddedValkey(
            folder=self._folder / "valkey", secrets_dir=self._plan.secrets_dir, port=free_port()
        )
        self._start(part)
        return part

    @contextmanager
    def anvil(self) -> Iterator[str]:
        """A new chain of its own; yields its address.

        The genesis tells chains apart by its second, so no two have the same one.
        """
        self._first_second += 1
        folder = self._folder / f"anvil{next(self._numbers)}"
        part = _ForgottenAnvil(
            folder=folder, port=free_port(), files=StateFiles(folder, print), genesis_s=self._first_second
        )
        running = self._start(part)
        try:
            yield part.url
        finally:
            self._running.remove(running)
            asyncio.run(running.stop())

    def stop(self) -> None:
        for part in reversed(self._running):
            asyncio.run(part.stop())
        shutil.rmtree(self._folder)
        shutil.rmtree(children.elsewhere(self._folder), ignore_errors=True)

    def _start(self, part: Part) -> Supervised:
        part.prepare()
        child = part.child(children.environment_of_parts(self._plan))
        board = Board(self._plan.state_file, self._folder / "stack.log", echo=lambda _: None)
        running = Supervised(child, board, self._plan.logs_dir, self._plan.run_dir)
        self._running.append(running)

        async def start() -> None:
            await running.bring_up()
            await part.after_start()

        asyncio.run(start())
        return running


@contextmanager
def cloned_database(addresses: Addresses, name: str, *, of: str = TEMPLATE) -> Iterator[DatabaseUrls]:
    """A database of that name with the newest schema and no rows; dropped at the end, whoever is in it.

    `of` is another database that nobody is connected to.
    """
    identifier, template, owner = (sql.Identifier(word) for word in (name, of, OWNER))
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
        connection.execute(query.format(identifier, template, owner))
    try:
        yield DatabaseUrls(app=_moved(addresses.app, name), owner=_moved(addresses.owner, name))
    finally:
        with psycopg.connect(addresses.superuser, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def rpc(url: str, method: str, *params: object) -> object:
    """One JSON-RPC call from a test that has no event loop."""
    return asyncio.run(RpcClient(url).call(method, *params, timeout_s=10.0))


def free_port() -> int:
    """One that nobody uses: systems hand higher ones to connections, which may take them meanwhile."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _moved(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"
