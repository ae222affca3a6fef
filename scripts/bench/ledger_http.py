"""Confirmations of transfers, on the database of the ledger's bench: over HTTP, and of their function alone.

Transfers are prepared in bulk before each measurement; what is measured is `POST …/confirm`, which moves the
money, each a durable commit. Callers are many, so that no wallet is a queue.
"""

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psycopg
from eth_account import Account
from eth_account.messages import encode_defunct

from scripts.bench.api_bench import server
from scripts.bench.load import Act, Load, Request, load
from tests.stack import DatabaseUrls

CALLERS = 64
CONNECTIONS = 32
WORKERS = 2  # as many as the machine has cores: pgbench has a process for each connection
PER_SECOND_MAX = 5_000  # so many are prepared for each second; a measurement ends when they are used up
RECEIVERS = 5_000

_JOIN = """
    SELECT ledger.open_account('account:' || %(account)s, 'wallet', 'iso4217:USD', 2, 0, now()) AS id
"""
_TOP_UP = (
    "SELECT ledger.move('top:' || %(account)s, 'top_up', 1, %(id)s, 'iso4217:USD', 2, 1000000000, now())"
)
_RECEIVERS = f"""
    INSERT INTO identity.account (id, opened_at)
    SELECT uuidv7(), now() FROM generate_series(1, {RECEIVERS})
"""  # noqa: S608 - our own number
_PREPARE = """
    INSERT INTO transfer.transfer (
        id, account_id, way, target, receiver_account_id, owner, source, destination, fees, asset, exponent,
        amount, fee, note, state, quoted_at, expires_at
    )
    SELECT uuidv7(), caller.account_id, 'handle', 'bench', receiver.id,
        'account:' || caller.account_id, caller.source, 2 + receiver.n, 1, 'iso4217:USD', 2, 1, 0, '',
        'quoted', now(), now() + interval '1 hour'
    FROM generate_series(1, %(each)s) AS turn
    CROSS JOIN unnest(%(accounts)s::uuid[], %(sources)s::bigint[])
        WITH ORDINALITY AS caller (account_id, source, n)
    JOIN (
        SELECT id, row_number() OVER (ORDER BY id) AS n FROM identity.account
        WHERE NOT id = ANY (%(accounts)s::uuid[])
    ) AS receiver ON receiver.n = 1 + (turn * 31 + caller.n * 97) %% %(receivers)s
    ORDER BY turn, caller.n RETURNING id, account_id
"""
# For pgbench: each call takes the next one.
_QUEUE = """
    CREATE TABLE floor.quoted (n bigserial PRIMARY KEY, id uuid NOT NULL, account_id uuid NOT NULL);
    CREATE SEQUENCE floor.turn;
    GRANT ALL ON ALL TABLES IN SCHEMA floor TO PUBLIC;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA floor TO PUBLIC;
"""
CONFIRM_SQL = """SELECT transfer.confirm(quoted.id, quoted.account_id, NULL, '{}', false, now())
FROM floor.quoted WHERE n = (SELECT nextval('floor.turn'));"""


@dataclass(frozen=True)
class Caller:
    account_id: str
    token: str
    source: int
    """Its wallet in the ledger."""


class Confirmations:
    def __init__(self, urls: DatabaseUrls, port: int) -> None:
        self._urls = urls
        self._port = port
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}") as http,
            psycopg.connect(urls.app, autocommit=True) as connection,
        ):
            connection.execute(_RECEIVERS.encode())
            self._callers = [_join(http, connection) for _ in range(CALLERS)]
        with psycopg.connect(urls.owner, autocommit=True) as connection:
            connection.execute(_QUEUE)
            connection.execute("ANALYZE")

    def queue(self, *, seconds: float) -> None:
        """Prepares what pgbench is to confirm."""
        rows = self._prepare(seconds)
        with psycopg.connect(self._urls.app, autocommit=True) as connection:
            connection.execute("DELETE FROM floor.quoted")
            with connection.cursor().copy("COPY floor.quoted (id, account_id) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            connection.execute("SELECT setval('floor.turn', (SELECT min(n) FROM floor.quoted), false)")

    def over_http(self, *, seconds: float) -> Load:
        """Raises UnexpectedAnswer when one is not confirmed."""
        tokens = {caller.account_id: caller.token for caller in self._callers}
        waiting = [(str(transfer), tokens[str(account)]) for transfer, account in self._prepare(seconds)]
        streams = [_acts(waiting[start::CONNECTIONS]) for start in range(CONNECTIONS)]
        return load(self._port, streams, seconds=seconds)

    def nothing_over_http(self, *, seconds: float) -> Load:
        """The server's own floor."""
        streams = [itertools.repeat((Request("GET", "/bench/empty"),))] * CONNECTIONS
        return load(self._port, streams, seconds=seconds)

    def _prepare(self, seconds: float) -> list[tuple[uuid.UUID, uuid.UUID]]:
        arguments = {
            "each": max(1, round(PER_SECOND_MAX * seconds / CALLERS)),
            "accounts": [caller.account_id for caller in self._callers],
            "sources": [caller.source for caller in self._callers],
            "receivers": RECEIVERS,
        }
        with psycopg.connect(self._urls.app, autocommit=True) as connection:
            return connection.execute(_PREPARE.encode(), arguments).fetchall()


@contextmanager
def confirmations(urls: DatabaseUrls, redis_url: str) -> Iterator[Confirmations]:
    with server(urls, redis_url, workers=WORKERS) as port:
        yield Confirmations(urls, port)


def _acts(waiting: list[tuple[str, str]]) -> Iterator[Act]:
    for transfer, token in waiting:
        headers = (("authorization", f"Bearer {token}"),)
        yield (Request("POST", f"/v1/me/transfers/{transfer}/confirm", headers=headers),)


def _join(http: httpx.Client, connection: psycopg.Connection) -> Caller:
    wallet = Account.create()
    offer = http.post("/v1/auth/nonces", json={"address": wallet.address}).raise_for_status().json()
    signed = "0x" + bytes(wallet.sign_message(encode_defunct(text=offer["message"])).signature).hex()
    answer = http.post("/v1/auth/wallet", json={"message": offer["message"], "signature": signed})
    token = answer.raise_for_status().json()["access_token"]
    me = http.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).raise_for_status().json()
    row = connection.execute(_JOIN, {"account": me["account_id"]}).fetchone()
    assert row is not None
    connection.execute(_TOP_UP, {"account": me["account_id"], "id": row[0]})
    return Caller(me["account_id"], token, int(row[0]))
