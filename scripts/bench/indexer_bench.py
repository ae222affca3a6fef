"""Measures the indexer from the first block to the head, beside the least that a correct reader has to do.

Both read the same blocks of one anvil into databases of one Postgres, as processes of their own, in turns.
The indexer runs as an operator runs it, with its real tables and their indexes.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from scripts.bench.indexer_load import Load, fill
from scripts.bench.report import Report, Row, arguments, publish
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

ROOT = Path(__file__).parents[2]
EVENTS = 20_000
OURS, FLOOR = "indexer", "by hand"


@dataclass(frozen=True)
class Figure:
    events_per_s: float
    peak_memory_mb: float


class WrongResult(RuntimeError):
    """Speed means nothing when the rows are not those of the chain."""


def indexer(load: Load, database: DatabaseUrls) -> Figure:
    environment = os.environ | {
        "ASOUD_DATABASE_URL": database.app,
        "ASOUD_RPC_URL": load.rpc_url,
        "ASOUD_DATA_DIR": str(load.data_dir),
        "ASOUD_LOG_LEVEL": "WARNING",
    }
    figure = _run(["node.cli", "indexer", "run", "--exit-at-head"], environment)
    _expect(database, load.events, "chain", "transfer")
    _expect(database, load.events // 2, "chain", "token")
    return figure


def floor(load: Load, database: DatabaseUrls) -> Figure:
    blocks = (str(load.first_block), str(load.last_block))
    arguments_ = [load.rpc_url, database.owner, load.collection, *blocks]
    figure = _run(["scripts.bench.indexer_floor", *arguments_], dict(os.environ))
    _expect(database, load.events, "floor", "transfer")
    _expect(database, load.events // 2, "floor", "token")
    return figure


def _run(module: list[str], environment: dict[str, str]) -> Figure:
    done = subprocess.run(
        [sys.executable, "-m", *module], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    said = json.loads(done.stdout.splitlines()[-1])
    return Figure(said["events_per_s"], said["peak_memory_mb"])


def _expect(database: DatabaseUrls, rows: int, schema: str, table: str) -> None:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
    with psycopg.connect(database.owner) as connection:
        found = connection.execute(query).fetchone()
    if found != (rows,):
        raise WrongResult(f"{schema}.{table} has {found} rows instead of {rows}")


def measure(addresses: Addresses, load: Load, *, rounds: int) -> dict[str, list[Figure]]:
    ways = {FLOOR: floor, OURS: indexer}
    figures: dict[str, list[Figure]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            with cloned_database(addresses, "bench") as database:
                figures[name].append(way(load, database))
    return figures


def report_of(figures: dict[str, list[Figure]], *, events: int, rounds: int) -> Report:
    rows, peaks = [], []
    for name, found in figures.items():
        pairs = zip(found, figures[FLOOR], strict=True)
        ratio = statistics.median(ours.events_per_s / base.events_per_s for ours, base in pairs)
        rows.append(Row(name, statistics.median(item.events_per_s for item in found), ratio))
        peaks.append(f"{max(item.peak_memory_mb for item in found):.0f} MB ({name})")
    what = f"{events:,} transfers, Postgres without fsync; at most {' and '.join(peaks)}."
    return Report(
        "Indexer", f"scripts/bench/indexer --events {events}", what, "events/s", FLOOR, rounds, rows
    )


def main() -> None:
    parser = arguments(__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=EVENTS, help="transfers on the chain")
    options = parser.parse_args()
    stack = Stack()
    try:
        with stack.anvil() as rpc_url, tempfile.TemporaryDirectory() as data_dir:
            load = fill(rpc_url, Path(data_dir), events=options.events)
            figures = measure(stack.addresses(), load, rounds=options.rounds)
    finally:
        stack.stop()
    publish(report_of(figures, events=load.events, rounds=options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
