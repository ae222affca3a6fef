"""Measures durable transfers of the ledger beside the least SQL that moves money, both with fsync.

Most rows are run by pgbench with prepared statements, in turns, against one Postgres: the client costs the
same. The floor is one function that updates two balances and inserts one row, with one index and no check but
the sign. The last rows are confirmations of transfers between wallets: of their function alone, and over HTTP
from granian on the same machine, beside an empty endpoint of it. With `--growth` it draws what a transfer
costs as the ledger grows.
"""

import json
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from scripts.bench.cpu import PARTS as CPU_PARTS
from scripts.bench.cpu import cpu_ms, cpu_seconds
from scripts.bench.curve import curve_svg
from scripts.bench.ledger_http import CONFIRM_SQL, CONNECTIONS, WORKERS, Confirmations, confirmations
from scripts.bench.report import PARTS, Report, Row, arguments, publish
from tests.stack import DatabaseUrls, Stack, cloned_database

ACCOUNTS = 50_000
ACCOUNTS_OF_GROWTH = 5_000
PAIRS_OF_GROWTH = 7
WARM_UP_S = 6
HOT = 1  # the first account that is opened
CLIENTS = 8
CLIENTS_OF_BATCHES = 4  # enough for the cores; more wait for the accounts of each other
FILLERS = 2  # connections that make a ledger grow; one more seals meanwhile
CPU_SHOWN_MIN_MS = 0.005
SMALLEST = 10_000  # of the growth: the accounts' own top-ups are below it
DURABLE = (
    *("fsync=on", "synchronous_commit=on", "full_page_writes=on"),
    *("max_connections=50", "shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=30min"),
)
CONFIRMED, OVER_HTTP, EMPTY = "confirmation in SQL", "confirmation over HTTP", "empty endpoint"
FLOOR, SINGLE, HOT_ROW = "floor", "single", "one hot account"
BATCHED, LARGE = "batches of 100", "batches of 1,000"
SIZES = {BATCHED: 100, LARGE: 1_000}
COMPARED = (FLOOR, SINGLE, HOT_ROW, BATCHED, CONFIRMED)
CURVE = PARTS / "ledger-growth.svg"

