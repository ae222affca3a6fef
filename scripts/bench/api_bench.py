"""Measures the API's two paths on a real Postgres behind a real granian, one process, interleaved rounds.

Rows: an empty endpoint (the floor of framework and server), a keyset page of 20 products through the query
path, the same page through SQLAlchemy's ORM and Pydantic, and a write (a nonce: one command, one commit).
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from node.kernel.clock import SystemClock
from node.kernel.db.unit_of_work import Database
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.ids import new_id
from node.kernel.money import native_asset
from node.services.catalog.models import Product
from node.services.market.models import Market
from scripts.bench.load import Request, load
from scripts.bench.report import Report, Row, arguments, publish
from tests.stack import DatabaseUrls, Stack, cloned_database, free_port

ROOT = Path(__file__).parents[2]
PRODUCTS = 2_000
CONNECTIONS = 16
BOUNDS = tuple(f"ASOUD_{name}_PER_MINUTE" for name in ("SIGN_IN", "READS", "WRITES", "KEY"))
READY_TIMEOUT_S = 60
SOMEBODY = Address("0x" + "11" * 20)
JSON = (("content-type", "application/json"),)
NONCE_FOR = json.dumps({"address": SOMEBODY}).encode()
ORM, QUERY, EMPTY, WRITE = "page by ORM + Pydantic", "page by the query path", "empty endpoint", "write"


def fill(urls: DatabaseUrls) -> uuid.UUID:
    """A market with its products, as the services write them."""
    database, now, native = Database(urls.app, pool_size=1), SystemClock().now(), native_asset(31337)
    market = Market(
        id=new_id(),
        owner_account_id=new_id(),
        slug="bench",
        name="Bench",
        description="",
        language="en",
        payout_address=SOMEBODY,
        arbiter=SOMEBODY,
        ship_within_s=1,
        inspection_s=1,
        ruling_s=1,
        silence_seller_bps=0,
        opened_at=now,
        changed_at=now,
    )
    with database.transaction() as tx:
        tx.add(market)
        tx.flush()
        tx.add_all(
            Product(
                id=new_id(),
                market_id=market.id,
                title=f"Product {n}",
                description="Fine goods. " * 8,
                sku=f"SKU-{n}",
                status="active",
                price=(n + 1) * 10**15,
                asset_id=native.id,
                asset_code=native.code,
                asset_exponent=native.exponent,
                asset_address=ZERO_ADDRESS,
                available=n,
                reserved=0,
                sold=0,
                added_at=now,
                changed_at=now,
            )
            for n in range(PRODUCTS)
        )
    database.dispose()
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return market.id


@contextmanager
def server(urls: DatabaseUrls, redis_url: str, *, workers: int = 1) -> Iterator[int]:
    port, metrics = free_port(), free_port()
    with tempfile.TemporaryDirectory() as data_dir:
        environment = os.environ | {
            "ASOUD_DATABASE_URL": urls.app,
            "ASOUD_REDIS_URL": redis_url,
            "ASOUD_DATA_DIR": data_dir,
            "ASOUD_METRICS_PORT": str(metrics),
            "ASOUD_LOG_LEVEL": "WARNING",
            **dict.fromkeys(BOUNDS, "1000000"),
        }
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1"]
        command += [
            "--port",
            str(port),
            "--workers",
            str(workers),
            "--loop",
            "uvloop",
            "--log-level",
            "warning",
        ]
        process = subprocess.Popen([*command, "scripts.bench.api_app:app"], cwd=ROOT, env=environment)
        try:
            _wait_ready(port)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_ready(port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/bench/empty").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def measure(port: int, market: uuid.UUID, *, rounds: int, seconds: float) -> dict[str, list[float]]:
    page = f"/v1/markets/{market}/products?limit=20"
    requests = {
        ORM: Request("GET", f"/bench/orm/{market}?limit=20"),
        QUERY: Request("GET", page),
        EMPTY: Request("GET", "/bench/empty"),
        WRITE: Request("POST", "/v1/auth/nonces", headers=JSON, body=NONCE_FOR, status=201),
    }
    figures: dict[str, list[float]] = {name: [] for name in requests}
    for turn in range(rounds + 1):  # the first one warms up
        for name, request in requests.items():
            streams = [itertools.repeat((request,))] * CONNECTIONS
            done = load(port, streams, seconds=seconds)
            if turn:
                figures[name].append(done.per_second)
    return figures


def main() -> None:
    parser = arguments(__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    options = parser.parse_args()
    stack = Stack()
    try:
        addresses = stack.addresses()
        with cloned_database(addresses, "bench") as urls:
            market = fill(urls)
            with server(urls, addresses.redis) as port:
                figures = measure(port, market, rounds=options.rounds, seconds=options.seconds)
    finally:
        stack.stop()
    rows = [
        Row(
            name,
            statistics.median(rates),
            statistics.median(r / b for r, b in zip(rates, figures[ORM], strict=True)),
        )
        for name, rates in figures.items()
    ]
    what = f"one granian process, {CONNECTIONS} connections, {PRODUCTS:,} products, pages of 20."
    report = Report("API", "scripts/bench/api", what, "requests/s", ORM, options.rounds, rows)
    publish(report, as_json=options.json)


if __name__ == "__main__":
    main()
