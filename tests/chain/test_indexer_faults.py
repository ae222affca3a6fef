"""Nodes that lie, lag and break: the state is said clearly, and no row is ever wrong."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY

from node.chain.heads import HeadWatch
from node.chain.meter import RpcMeter
from node.kernel.settings import Settings
from tests.chain_life import Chain, Life, copy_chain
from tests.faulty_node import Edit, FaultyNode, Json, faulty
from tests.indexed import (
    assert_same,
    eventually,
    fresh_tables,
    health,
    index,
    indexing,
    settings_of,
    tables_of,
)
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg]

KEY = "topsecretkey"  # in the address of each faulty node


@dataclass
class World:
    """One chain with our contracts, which the tests of this module share."""

    addresses: Addresses
    life: Life
    data_dir: Path

    @property
    def url(self) -> str:
        return self.life.chain.url

    def settings(self, database: DatabaseUrls, *urls: str, **more: object) -> Settings:
        quick = {"rpc_look_s": 0.05, "rpc_timeout_s": 5, "rpc_websocket_url": ",".join("-" for _ in urls)}
        return settings_of(",".join(urls), self.data_dir, database, **(quick | more))

    def event(self) -> None:
        """One log in a new block."""
        life = self.life
        life.chain.receipt(life.cancel(life.seller, uuid.uuid4().int % 10**9))

    def assert_right(self, database: DatabaseUrls) -> None:
        """The tables are those of an indexer that met no fault."""
        eventually(lambda: health(database)["indexed"]["number"] == self.life.chain.height())
        fresh = fresh_tables(
            self.addresses, self.settings(database, self.url), f"fresh_{uuid.uuid4().hex[:8]}"
        )
        assert_same(tables_of(database), fresh)


@pytest.fixture(scope="module")
def world(anvil: str, addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> World:
    data_dir = tmp_path_factory.mktemp("deployment")
    life = Life.begin(anvil, data_dir)
    life.chain.receipt(life.cancel(life.seller, 1))
    return World(addresses, life, data_dir)


@pytest.fixture
def node(world: World) -> Iterator[FaultyNode]:
    with faulty(world.url) as made:
        yield made


@pytest.fixture
def database(addresses: Addresses) -> Iterator[DatabaseUrls]:
    with cloned_database(addresses, f"faults_{uuid.uuid4().hex[:8]}") as urls:
        yield urls


def state_is(database: DatabaseUrls, state: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = health(database)
        return found if found["state"] == state else None

    return eventually(look)


def endpoint_is(database: DatabaseUrls, name: str, state: str, *, in_use: bool) -> None:
    def look() -> bool:
        found = {item["name"]: item for item in health(database)["endpoints"]}
        return name in found and (found[name]["state"], found[name]["in_use"]) == (state, in_use)

    eventually(look)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"chain": "31337", **labels}) or 0.0


def on(method: str, change: Any) -> Edit:
    """Changes the answers to one method."""

    def edit(call: Json, answer: Json) -> Json:
        return change(call, answer) if call["method"] == method else answer  # type: ignore[no-any-return]

    return edit


# ------------------------------------------------------------------------------------------ one server


def test_a_server_that_drops_connections_is_waited_for(
    world: World, node: FaultyNode, database: DatabaseUrls, capfd: pytest.CaptureFixture[str]
) -> None:
    with indexing(world.settings(database, node.url)):
        state_is(database, "live")
        node.down = True
        world.event()
        reason = state_is(database, "unreachable")["reason"]
        before = health(database)["indexed"]
        node.down = False
        state_is(database, "live")
        world.assert_right(database)
    assert "does not answer" in reason
    assert before["number"] < world.life.chain.height()
    assert metric("asoud_indexer_rpc_errors_total", kind="RpcUnavailable") > 0
    assert KEY not in str(health(database)) + "".join(capfd.readouterr())


def test_a_server_behind_its_own_head_is_asked_again(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    """First it lacks a block below, then the logs of both."""
    index(world.settings(database, world.url))
    world.event()
    below, told = hex(world.life.chain.height()), []
    world.event()
    height = hex(world.life.chain.height())

    def lacking(call: Json, answer: Json) -> Json:
        if call["method"] == "eth_getBlockByNumber" and call["params"][0] == below and len(told) < 2:
            told.append("block")
            return {**answer, "result": None}
        if call["method"] == "eth_getLogs" and call["params"][0]["toBlock"] == height and len(told) < 4:
            told.append("logs")
            return {**answer, "result": []}
        return answer

    node.edit = lacking
    with indexing(world.settings(database, node.url)):
        world.assert_right(database)
    assert told == ["block", "block", "logs", "logs"]


def test_answers_cut_short_are_never_written(world: World, node: FaultyNode, database: DatabaseUrls) -> None:
    settings = world.settings(database, node.url)
    index(world.settings(database, world.url))
    before = tables_of(database)
    world.event()
    node.edit = on("eth_getLogs", lambda _, answer: {**answer, "result": answer["result"][:-1]})
    with indexing(settings):
        reason = state_is(database, "unreachable")["reason"]
        assert tables_of(database) == before
        node.edit = None
        world.assert_right(database)
    assert reason.startswith("the node left out logs")


def test_answers_in_any_order_and_twice_make_the_same_rows(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    node.edit = on("eth_getLogs", lambda _, answer: {**answer, "result": answer["result"][::-1] * 2})
    index(world.settings(database, node.url))
    world.assert_right(database)


def test_a_server_that_comes_to_serve_another_chain_is_not_read(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    with indexing(world.settings(database, node.url)):
        state_is(database, "live")
        node.edit = on("eth_chainId", lambda _, answer: {**answer, "result": "0x7"})
        assert "serves another chain" in state_is(database, "stuck")["reason"]
        assert metric("asoud_indexer_stuck") == 1
        node.edit = None
        state_is(database, "live")
        world.event()
        world.assert_right(database)
    assert metric("asoud_indexer_stuck") == 0


def test_a_websocket_that_falls_silent_costs_a_poll(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    node.deaf = True
    with indexing(world.settings(database, node.url, rpc_websocket_url=node.websocket_url)):
        state_is(database, "live")
        world.event()
        world.assert_right(database)


def test_a_websocket_that_says_nothing_of_new_blocks_is_found_out(node: FaultyNode) -> None:
    node.deaf = True

    async def follow() -> None:
        watch = HeadWatch(node.websocket_url, meter=RpcMeter("31337", "deaf"), silent_s=0.1)
        following = asyncio.create_task(watch.follow())
        while metric("asoud_rpc_websocket_silent_total", endpoint="deaf") == 0:
            watch.found(7)
            await asyncio.sleep(0.01)
        following.cancel()

    asyncio.run(asyncio.wait_for(follow(), 60))


def test_a_database_that_is_away_for_a_while(
    world: World, database: DatabaseUrls, addresses: Addresses
) -> None:
    """As when Postgres is restarted: connections break, and new ones are refused for a time."""
    name = database.app.rpartition("/")[2]
    with (
        psycopg.connect(addresses.superuser, autocommit=True) as superuser,
        indexing(world.settings(database, world.url)),
    ):
        state_is(database, "live")
        superuser.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        world.event()
        world.event()
        superuser.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]
        world.assert_right(database)


# -------------------------------------------------------------------------------------- several servers


def test_the_next_server_takes_over_and_gives_back(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    with indexing(world.settings(database, node.url, world.url)):
        endpoint_is(database, "rpc1", "good", in_use=True)
        node.down = True
        world.event()
        endpoint_is(database, "rpc2", "good", in_use=True)
        endpoint_is(database, "rpc1", "away", in_use=False)
        world.assert_right(database)
        node.down = False
        endpoint_is(database, "rpc1", "good", in_use=True)
        world.event()
        world.assert_right(database)
    assert metric("asoud_rpc_set_aside_total", endpoint="rpc1", state="away") >= 1
    assert metric("asoud_rpc_errors_total", endpoint="rpc1", method="eth_chainId", kind="RpcUnavailable") >= 1


def test_a_server_that_lags_is_set_aside(world: World, node: FaultyNode, database: DatabaseUrls) -> None:
    with indexing(world.settings(database, node.url, world.url, rpc_lag_blocks=2)):
        endpoint_is(database, "rpc1", "good", in_use=True)
        height = world.life.chain.height()
        frozen = world.life.chain.rpc("eth_getBlockByNumber", hex(height), False)

        def stands_still(call: Json, answer: Json) -> Json:
            return {**answer, "result": frozen} if call["params"][0] == "latest" else answer

        node.edit = on("eth_getBlockByNumber", stands_still)
        world.life.chain.mine(5)
        world.event()
        endpoint_is(database, "rpc1", "lagging", in_use=False)
        world.assert_right(database)


def test_a_server_that_limits_our_rate_is_left_alone(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    with indexing(world.settings(database, node.url, world.url)):
        endpoint_is(database, "rpc1", "good", in_use=True)
        node.refuse = (429, {"Retry-After": "120"})
        endpoint_is(database, "rpc1", "limited", in_use=False)
        asked = node.asked.total()
        world.event()
        world.assert_right(database)
        assert node.asked.total() == asked  # not once more, while it wants to be left alone


def test_a_server_that_leaves_out_logs_is_not_believed(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    node.edit = on("eth_getLogs", lambda _, answer: {**answer, "result": []})
    with indexing(world.settings(database, node.url, world.url)):
        endpoint_is(database, "rpc1", "incomplete", in_use=False)
        world.assert_right(database)


def test_a_server_that_forks_away_takes_no_row_with_it(
    world: World, node: FaultyNode, database: DatabaseUrls, stack: Stack
) -> None:
    """Two servers disagree: what the other one still has is not undone, and the longer fork shows."""
    with ExitStack() as opened:
        other = Chain(opened.enter_context(stack.anvil()))
        copy_chain(world.life.chain, other)
        other.pass_time(7)
        world.event()
        reorgs = metric("asoud_indexer_reorgs_total")
        with indexing(world.settings(database, node.url, world.url, rpc_lag_blocks=2)):
            endpoint_is(database, "rpc1", "good", in_use=True)
            world.assert_right(database)
            node.target = other.url
            assert "another one has" in state_is(database, "unreachable")["reason"]
            world.life.chain.mine(5)
            world.event()
            endpoint_is(database, "rpc1", "forked", in_use=False)
            world.assert_right(database)
        assert metric("asoud_indexer_reorgs_total") == reorgs


def test_a_server_of_another_chain_is_never_asked_for_more(
    world: World, node: FaultyNode, database: DatabaseUrls
) -> None:
    node.edit = on("eth_chainId", lambda _, answer: {**answer, "result": "0x7"})
    with indexing(world.settings(database, node.url, world.url)):
        endpoint_is(database, "rpc1", "wrong_chain", in_use=False)
        world.assert_right(database)
    assert node.asked["eth_getLogs"] == 0


# --------------------------------------------------------------------------------------- sizes of ranges

BLOCKS_TAKEN = 10


def refusing(words: str, code: int) -> Edit:
    """Refuses more than so many blocks in these words; `{first}` and `{last}` name a range that fits."""

    def answered(call: Json, answer: Json) -> Json:
        first, last = (int(call["params"][0][name], 16) for name in ("fromBlock", "toBlock"))
        if last - first < BLOCKS_TAKEN:
            return answer
        said = words.format(first=hex(first), last=hex(first + BLOCKS_TAKEN - 1), blocks=BLOCKS_TAKEN)
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": said}}

    return on("eth_getLogs", answered)


@pytest.mark.parametrize(
    "said",
    [
        ("query returned more than 10000 results. Try with this block range [{first}, {last}].", -32005, 9),
        ("eth_getLogs is limited to a {blocks} range", -32614, 1),
        ("exceed maximum block range: {blocks}", -32000, 1),
        ("limit exceeded", -32005, 9),
    ],
    ids=["names a range", "limited", "maximum", "no hint"],
)
def test_a_range_that_is_refused_is_not_asked_for_again_and_again(
    world: World, node: FaultyNode, database: DatabaseUrls, said: tuple[str, int, int]
) -> None:
    """Some 40 ranges are read; one that forgets would be refused every second time."""
    missing = 400 - world.life.chain.height()
    if missing > 0:
        world.life.chain.mine(missing)
    refused: list[int] = []
    words, code, refusals = said
    refuse = refusing(words, code)

    def counting(call: Json, answer: Json) -> Json:
        edited = refuse(call, answer)
        refused.extend([1] if "error" in edited else [])
        return edited

    node.edit = counting
    index(world.settings(database, node.url))
    assert 1 <= len(refused) <= refusals
    world.assert_right(database)