_TABLES = """
    CREATE SCHEMA floor;
    CREATE TABLE floor.account (id bigint PRIMARY KEY, balance numeric NOT NULL CHECK (balance >= 0))
        WITH (fillfactor = 60);
    CREATE TABLE floor.transfer (
        id uuid PRIMARY KEY, source bigint NOT NULL, destination bigint NOT NULL, amount numeric NOT NULL,
        at timestamptz NOT NULL
    );
    CREATE FUNCTION floor.move(p_id uuid, p_source bigint, p_destination bigint, p_amount numeric)
    RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        IF p_source < p_destination THEN
            UPDATE floor.account SET balance = balance - p_amount WHERE id = p_source;
            UPDATE floor.account SET balance = balance + p_amount WHERE id = p_destination;
        ELSE
            UPDATE floor.account SET balance = balance + p_amount WHERE id = p_destination;
            UPDATE floor.account SET balance = balance - p_amount WHERE id = p_source;
        END IF;
        INSERT INTO floor.transfer VALUES (p_id, p_source, p_destination, p_amount, now());
    END $$;
    GRANT USAGE ON SCHEMA floor TO PUBLIC;
    GRANT ALL ON ALL TABLES IN SCHEMA floor TO PUBLIC;
"""
_FILL = (
    "SELECT ledger.register_asset('iso4217:USD', 'USD', 2)",
    "SELECT ledger.open_account('node', 'fees', 'iso4217:USD', 2, NULL, now())",
    """SELECT count(ledger.open_account('account:' || n, 'wallet', 'iso4217:USD', 2, 0, now()))
    FROM generate_series(1, %(accounts)s) AS n""",
    """SELECT count(ledger.move('top:' || n, 'top_up', 1, n, 'iso4217:USD', 2, 1000000000, now()))
    FROM generate_series(2, %(accounts)s + 1) AS n""",
    "INSERT INTO floor.account SELECT n, 1000000000 FROM generate_series(2, %(accounts)s + 1) AS n",
    "VACUUM ANALYZE",
)
# A colon would be a variable of pgbench.
_ASSET = "'iso4217' || chr(58) || 'USD'"
_PAIR = """\\set source random(2, ACCOUNTS + 1)
\\set step random(1, ACCOUNTS - 1)
\\set destination 2 + (:source - 2 + :step) % ACCOUNTS
"""
_BATCH = """SELECT ledger.post(
    array_agg(uuidv7()::text), array_agg('bench'::text), array_agg(n), array_agg(1),
    array_agg(2 + source), array_agg(2 + (source + step) % ACCOUNTS), array_agg(ASSET), array_agg(2),
    array_agg(1::numeric), now()
) FROM (
    SELECT n, floor(random() * ACCOUNTS)::bigint AS source,
        1 + floor(random() * (ACCOUNTS - 1))::bigint AS step FROM generate_series(1, BATCH) AS n
) AS drawn;"""
_MOVE = "SELECT ledger.move(uuidv7()::text, 'bench', :source, DESTINATION, ASSET, 2, 1, now());"
SCRIPTS = {
    FLOOR: _PAIR + "SELECT floor.move(uuidv7(), :source, :destination, 1);",
    SINGLE: _PAIR + _MOVE.replace("DESTINATION", ":destination"),
    HOT_ROW: _PAIR + _MOVE.replace("DESTINATION", str(HOT)),
    **{name: _BATCH.replace("BATCH", str(size)) for name, size in SIZES.items()},
    CONFIRMED: CONFIRM_SQL,
}
_SEAL = "SELECT ledger.seal(10000)"


@dataclass(frozen=True)
class Figure:
    transfers_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: Mapping[str, float]
    """For each transfer, by part."""


class BenchFailed(RuntimeError):
    """pgbench did not do what it was told; its figures mean nothing."""


