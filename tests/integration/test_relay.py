"""Relaying: what is refused, what is counted, and what is known when the chain falls silent in the middle."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from sqlalchemy import text
from typing_extensions import override

from node.kernel.ids import new_id
from node.services.transaction.errors import RelayRateExceeded
from node.services.transaction.limiter import RedisRelayLimiter
from tests.chain_life import Chain
from tests.stack import DatabaseUrls
from tests.trade import Trader, TradingNode, trading_node

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

SENDS = "eth_sendRawTransaction"


@dataclass
class Line:
    """The way to the chain, which can break: `swallow_answers` lets a transaction in and says nothing."""

    url: str
    swallow_answers: bool = False


@contextmanager
def line_to(chain: str) -> Iterator[Line]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = requests.post(chain, data=body, headers={"Content-Type": "application/json"}, timeout=10)
            asked = json.loads(body)
            if line.swallow_answers and isinstance(asked, dict) and asked["method"] == SENDS:
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        @override
        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    line = Line(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def line(anvil: str) -> Iterator[Line]:
    with line_to(anvil) as opened:
        yield opened


@pytest.fixture
async def node(
    fresh_database: DatabaseUrls, redis_url: str, line: Line, tmp_path: Path
) -> AsyncIterator[TradingNode]:
    async with trading_node(tmp_path, fresh_database, redis_url=redis_url, rpc_url=line.url) as running:
        yield running


@pytest.fixture
async def trader(node: TradingNode) -> Trader:
    return await node.trader(4)


async def creation(trader: Trader) -> dict[str, Any]:
    """A step that is right as it is."""
    plan = await trader.post("/v1/collections", {"name": "A", "symbol": "A"}, status=200)
    step: dict[str, Any] = plan["steps"][0]
    return step


async def state_of(node: TradingNode, trader: Trader, tx_hash: str) -> dict[str, Any]:
    answer = await node.edge.client.get(f"/v1/transactions/{tx_hash}", headers=dict(trader.headers))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(node: TradingNode) -> list[tuple[str, str | None]]:
    with node.edge.services.database.transaction() as tx:
        found = tx.execute(text("SELECT state, reason FROM transaction.relayed ORDER BY intended_at")).all()
    return [(row.state, row.reason) for row in found]


async def test_what_is_none_of_our_business_is_refused_and_leaves_no_trace(
    node: TradingNode, trader: Trader
) -> None:
    step = await creation(trader)
    stranger = await node.trader(5)
    await refused(stranger, trader.sign(step), 403, "not_sender")
    await refused(trader, trader.sign(step, chainId=1), 403, "not_relayed")
    await refused(trader, trader.sign(step, to=Account.create().address), 403, "not_relayed")
    creating = trader.key.sign_transaction(
        {"type": 2, "chainId": 31337, "nonce": 0, "gas": 10**5, "data": "0x00", "value": 0}
        | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0}
    )
    await refused(trader, "0x" + bytes(creating.raw_transaction).hex(), 403, "not_relayed")
    await refused(trader, "0x", 422, "invalid")
    await refused(trader, "0x02c0", 422, "invalid")
    await refused(trader, trader.sign(step)[:-2], 422, "invalid")
    anonymous = await node.edge.client.post("/v1/transactions", json={"raw": trader.sign(step)})
    assert anonymous.status_code == 401
    assert rows(node) == []


async def refused(trader: Trader, raw: str, status: int, code: str) -> None:
    assert await trader.refused("/v1/transactions", {"raw": raw}, status=status) == code


async def test_a_revert_is_told_in_words_and_not_sent(node: TradingNode, trader: Trader) -> None:
    collection = await trader.collection()
    before = node.edge.services.chain.nonce(trader.address)
    mint = (await trader.post(f"/v1/collections/{collection}/mint", to_self(trader), status=200))["steps"][0]
    stranger = await node.trader(5)
    theirs = {**mint, "transaction": {**mint["transaction"], "nonce": stranger_nonce(node, stranger)}}
    answer = await stranger.post("/v1/transactions", {"raw": stranger.sign(theirs)}, status=409)
    assert answer["code"] == "execution_reverted"
    assert answer["reason"] == "Unauthorized"
    assert answer["detail"] == "only the owner of the collection may do this"
    assert node.edge.services.chain.nonce(trader.address) == before
    assert len(rows(node)) == 1  # the collection's own


def to_self(trader: Trader) -> dict[str, str]:
    return {"to": trader.address, "uri": "ipfs://x"}


def stranger_nonce(node: TradingNode, stranger: Trader) -> int:
    return node.edge.services.chain.nonce(stranger.address)


async def test_a_used_nonce_is_a_refusal_with_the_chains_words(node: TradingNode, trader: Trader) -> None:
    await trader.collection()
    stale = (await creation(trader))["transaction"]["nonce"] - 1
    step = await creation(trader)
    raw = trader.sign(step, nonce=stale)
    await refused(trader, raw, 409, "transaction_nonce_too_low")
    assert rows(node)[-1][0] == "refused"
    assert "nonce too low" in (rows(node)[-1][1] or "")


async def test_a_swallowed_answer_is_unknown_until_somebody_asks(
    node: TradingNode, trader: Trader, line: Line
) -> None:
    raw = trader.sign(await creation(trader))
    line.swallow_answers = True
    sent = await trader.post("/v1/transactions", {"raw": raw}, status=202)
    assert sent["state"] == "unknown"
    assert rows(node) == [("unknown", None)]
    line.swallow_answers = False
    await node.mined(trader, sent["hash"])
    assert rows(node) == [("mined", None)]
    again = await trader.post("/v1/transactions", {"raw": raw}, status=202)
    assert (again["state"], again["succeeded"]) == ("mined", True)


async def test_an_intent_without_an_outcome_is_unknown_and_can_be_sent_again(
    node: TradingNode, trader: Trader, line: Line
) -> None:
    raw = trader.sign(await creation(trader))
    sent = await trader.post("/v1/transactions", {"raw": raw}, status=202)
    await node.mined(trader, sent["hash"])
    Chain(line.url).reorg(1)
    with node.edge.services.database.transaction() as tx:  # as a crash right after the intent leaves it
        tx.execute(
            text("""UPDATE transaction.relayed
                SET state = 'sending', block_number = NULL, block_hash = NULL, succeeded = NULL""")
        )
    state = await state_of(node, trader, sent["hash"])
    assert state["state"] == "unknown"
    again = await trader.post("/v1/transactions", {"raw": raw}, status=202)
    assert again["hash"] == sent["hash"]
    await node.mined(trader, sent["hash"])
    assert rows(node) == [("mined", None)]


async def test_a_transaction_that_fails_in_its_block_is_mined_and_not_a_success(
    node: TradingNode, trader: Trader, line: Line
) -> None:
    collection = await trader.collection(max_supply="1")
    path = f"/v1/collections/{collection}/mint"
    mint = (await trader.post(path, to_self(trader), status=200))["steps"][0]
    nonce = mint["transaction"]["nonce"]
    with Chain(line.url).one_block():
        late = trader.sign(mint, nonce=nonce + 1)
        second = await trader.post("/v1/transactions", {"raw": late}, status=202)
        first = await trader.post("/v1/transactions", {"raw": trader.sign(mint)}, status=202)
        assert (first["state"], second["state"]) == ("pending", "pending")
        assert (await state_of(node, trader, first["hash"]))["state"] == "pending"
    failed = await state_of(node, trader, second["hash"])
    assert (failed["state"], failed["succeeded"]) == ("mined", False)
    assert failed["reason"] == "the collection is complete: at most 1 tokens"
    assert (await state_of(node, trader, first["hash"]))["succeeded"] is True


async def test_a_caller_may_relay_so_many_in_a_minute(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    async with trading_node(
        tmp_path, fresh_database, redis_url=redis_url, rpc_url=anvil, relay_per_minute=2
    ) as node:
        trader, other = await node.trader(4), await node.trader(5)
        for _ in range(2):
            await refused(trader, "0x02c0", 422, "invalid")
        answer = await node.edge.client.post(
            "/v1/transactions", json={"raw": "0x02c0"}, headers=dict(trader.headers)
        )
        assert (answer.status_code, answer.json()["code"]) == (429, "relay_rate_exceeded")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
        await refused(other, "0x02c0", 422, "invalid")


def test_two_processes_count_together(redis_url: str) -> None:
    account_id = new_id()
    limiters = [RedisRelayLimiter(redis_url, per_minute=3) for _ in range(2)]
    for number in range(3):
        limiters[number % 2].take(account_id)
    for limiter in limiters:
        with pytest.raises(RelayRateExceeded):
            limiter.take(account_id)
