"""The lean client against a node that answers whatever it is told to."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from indexer.fetch import NodeBlocks, fetch
from indexer.ranges import LOGS_MAX
from node.chain.errors import RpcLimited, RpcUnavailable
from node.chain.logs import Kind
from node.chain.rpc import (
    ATTEMPTS_MAX,
    BATCH_MAX,
    CallReverted,
    ChainMoved,
    NodeRefused,
    RangeTooLarge,
    RpcClient,
)
from node.kernel.hexes import Address

Call = dict[str, Any]
Node = Callable[[list[Call]], Any]  # what the node answers to a batch: JSON, or a status

SOMEBODY = Address("0x" + "aa" * 20)


def asked(node: Node, question: Callable[[RpcClient], Awaitable[Any]], *, timeout_s: float = 5) -> Any:
    """The outcome of a question to such a node."""

    async def answer(request: web.Request) -> web.Response:
        said = node(await request.json())
        if isinstance(said, int):
            return web.Response(status=said)
        return web.Response(text=said if isinstance(said, str) else json.dumps(said))

    async def ask() -> Any:
        app = web.Application()
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            async with RpcClient(f"http://{host}:{port}/", timeout_s=timeout_s) as rpc:
                return await question(rpc)
        finally:
            await runner.cleanup()

    return asyncio.run(ask())


def ok(call: Call, result: Any) -> Call:
    return {"jsonrpc": "2.0", "id": call["id"], "result": result}


def refusal(message: str, code: int = -32000) -> Node:
    return lambda calls: [{"id": call["id"], "error": {"code": code, "message": message}} for call in calls]


@pytest.mark.parametrize(
    ("message", "code", "expected"),
    [
        ("unknown block", -32000, ChainMoved),
        ("header not found", -32000, ChainMoved),
        ("BlockOutOfRangeError: block height is 5 but requested was 9", -32602, ChainMoved),
        ("query returned more than 10000 results", -32005, RangeTooLarge),
        ("exceed maximum block range: 5000", -32000, RangeTooLarge),
        ("rate limit exceeded", -32005, RpcLimited),
        ("daily request count exceeded, request rate limited", -32005, RpcLimited),
        ("50/second request limit reached", -32007, RpcLimited),
        ("limit exceeded", -32005, RpcLimited),
        ("server busy", -32000, RpcUnavailable),
        ("execution reverted: no", 3, CallReverted),
        ("method not found", -32601, NodeRefused),
    ],
)
def test_what_nodes_say_becomes_a_typed_error(message: str, code: int, expected: type[Exception]) -> None:
    with pytest.raises(expected) as raised:
        asked(refusal(message, code), lambda rpc: rpc.chain_id())
    assert type(raised.value) is expected


def test_answers_are_matched_by_id_not_by_order() -> None:
    def node(calls: list[Call]) -> Any:
        return [ok(call, call["params"][0]) for call in reversed(calls)]

    numbers = [[hex(n)] for n in range(7)]
    found = asked(node, lambda rpc: rpc.batch("echo", numbers, returns=str))
    assert found == [hex(n) for n in range(7)]


def test_large_batches_are_split() -> None:
    sizes: list[int] = []

    def node(calls: list[Call]) -> Any:
        sizes.append(len(calls))
        return [ok(call, None) for call in calls]

    assert asked(node, lambda rpc: rpc.headers(range(BATCH_MAX + 1))) == [None] * (BATCH_MAX + 1)
    assert sizes == [BATCH_MAX, 1]


def test_a_node_that_recovers_is_asked_again() -> None:
    tries: list[int] = []

    def node(calls: list[Call]) -> Any:
        tries.append(1)
        return 503 if len(tries) < ATTEMPTS_MAX else [ok(calls[0], "0x7a69")]

    assert asked(node, lambda rpc: rpc.chain_id()) == 31337


def test_a_node_that_does_not_recover_is_given_up() -> None:
    tries: list[int] = []

    def node(_calls: list[Call]) -> Any:
        tries.append(1)
        return 503

    with pytest.raises(RpcUnavailable):
        asked(node, lambda rpc: rpc.chain_id())
    assert len(tries) == ATTEMPTS_MAX


@pytest.mark.parametrize(
    "said",
    ["<html>", "[]", '{"id": 1, "error": {"code": 1, "message": "no batches"}}', '[{"id": "x"}]'],
    ids=["not JSON", "no answer", "batch refused", "strange id"],
)
def test_an_answer_that_makes_no_sense_is_no_answer(said: str) -> None:
    with pytest.raises(RpcUnavailable):
        asked(lambda _: said, lambda rpc: rpc.chain_id())


def test_an_answer_of_another_shape_is_no_answer() -> None:
    with pytest.raises(RpcUnavailable):
        asked(lambda calls: [ok(calls[0], {"not": "a header"})], lambda rpc: rpc.head())


def test_one_refused_call_leaves_the_others_their_answers() -> None:
    def node(calls: list[Call]) -> Any:
        failed = {"id": calls[0]["id"], "error": {"code": 3, "message": "execution reverted", "data": "0x01"}}
        return [failed, ok(calls[1], "0x02")]

    calls = [(SOMEBODY, "0x"), (SOMEBODY, "0x")]
    first, second = asked(node, lambda rpc: rpc.eth_calls(calls, block=1))
    assert isinstance(first, CallReverted)
    assert first.fields["data"] == "0x01"
    assert second == b"\x02"


# ------------------------------------------------------------------------------- nodes that change their mind


def block(number: int, *, parent: int | None = None) -> dict[str, str]:
    def hash_of(n: int) -> str:
        return "0x" + f"{n + 1:064x}"

    above = number - 1 if parent is None else parent
    return {
        "number": hex(number),
        "hash": hash_of(number),
        "parentHash": hash_of(above),
        "timestamp": "0x1",
    }


def log(number: int, *, index: int = 0, of: int | None = None, data: str = "0x") -> dict[str, Any]:
    return {
        "address": SOMEBODY,
        "topics": [],
        "data": data,
        "blockNumber": hex(number),
        "blockHash": block(number if of is None else of)["hash"],
        "transactionHash": "0x" + "00" * 32,
        "transactionIndex": "0x0",
        "logIndex": hex(index),
    }


def telling(blocks: list[dict[str, str] | None], logs: list[dict[str, Any]]) -> Node:
    def node(calls: list[Call]) -> Any:
        if calls[0]["method"] == "eth_getLogs":
            return [ok(calls[0], logs)]
        if calls[0]["method"] == "eth_getBlockReceipts":
            of_block = [log for log in logs if log["blockNumber"] == calls[0]["params"][0]]
            return [ok(calls[0], [{"logs": of_block}])]
        return [ok(call, blocks[int(call["params"][0], 16)]) for call in calls]

    return node


def fetched(node: Node, last: int) -> Any:
    kinds = {SOMEBODY: Kind.ESCROW.value}
    return asked(node, lambda rpc: fetch(NodeBlocks(rpc), first=0, last=last, kinds=kinds))


def test_logs_come_in_order_and_once() -> None:
    logs = [log(2, index=1), log(1), log(2), log(1)]
    found = fetched(telling([block(0), block(1), block(2)], logs), 2)
    assert [(item.log.block_number, item.log.log_index) for item in found.logs] == [(1, 0), (2, 0), (2, 1)]


@pytest.mark.parametrize(
    ("blocks", "logs"),
    [
        ([block(0), None], []),
        ([block(0), block(1, parent=7)], []),
        ([block(0), block(2)], []),
        ([block(0), block(1)], [log(1, of=9)]),
        ([block(0), block(1)], [log(5)]),
        ([block(0), block(1)], [log(1), log(1, data="0x01")]),
    ],
    ids=["lost block", "not linked", "wrong number", "log of a fork", "log beyond", "two logs at one place"],
)
def test_what_does_not_fit_together_is_never_written(
    blocks: list[dict[str, str] | None], logs: list[dict[str, Any]]
) -> None:
    with pytest.raises(ChainMoved):
        fetched(telling(blocks, logs), 1)


def test_of_blocks_with_too_many_logs_the_first_ones_come() -> None:
    logs = [log(0), *(log(1, index=index) for index in range(LOGS_MAX))]
    found = fetched(telling([block(0), block(1), block(2)], [*logs, log(2)]), 2)
    assert [header.number for header in found.headers] == [0]
    assert [item.log.block_number for item in found.logs] == [0]
    alone = telling([block(0)], [log(0, index=index) for index in range(LOGS_MAX + 1)])
    assert len(fetched(alone, 0).logs) == LOGS_MAX + 1