class Bench:
    def __init__(self, stack: Stack, urls: DatabaseUrls, folder: Path, *, accounts: int) -> None:
        self._pgbench = stack.postgres.place.bin_dir / "pgbench"
        self.urls = urls
        self._folder = folder
        self._scripts = {
            name: script.replace("ACCOUNTS", str(accounts)).replace("ASSET", _ASSET)
            for name, script in SCRIPTS.items()
        }
        for name, script in self._scripts.items():
            self._path(name).write_text(script)

    def _path(self, name: str) -> Path:
        return self._folder / (name.replace(" ", "-") + ".sql")

    def run(self, name: str, *, seconds: float, clients: int = CLIENTS) -> Figure:
        """Latencies are those of transactions: of a batch, as long as its transfers wait together."""
        for old in self._folder.glob("log.*"):
            old.unlink()
        logged = ("--log", f"--log-prefix={self._folder / 'log'}")
        command = self._command(name, clients, f"--time={max(1, round(seconds))}", *logged)
        before = cpu_seconds()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        rate = re.search(r"tps = ([0-9.]+)", done.stdout)
        made = re.search(r"actually processed: ([0-9]+)", done.stdout)
        if done.returncode or rate is None or made is None or " 0 (0.000%)" not in done.stdout:
            raise BenchFailed(done.stderr[-500:])
        size = SIZES.get(name, 1)
        cpu = cpu_ms(before, per=int(made[1]) * size)
        lines = [line for log in self._folder.glob("log.*") for line in log.read_text().splitlines()]
        waits = sorted(int(line.split()[2]) / 1000 for line in lines)
        return Figure(float(rate[1]) * size, waits[len(waits) // 2], waits[len(waits) * 99 // 100], cpu)

    def _command(self, name: str, clients: int, *options: str) -> list[str]:
        always = ("--no-vacuum", "--protocol=prepared", "--jobs=1", f"--client={clients}")
        return [str(self._pgbench), *always, *options, f"--file={self._path(name)}", self.urls.app]

    def transfers(self) -> int:
        with psycopg.connect(self.urls.app) as connection:
            row = connection.execute("SELECT last_value FROM ledger.transfer_id_seq").fetchone()
        assert row is not None
        return int(row[0])

    def grow(self, transfers: int) -> None:
        """Fills up to so many transfers, sealed, as an operator's database would be after them."""
        each = max(1, -(-(transfers - self.transfers()) // (FILLERS * SIZES[LARGE])))
        filling = self._command(LARGE, FILLERS, f"--transactions={each}")
        with (
            psycopg.connect(self.urls.app, autocommit=True) as connection,
            subprocess.Popen(filling, stdout=subprocess.DEVNULL) as fillers,
        ):
            while fillers.poll() is None or self._seal(connection):
                self._seal(connection)
        if fillers.returncode:
            raise BenchFailed("the ledger did not grow")
        with psycopg.connect(self.urls.owner, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE ledger.account")
            connection.execute("ANALYZE")
            connection.execute("CHECKPOINT")

    @staticmethod
    def _seal(connection: psycopg.Connection) -> int:
        """Returns how many transfers; waits when there was none, as the schedule would."""
        row = connection.execute(_SEAL).fetchone()
        assert row is not None
        if row[0] == 0:
            time.sleep(0.1)
        return int(row[0])


@contextmanager
def prepared(stack: Stack, *, accounts: int) -> Iterator[Bench]:
    """A database with accounts that are rich enough."""
    with cloned_database(stack.addresses(), "bench") as urls, tempfile.TemporaryDirectory() as folder:
        _prepare(urls, stack.addresses().superuser, accounts)
        yield Bench(stack, urls, Path(folder), accounts=accounts)


def _prepare(urls: DatabaseUrls, superuser: str, accounts: int) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(_TABLES)
        for statement in _FILL:
            if "%" in statement:
                connection.execute(statement.encode(), {"accounts": accounts})
            else:
                connection.execute(statement.encode())
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("GRANT pg_checkpoint TO asoud_owner")


def compare(
    bench: Bench, confirming: Confirmations, *, rounds: int, seconds: float
) -> dict[str, list[Figure]]:
    names = (*COMPARED, OVER_HTTP, EMPTY)
    figures: dict[str, list[Figure]] = {name: [] for name in names}
    for turn in range(rounds + 1):  # the first one warms up
        lasts = seconds if turn else 1
        for name in names:
            if name == CONFIRMED:
                confirming.queue(seconds=lasts)
            if name in SCRIPTS:
                clients = CLIENTS_OF_BATCHES if name == BATCHED else CLIENTS
                found = bench.run(name, seconds=lasts, clients=clients)
            else:
                do = confirming.over_http if name == OVER_HTTP else confirming.nothing_over_http
                done = do(seconds=lasts)
                found = Figure(done.per_second, done.p50_ms, done.p99_ms, done.cpu_ms)
            if turn:
                figures[name].append(found)
    return figures


def growth(bench: Bench, *, up_to: int) -> list[dict[str, float]]:
    """Cost of a single transfer beside the floor's at the same time, at each size.

    Measuring makes it grow as well: what is told is the size halfway.
    """
    points, size = [], SMALLEST
    while size <= up_to:
        bench.grow(size)
        bench.run(SINGLE, seconds=WARM_UP_S)  # after the checkpoint each page is logged whole once
        before = bench.transfers()
        pairs = [(bench.run(FLOOR, seconds=1), bench.run(SINGLE, seconds=1)) for _ in range(PAIRS_OF_GROWTH)]
        cost = statistics.median(CLIENTS / ours.transfers_per_s * 1000 for _, ours in pairs)
        ratio = statistics.median(floor.transfers_per_s / ours.transfers_per_s for floor, ours in pairs)
        halfway = (before + bench.transfers()) / 2
        points.append({"transfers": halfway, "ms": cost, "times_floor": ratio})
        print(json.dumps(points[-1]), flush=True)
        size *= 10
    return points


def report_of(figures: dict[str, list[Figure]], *, rounds: int, seconds: float) -> Report:
    rows = []
    for name, found in figures.items():
        pairs = zip(found, figures[FLOOR], strict=True)
        ratio = statistics.median(ours.transfers_per_s / base.transfers_per_s for ours, base in pairs)
        p50 = statistics.median(item.p50_ms for item in found)
        p99 = statistics.median(item.p99_ms for item in found)
        of_single = ""
        if name not in (FLOOR, SINGLE, EMPTY):
            both = zip(found, figures[SINGLE], strict=True)
            times = statistics.median(ours.transfers_per_s / one.transfers_per_s for ours, one in both)
            of_single = f"{times:.2f} of single, "
        label = f"{name} ({of_single}p50 {p50:.1f} ms, p99 {p99:.1f} ms)"
        rows.append(Row(label, statistics.median(item.transfers_per_s for item in found), ratio))
    what = (
        f"pgbench, {CLIENTS} connections (batches: {CLIENTS_OF_BATCHES}), {ACCOUNTS:,} accounts, durable"
        f" commits, {seconds:g} s a row and round. The floor updates two balances and inserts one row."
        f" HTTP: granian with {WORKERS} processes, {CONNECTIONS} connections, on the same machine."
    )
    return Report(
        "Ledger", "scripts/bench/ledger", what, "transfers/s", rows[0].name, rounds, rows, note=_note(figures)
    )


def _note(figures: dict[str, list[Figure]]) -> str:
    """What a transfer over HTTP costs beside one that pgbench moves, and what for."""
    told = "; ".join(f"{name} {_cpu(figures[name])}" for name in (SINGLE, CONFIRMED, OVER_HTTP, EMPTY))
    return (
        f"Milliseconds of CPU for each, all cores together: {told}. The second beside the first is what"
        " a confirmation does but move money (session, limits, event, answer). Over HTTP those of one moment"
        " share a transaction, so that Postgres does less; the rest goes into the node's Python, of which the"
        " empty endpoint shows the part of server and framework."
    )


def _cpu(found: Sequence[Figure]) -> str:
    each = {part: statistics.median(figure.cpu_ms[part] for figure in found) for part in CPU_PARTS}
    parts = ", ".join(f"{part} {ms:.2f}" for part, ms in each.items() if ms >= CPU_SHOWN_MIN_MS)
    return f"{sum(each.values()):.2f} ({parts})"


def main() -> None:
    parser = arguments(__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5, help="0: nothing but the growth")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--growth", type=int, default=0, help="also draw the cost up to so many transfers")
    options = parser.parse_args()
    stack = Stack(postgres_settings=DURABLE)
    try:
        if options.rounds:
            _compare(stack, rounds=options.rounds, seconds=options.seconds, as_json=options.json)
        if options.growth:
            with prepared(stack, accounts=ACCOUNTS_OF_GROWTH) as bench:
                points = growth(bench, up_to=options.growth)
            PARTS.mkdir(exist_ok=True)
            CURVE.write_text(curve_svg(points))
    finally:
        stack.stop()


def _compare(stack: Stack, *, rounds: int, seconds: float, as_json: bool) -> None:
    with (
        prepared(stack, accounts=ACCOUNTS) as bench,
        confirmations(bench.urls, stack.addresses().redis) as confirming,
    ):
        figures = compare(bench, confirming, rounds=rounds, seconds=seconds)
    publish(report_of(figures, rounds=rounds, seconds=seconds), as_json=as_json)
    if as_json:
        print(json.dumps({name: [asdict(item) for item in found] for name, found in figures.items()}))


if __name__ == "__main__":
    main()
