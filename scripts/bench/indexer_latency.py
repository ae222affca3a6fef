"""Measures how soon the indexer shows what happened: a new block, a reorg, and its own death.

- head: from the answer of the node that a block is mined, until the API shows the token's new owner;
- reorg: from the answer of the node that the newest blocks were replaced, until the tables stand at the new
  head;
- restart: from `kill -9` until a new process has caught up with a head that it had seen before.

The indexer and the API are processes of their own, as `scripts/up` runs them, on one anvil and one Postgres.
"""

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from scripts.bench.api_bench import server
from scripts.bench.report import Report, Row, arguments, publish
from tests.chain_life import Life
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

ROOT = Path(__file__).parents[2]
TIMES = 100  # blocks of each measurement of the head
REORGS = 5  # of each depth
RESTARTS = 5
PATIENCE_S = 60.0
LOOK_S = 0.001  # between two looks: whoever looks without a pause takes the processor that is measured
PERCENTILE_95 = 18  # of twenty parts
POLL_S = 0.1
SEED = 20261122
HASHES_ONLY = MANUAL = False  # of a block's transactions; of mining


@dataclass(frozen=True)
class Goal:
    name: str
    limit_ms: float


WEBSOCKET_50, WEBSOCKET_95 = Goal("head by WebSocket, p50", 12), Goal("head by WebSocket, p95", 30)
POLL_50 = Goal("head by polling each 100 ms, p50", 65)
DEPTHS = {5: Goal("reorg of 5 blocks", 100), 64: Goal("reorg of 64 blocks", 2_000)}
DEEP = Goal("reorg of 256 blocks, kept by the setting", 8_000)
RESTART = Goal("restart after kill -9", 3_000)


class Bench:
    """One chain, its tables, and who reads them."""

    def __init__(
        self, life: Life, data_dir: Path, database: DatabaseUrls, tables: psycopg.Connection
    ) -> None:
        self.life = life
        self._tables = tables
        self._data_dir = data_dir
        self._database = database

    @contextmanager
    def indexer(self, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
        environment = os.environ | {
            "ASOUD_DATABASE_URL": self._database.app,
            "ASOUD_RPC_URL": self.life.chain.url,
            "ASOUD_DATA_DIR": str(self._data_dir),
            "ASOUD_LOG_LEVEL": "ERROR",
            "ASOUD_INDEXER_METRICS_PORT": "0",
            "ASOUD_UNDO_BLOCKS": "512",
            **more,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", "indexer", "run"],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.DEVNULL,  # it says of each reorg what vanished
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def caught_up(self) -> None:
        """Until the tables stand at the head that the node has now."""
        head = self.life.chain.rpc("eth_getBlockByNumber", "latest", HASHES_ONLY)["hash"]
        deadline = time.monotonic() + PATIENCE_S
        query = "SELECT '0x' || encode(hash, 'hex') FROM chain.checkpoint"
        while self._tables.execute(query).fetchone() != (head,):
            if time.monotonic() > deadline:
                raise TimeoutError("the indexer does not catch up")
            time.sleep(0.001)


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


def heads(bench: Bench, api_port: int) -> list[float]:
    """A token goes to and fro, a block each time."""
    life = bench.life
    collection = life.create_collection()
    token = life.mint(collection, life.seller)
    bench.caught_up()
    api = http.client.HTTPConnection("127.0.0.1", api_port)
    owners, found, chance = [life.seller, life.buyer], [], random.Random(SEED)  # noqa: S311
    for _ in range(TIMES):
        owners.reverse()
        life.chain.rpc("evm_setAutomine", MANUAL)
        life.transfer(collection, owners[1], owners[0], token)
        life.chain.rpc("evm_mine")
        found.append(
            milliseconds(lambda: _shown(api, f"/v1/collections/{collection}/tokens/{token}", owners[0]))
        )
        life.chain.rpc("evm_setAutomine", not MANUAL)
        time.sleep(chance.uniform(0.02, 0.02 + POLL_S))  # at any time between two polls
    return found


def _shown(api: http.client.HTTPConnection, path: str, owner: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        api.request("GET", path)
        answer = api.getresponse()
        body = answer.read()
        if answer.status == http.HTTPStatus.OK and json.loads(body)["owner"].lower() == owner:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the API does not show it: {body[:200]!r}")
        time.sleep(LOOK_S)


def reorg(bench: Bench, depth: int) -> float:
    """Of `depth` blocks that each moved a token."""
    life = bench.life
    collection = life.create_collection()
    token = life.mint(collection, life.seller)
    owners = [life.seller, life.buyer]
    for _ in range(depth):
        owners.reverse()
        life.chain.receipt(life.transfer(collection, owners[1], owners[0], token))
    bench.caught_up()
    life.chain.reorg(depth)
    return milliseconds(bench.caught_up)


def restart(bench: Bench) -> float:
    with bench.indexer() as process:
        bench.caught_up()
        process.kill()
        process.wait()
    bench.life.chain.mine(3)

    def again() -> None:
        with bench.indexer():
            bench.caught_up()

    return milliseconds(again)


def measure(addresses: Addresses, stack: Stack) -> dict[Goal, Sequence[float]]:
    found: dict[Goal, Sequence[float]] = {}
    with (
        stack.anvil() as url,
        tempfile.TemporaryDirectory() as folder,
        cloned_database(addresses, "bench") as database,
        server(database, addresses.redis) as port,
        psycopg.connect(database.app, autocommit=True) as tables,
    ):
        bench = Bench(Life.begin(url, Path(folder)), Path(folder), database, tables)
        with bench.indexer():
            bench.caught_up()
            found[WEBSOCKET_50] = found[WEBSOCKET_95] = heads(bench, port)
        with bench.indexer(ASOUD_RPC_WEBSOCKET_URL="-", ASOUD_POLL_INTERVAL_S=str(POLL_S)):
            bench.caught_up()
            found[POLL_50] = heads(bench, port)
        with bench.indexer():
            bench.caught_up()
            for depth, goal in DEPTHS.items():
                found[goal] = [reorg(bench, depth) for _ in range(REORGS)]
            found[DEEP] = [reorg(bench, 256)]
        found[RESTART] = [restart(bench) for _ in range(RESTARTS)]
    return found


def row(goal: Goal, times: Sequence[float]) -> Row:
    tail = goal is WEBSOCKET_95
    figure = statistics.quantiles(times, n=20)[PERCENTILE_95] if tail else statistics.median(times)
    return Row(goal.name, figure, figure / goal.limit_ms)


def main() -> None:
    options = arguments(__doc__.splitlines()[0] if __doc__ else "").parse_args()
    stack = Stack()
    try:
        found = measure(stack.addresses(), stack)
    finally:
        stack.stop()
    what = (
        f"blocks that move one token, {TIMES} of them for each figure of the head; Postgres without fsync,"
        " one granian process. The ratio is to the goal."
    )
    rows = [row(goal, times) for goal, times in found.items()]
    report = Report("Indexer latency", "scripts/bench/indexer-latency", what, "ms", "goal", 1, rows)
    publish(report, as_json=options.json)


if __name__ == "__main__":
    main()
