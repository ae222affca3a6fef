"""Two chains in one node: each has its settings, its indexer and its health, and its rows stay its own."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from indexer.models import SCHEMA
from node.bootstrap.deploy import deploy, deployer_of
from node.bootstrap.models import METADATA
from node.cli.__main__ import main
from node.kernel.settings import Settings
from tests.chain_life import Chain, Life
from tests.edge import edge_settings, running_edge
from tests.indexed import differences, eventually, health, indexing, settings_of, tables_of
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg, pytest.mark.redis]

OURS, OTHER = 31337, 7


@dataclass
class World:
    settings: Settings
    database: DatabaseUrls
    ours: Life
    other: Life

    def settings_of(self, chain_id: int) -> Settings:
        return self.settings.for_chain(chain_id)

    def command(self, *arguments: str) -> Result:
        chains = [
            {
                "chain_id": OTHER,
                "rpc_url": self.other.chain.url,
                "confirmations": 3,
                "indexer_metrics_port": 0,
            }
        ]
        env = {
            "ASOUD_DATA_DIR": str(self.settings.data_dir),
            "ASOUD_DATABASE_URL": self.database.app,
            "ASOUD_RPC_URL": self.ours.chain.url,
            "ASOUD_INDEXER_METRICS_PORT": "0",
            "ASOUD_CHAINS": json.dumps(chains),
        }
        return CliRunner().invoke(main, arguments, env=env)


@pytest.fixture(scope="module")
def world(stack: Stack, addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data_dir = tmp_path_factory.mktemp("node")
    with ExitStack() as opened:
        ours, other = opened.enter_context(stack.anvil()), opened.enter_context(stack.anvil())
        database = opened.enter_context(cloned_database(addresses, f"two_chains_{uuid.uuid4().hex[:8]}"))
        chains = [{"chain_id": OTHER, "rpc_url": other, "poll_interval_s": 0.02, "confirmations": 3}]
        settings = settings_of(ours, data_dir, database, chains=chains, **deployer(data_dir))
        life = Life.begin(ours, data_dir)
        yield World(settings, database, life, life_elsewhere(settings.for_chain(OTHER)))


def deployer(data_dir: Path) -> dict[str, object]:
    """What it takes to deploy on a chain that is not the development chain."""
    keystore, password = data_dir / "key.json", data_dir / "password"
    keystore.write_text(json.dumps(Account.encrypt("0x" + "7" * 64, "open", iterations=2)))
    password.write_text("open")
    return {
        "keystore_path": keystore,
        "keystore_password_file": password,
        "votes_holders": {"0x" + "11" * 20: 10**24},
        "guardians": "0x" + "22" * 20,
    }


def life_elsewhere(settings: Settings) -> Life:
    chain = Chain(settings.endpoints[0].url)
    chain.rpc("anvil_setChainId", settings.chain_id)
    chain.rpc("anvil_autoImpersonateAccount", True)  # the accounts sign for the chain id of their start
    chain.rpc("anvil_setBalance", deployer_of(settings).address, hex(10**20))
    return Life(chain, deploy(settings, echo=lambda _: None))


def rows_of(world: World, table: str, chain_id: int) -> list[dict[str, Any]]:
    rows = map(json.loads, tables_of(world.database)[table])
    return [row for row in rows if row["chain_id"] == chain_id]


def test_each_chain_is_read_by_its_own_indexer(world: World) -> None:
    with indexing(world.settings_of(OURS)), indexing(world.settings_of(OTHER)):
        for life, names in ((world.ours, ("Roses",)), (world.other, ("Tulips", "Irises"))):
            for name in names:
                collection = life.create_collection(name)
                life.mint(collection, life.seller)
        for life, chain_id in ((world.ours, OURS), (world.other, OTHER)):
            height = life.chain.height()
            eventually(lambda chain=chain_id, top=height: indexed(world, chain) == top)  # type: ignore[misc]
    names = {chain: {row["name"] for row in rows_of(world, "collection", chain)} for chain in (OURS, OTHER)}
    assert names == {OURS: {"Roses"}, OTHER: {"Tulips", "Irises"}}
    assert [len(rows_of(world, "token", chain)) for chain in (OURS, OTHER)] == [1, 2]
    for chain_id in (OURS, OTHER):
        assert differences(world.settings_of(chain_id)) == []
    assert health(world.database, OURS)["finalized"] == world.ours.chain.height()
    assert health(world.database, OTHER)["finalized"] == world.other.chain.height() - 3


def indexed(world: World, chain_id: int) -> int | None:
    found = health(world.database, chain_id)
    return found["indexed"]["number"] if found["state"] == "live" else None


def test_the_commands_take_a_chain(world: World) -> None:
    for chain, life in (((), world.ours), (("--chain", str(OTHER)), world.other)):
        life.cancel(life.seller, 5)
        ran = world.command("indexer", "run", "--exit-at-head", *chain)
        assert ran.exit_code == 0, ran.output
        checked = world.command("verify", *chain)
        assert checked.output.endswith("verify: 0 differences\n"), checked.output
    assert len(rows_of(world, "listing_nonce", OTHER)) == 1
    standing = json.loads(world.command("indexer", "status", "--json").output)
    assert [(chain["chain_id"], chain["state"]) for chain in standing] == [(OTHER, "live"), (OURS, "live")]
    unknown = world.command("verify", "--chain", "9")
    assert (unknown.exit_code, unknown.output) == (1, "Error: no such chain in the settings: 9\n")


def test_the_api_tells_of_each_chain(world: World, redis_url: str) -> None:
    chains = [{"chain_id": OTHER, "rpc_url": world.other.chain.url}]

    async def ask(*more: object) -> Any:
        settings = edge_settings(
            world.settings.data_dir,
            database_url=world.database.app,
            redis_url=redis_url,
            rpc_url=world.ours.chain.url,
            chains=[*chains, *more],
        )
        async with running_edge(settings) as edge:
            return await edge.client.get("/health/chains")

    world.command("indexer", "run", "--exit-at-head", "--chain", str(OTHER))
    world.command("indexer", "run", "--exit-at-head")
    answer = asyncio.run(ask())
    assert answer.status_code == 200
    assert [(chain["chain_id"], chain["state"]) for chain in answer.json()["chains"]] == [
        (OURS, "live"),
        (OTHER, "live"),
    ]
    missing = asyncio.run(ask({"chain_id": 9, "rpc_url": "http://127.0.0.1:1"}))
    assert missing.status_code == 503
    assert [chain["state"] for chain in missing.json()["chains"]] == ["live", "live", "never"]


def test_the_chain_is_in_every_key() -> None:
    """But for indexes that are put aside: these belong to tables."""
    tables = [table for table in METADATA.tables.values() if table.schema == SCHEMA]
    keys = {table.name: next(iter(table.primary_key.columns)).name for table in tables}
    assert {name for name, first in keys.items() if first != "chain_id"} == {"shed_index"}
