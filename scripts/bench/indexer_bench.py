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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from scripts.bench.indexer_load import PER_BLOCK, Load, fill
from scripts.bench.report import Report, Row, arguments, publish
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

ROOT = Path(__file__).parents[2]
OURS, FLOOR = "indexer", "by hand"
ROUNDS = 3


@dataclass(frozen=True)
class Kind:
    """A load; `rounds` None: as many as asked for."""

    name: str
    events: int
    per_block: int = PER_BLOCK
    texts: bool = False
    rounds: int | None = None


HUNDRED_THOUSAND, MILLION = "100,000 transfers", "1,000,000 transfers"
KINDS = {
    "100k": Kind(HUNDRED_THOUSAND, 100_000),
    "1m": Kind(MILLION, 1_000_000, rounds=1),
    "texts": Kind("100,000 events, half with a text", 100_000, texts=True),
    "small": Kind("2,000 blocks of 5 transfers", 10_000, per_block=5),
}
# Of the same loads on two cores, at another time: npm's `ponder` 0.17.7 needs Node 22 and packages that a
# registry may lack.
PONDER = (
    "Not in this run: Ponder 0.17.7 on Node 22, on another machine of two cores, took 2,300 of the 100,000"
    " transfers a second as it comes and 7,300 with its limit of requests raised, where the reader by hand"
    " took 77,000 to 84,000: 0.03 and 0.09 of it."
)


@dataclass(frozen=True)
class Figure:
    events_per_s: float
    peak_memory_mb: float


Figures = Mapping[str, Sequence[Figure]]  # by who read


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
    _expect(database, load, "chain")
    return figure


def floor(load: Load, database: DatabaseUrls) -> Figure:
    blocks = (str(load.first_block), str(load.last_block))
    arguments_ = [load.rpc_url, database.owner, load.collection, *blocks]
    figure = _run(["scripts.bench.indexer_floor", *arguments_], dict(os.environ))
    _expect(database, load, "floor")
    return figure


def _run(module: list[str], environment: dict[str, str]) -> Figure:
    done = subprocess.run(
        [sys.executable, "-m", *module], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    said = json.loads(done.stdout.splitlines()[-1])
    return Figure(said["events_per_s"], said["peak_memory_mb"])


def _expect(database: DatabaseUrls, load: Load, schema: str) -> None:
    query = sql.SQL(
        "SELECT (SELECT count(*) FROM {transfer}), count(*), count(*) FILTER (WHERE uri <> '') FROM {token}"
    ).format(transfer=sql.Identifier(schema, "transfer"), token=sql.Identifier(schema, "token"))
    with psycopg.connect(database.owner) as connection:
        found = connection.execute(query).fetchone()
    if found != (load.events - load.texts, load.tokens, load.texts):
        raise WrongResult(f"transfers, tokens and texts of {schema} are {found}")


def measure(addresses: Addresses, load: Load, *, rounds: int) -> Figures:
    ways = {FLOOR: floor, OURS: indexer}
    figures: dict[str, list[Figure]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            with cloned_database(addresses, "bench") as database:
                figures[name].append(way(load, database))
    return figures


def measured(stack: Stack, kind: Kind, *, rounds: int) -> Figures:
    with stack.anvil() as rpc_url, tempfile.TemporaryDirectory() as data_dir:
        load = fill(rpc_url, Path(data_dir), events=kind.events, per_block=kind.per_block, texts=kind.texts)
        return measure(stack.addresses(), load, rounds=kind.rounds or rounds)


def report_of(found: Mapping[str, Figures], *, rounds: int) -> Report:
    rows = []
    for load, figures in found.items():
        for name, ran in figures.items():
            pairs = zip(ran, figures[FLOOR], strict=True)
            ratio = statistics.median(ours.events_per_s / base.events_per_s for ours, base in pairs)
            rows.append(Row(f"{load}, {name}", statistics.median(item.events_per_s for item in ran), ratio))
    what = "from the first block to the head, Postgres without fsync; the ratio is that of the same load."
    return Report(
        "Indexer", "scripts/bench/indexer", what, "events/s", FLOOR, rounds, rows, note=_note(found)
    )


def _note(found: Mapping[str, Figures]) -> str:
    peaks = [
        f"{load}: {max(item.peak_memory_mb for item in figures[OURS]):.0f} MB"
        for load, figures in found.items()
    ]
    said = [f"Peak memory of the indexer: {', '.join(peaks)}."]
    if HUNDRED_THOUSAND in found and MILLION in found:
        few, many = (
            statistics.median(item.events_per_s for item in found[name][OURS])
            for name in (HUNDRED_THOUSAND, MILLION)
        )
        said.append(f"A million go at {many / few:.2f} of the speed of a hundred thousand.")
    return " ".join([*said, PONDER])


def main() -> None:
    parser = arguments(__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--loads", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    stack = Stack()
    try:
        found = {
            KINDS[name].name: measured(stack, KINDS[name], rounds=options.rounds) for name in options.loads
        }
    finally:
        stack.stop()
    publish(report_of(found, rounds=options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
