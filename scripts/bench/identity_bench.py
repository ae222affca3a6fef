"""Measures what it costs to know who asks, on a real Postgres behind a real granian, one process.

Rows: an empty endpoint (the floor of framework and server); a read of one's own account by access token, as a
304 and by API key; a small command with an Idempotency-Key; and a sign-in by wallet, which is two requests, a
nonce and a signed message. Each connection is a caller of its own, as rows of one account would queue up.
"""

import itertools
import json
import statistics
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from node.kernel.clock import SystemClock
from node.kernel.db.unit_of_work import Database
from node.services.identity.api_keys import ApiKeyService, KeyWish
from node.services.identity.audit import Audit
from node.services.identity.scopes import Scope
from scripts.bench.api_bench import CONNECTIONS, server
from scripts.bench.load import Act, Load, Request, load
from scripts.bench.report import Report, Row, arguments, publish
from tests.stack import DatabaseUrls, Stack, cloned_database

SIGN_INS_PER_SECOND_MAX = 320  # messages are signed before a measurement, and it ends when they are used up
PER_MINUTE = 1_000_000
JSON = ("content-type", "application/json")
EMPTY, READ, CACHED, BY_KEY = "empty endpoint", "read by access token", "304", "read by API key"
COMMAND, SIGN_IN = "command with Idempotency-Key", "sign-in by wallet, two requests"


@dataclass(frozen=True)
class Caller:
    wallet: LocalAccount
    token: str
    key: str


def join(http: httpx.Client, keys: ApiKeyService, database: Database) -> Caller:
    """Somebody who signs in for the first time, and gets an API key."""
    wallet: LocalAccount = Account.create()
    answer = http.post("/v1/auth/wallet", json=signed(http, wallet)).raise_for_status()
    token = answer.json()["access_token"]
    me = http.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
    wish = KeyWish(name="Bench", scopes=[Scope.ACCOUNT_READ], per_minute=PER_MINUTE)
    with database.transaction() as tx:
        _, key = keys.make(tx, uuid.UUID(me.json()["account_id"]), wish, origin="bench")
    return Caller(wallet, token, key)


def signed(http: httpx.Client, wallet: LocalAccount) -> dict[str, str]:
    offer = http.post("/v1/auth/nonces", json={"address": wallet.address}).raise_for_status().json()
    signature = wallet.sign_message(encode_defunct(text=offer["message"])).signature
    return {"message": offer["message"], "signature": "0x" + bytes(signature).hex()}


def callers(port: int, urls: DatabaseUrls) -> list[Caller]:
    clock, database = SystemClock(), Database(urls.app, pool_size=1)
    keys = ApiKeyService(clock, Audit(clock), per_minute_max=PER_MINUTE)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        found = [join(http, keys, database) for _ in range(CONNECTIONS)]
    database.dispose()
    return found


def reads(caller: Caller) -> Iterator[Act]:
    return itertools.repeat((Request("GET", "/v1/me", headers=(bearer(caller.token),)),))


def cached(http: httpx.Client, caller: Caller) -> Iterator[Act]:
    etag = http.get("/v1/me", headers=dict([bearer(caller.token)])).raise_for_status().headers["etag"]
    headers = (bearer(caller.token), ("if-none-match", etag))
    return itertools.repeat((Request("GET", "/v1/me", headers=headers, status=304),))


def reads_by_key(caller: Caller) -> Iterator[Act]:
    return itertools.repeat((Request("GET", "/v1/me", headers=(bearer(caller.key),)),))


def commands(caller: Caller) -> Iterator[Act]:
    """Each changes something, and is sent once."""
    for language in itertools.cycle(("tr", "fa")):
        headers = (bearer(caller.token), JSON, ("idempotency-key", uuid.uuid4().hex))
        body = json.dumps({"language": language}).encode()
        yield (Request("PATCH", "/v1/me", headers=headers, body=body),)


def sign_ins(http: httpx.Client, caller: Caller, *, count: int) -> list[Act]:
    """The nonce that a sign-in asks for is not the one that it uses: wallets have signed before."""
    asks = Request(
        "POST",
        "/v1/auth/nonces",
        headers=(JSON,),
        body=json.dumps({"address": caller.wallet.address}).encode(),
        status=201,
    )
    return [
        (asks, Request("POST", "/v1/auth/wallet", headers=(JSON,), body=json.dumps(message).encode()))
        for message in (signed(http, caller.wallet) for _ in range(count))
    ]


def bearer(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"


def measure(port: int, people: Sequence[Caller], *, rounds: int, seconds: float) -> dict[str, list[Load]]:
    figures: dict[str, list[Load]] = defaultdict(list)
    empty = itertools.repeat((Request("GET", "/bench/empty"),))
    each = int(SIGN_INS_PER_SECOND_MAX * seconds / CONNECTIONS)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        for turn in range(rounds + 1):  # the first one warms up
            streams: dict[str, list[Iterable[Act]]] = {
                EMPTY: [empty] * CONNECTIONS,
                READ: [reads(caller) for caller in people],
                CACHED: [cached(http, caller) for caller in people],
                BY_KEY: [reads_by_key(caller) for caller in people],
                COMMAND: [commands(caller) for caller in people],
                SIGN_IN: [sign_ins(http, caller, count=each) for caller in people],
            }
            for name, acts in streams.items():
                done = load(port, acts, seconds=seconds)
                if turn:
                    figures[name].append(done)
    return figures


def rows(figures: dict[str, list[Load]]) -> Iterator[Row]:
    for name, loads in figures.items():
        pairs = list(zip(loads, figures[EMPTY], strict=True))
        p99 = statistics.median(done.p99_ms for done in loads)
        slower = statistics.median(done.p99_ms / floor.p99_ms for done, floor in pairs)
        yield Row(
            f"{name} (p99 {p99:.1f} ms, x {slower:.1f})",
            statistics.median(done.per_second for done in loads),
            statistics.median(done.per_second / floor.per_second for done, floor in pairs),
        )


def main() -> None:
    parser = arguments(__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    options = parser.parse_args()
    stack = Stack()
    try:
        addresses = stack.addresses()
        with cloned_database(addresses, "bench") as urls, server(urls, addresses.redis) as port:
            people = callers(port, urls)
            figures = measure(port, people, rounds=options.rounds, seconds=options.seconds)
    finally:
        stack.stop()
    what = (
        f"one granian process, {CONNECTIONS} connections, each a caller of its own, Postgres without fsync."
    )
    report = Report(
        "Identity", "scripts/bench/identity", what, "acts/s", EMPTY, options.rounds, list(rows(figures))
    )
    publish(report, as_json=options.json)


if __name__ == "__main__":
    main()
