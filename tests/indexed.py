"""Running the indexer in tests, and looking at all that it wrote."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
import pytest
from psycopg import sql

from indexer.asking import Asking, Metadata
from indexer.models import SCHEMA
from indexer.run import RunReport, indexer_of, run
from indexer.status import STATUS
from indexer.store import Store
from indexer.verify import Difference, Listings, verify
from node.bootstrap.models import METADATA
from node.chain.rpc import RpcClient
from node.chain.tokens import Standard
from node.kernel.clock import SystemClock
from node.kernel.hexes import Address
from node.kernel.settings import DEV_CHAIN_ID, Settings
from tests.stack import Addresses, DatabaseUrls, cloned_database

# What two ways to the same block may leave different: clocks, how far back one can go, what was lost on it.
_APART = frozenset({"checkpoint", "endpoint", "foreign_contract", "incident", "partition", "undo"})
TABLES = sorted(t.name for t in METADATA.tables.values() if t.schema == SCHEMA and t.name not in _APART)

_PROCESS = "from indexer.run import main; from node.kernel.settings import Settings; main(Settings())"

T = TypeVar("T")

PATIENCE_S = 60.0

Tables = dict[str, list[str]]


def settings_of(rpc_url: str, data_dir: Path, database: DatabaseUrls, **more: object) -> Settings:
    """`data_dir` is where the deployment is noted."""
    fixed = {"poll_interval_s": 0.02, "rpc_url": rpc_url, "database_url": database.app, "data_dir": data_dir}
    return Settings(**(fixed | more))


def index(settings: Settings) -> RunReport:
    report = asyncio.run(run(settings, exit_at_head=True))
    assert report is not None
    return report


def tables_of(database: DatabaseUrls) -> Tables:
    """All rows of all tables of the chain, as text, and where the checkpoint stands."""
    with psycopg.connect(database.owner, autocommit=True, options="-c timezone=UTC") as connection:
        found = {}
        for name in TABLES:
            query = sql.SQL("SELECT row_to_json(t)::text FROM {} t ORDER BY 1")
            rows = connection.execute(query.format(sql.Identifier(SCHEMA, name)))
            found[name] = [row[0] for row in rows]
        checkpoint = connection.execute("SELECT number, hash::text, finalized_number FROM chain.checkpoint")
        found["checkpoint"] = [str(row) for row in checkpoint]
        return found


def fresh_tables(addresses: Addresses, settings: Settings, name: str) -> Tables:
    """What an indexer that starts from nothing makes of the same chain."""
    with cloned_database(addresses, name) as database:
        index(settings.model_copy(update={"database_url": _secret(settings, database.app)}))
        return tables_of(database)


def assert_same(ours: Tables, fresh: Tables) -> None:
    for name, rows in fresh.items():
        assert ours[name] == rows, name


def wait_for(happened: Callable[[], bool]) -> None:
    """Looks until it is so."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > end:
            pytest.fail("it did not happen")
        time.sleep(0.02)


def events_of(database: DatabaseUrls) -> list[tuple[Any, ...]]:
    """What was told to the spine, without ids and times of recording."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        rows = connection.execute("SELECT stream, version, type_name, payload FROM kernel.event ORDER BY seq")
        return [(stream, version, kind, payload) for stream, version, kind, payload in rows]


def news_of(database: DatabaseUrls) -> list[tuple[Any, ...]]:
    """As `events_of`, but for what vanished or returned: that is told anew for each fork."""
    return [event for event in events_of(database) if not event[2].startswith("chain.event_")]


def differences(settings: Settings, listings: Listings | None = None) -> list[Difference]:
    async def collect() -> list[Difference]:
        url = settings.rpc_url.get_secret_value()
        async with RpcClient(url, timeout_s=settings.rpc_timeout_s) as rpc:
            found = verify(
                database_url=settings.database_url.get_secret_value(),
                rpc=rpc,
                chain_id=settings.chain_id,
                listings=listings,
            )
            return [difference async for difference in found]

    return asyncio.run(collect())


def said(database: DatabaseUrls, state: str) -> str | None:
    """Waits until the checkpoint is in that state; the reason that it gives."""
    end = time.monotonic() + PATIENCE_S
    row = None
    with psycopg.connect(database.owner, autocommit=True) as connection:
        while time.monotonic() < end:
            row = connection.execute("SELECT state, reason FROM chain.checkpoint").fetchone()
            if row is not None and row[0] == state:
                return row[1]
            time.sleep(0.02)
    pytest.fail(f"the indexer is {row}, not {state}")


def indexed(database: DatabaseUrls, number: int) -> None:
    """Waits until that block is in the tables."""
    end = time.monotonic() + PATIENCE_S
    with psycopg.connect(database.owner, autocommit=True) as connection:
        while time.monotonic() < end:
            row = connection.execute("SELECT number FROM chain.checkpoint").fetchone()
            if row is not None and row[0] >= number:
                return
            time.sleep(0.02)
    pytest.fail(f"block {number} was not indexed")


@contextmanager
def indexer_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """The indexer as a process of its own; killed at the end."""
    own = {
        "ASOUD_DATABASE_URL": settings.database_url.get_secret_value(),
        "ASOUD_RPC_URL": settings.rpc_url.get_secret_value(),
        "ASOUD_DATA_DIR": str(settings.data_dir),
        "ASOUD_POLL_INTERVAL_S": str(settings.poll_interval_s),
        "ASOUD_UNDO_BLOCKS": str(settings.undo_blocks),
        "ASOUD_INDEXER_METRICS_PORT": "0",
        "ASOUD_CONFIRMATIONS": str(settings.confirmations),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _secret(settings: Settings, url: str) -> object:
    return type(settings.database_url)(url)


def ask(settings: Settings, work: Callable[[Asking], Awaitable[T]]) -> T:
    """What an operator asks for about contracts that are not ours."""

    async def asked() -> T:
        rpc_url = settings.rpc_url.get_secret_value()
        async with (
            Store.connect(settings.database_url.get_secret_value(), settings.chain_id) as store,
            RpcClient(rpc_url, timeout_s=settings.rpc_timeout_s) as rpc,
        ):
            return await work(Asking(store, rpc, start_block=settings.start_block))

    return asyncio.run(asked())


def read_token(settings: Settings, address: Address, standard: Standard) -> Metadata:
    now = SystemClock().now()
    return ask(settings, lambda asking: asking.add_token(address, standard, from_block=None, now=now))


@contextmanager
def indexing(settings: Settings) -> Iterator[None]:
    """The indexer in a thread of this process, so that its metrics and logs can be seen."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(indexer_of(settings).run())

    def work() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


def health(database: DatabaseUrls, chain_id: int = DEV_CHAIN_ID) -> dict[str, Any]:
    """What `/health/chain` would show."""
    with psycopg.connect(database.app, autocommit=True) as connection:
        row = connection.execute(STATUS, {"chain_id": chain_id}).fetchone()
        assert row is not None
        found: dict[str, Any] = row[0]
        return found


def eventually(look: Callable[[], T | bool | None], *, patience_s: float = 60.0) -> T:
    """Waits until there is something to be seen."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if found := look():
            return cast("T", found)
        time.sleep(0.02)
    raise AssertionError("it did not come to that")
