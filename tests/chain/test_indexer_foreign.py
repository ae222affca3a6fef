"""Strangers' tokens and declared ABIs: back-filled beside what is live, exact through forks, never fatal."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from indexer.asking import Metadata
from indexer.pipeline import Pipeline
from indexer.run import Indexer, config_of, reindex, rewind
from indexer.status import statuses
from indexer.store import Store
from node.chain.rpc import RpcClient
from node.chain.tokens import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE, Standard
from node.cli.indexer import indexer as commands
from node.kernel.clock import SystemClock
from node.kernel.errors import Conflict, Invalid, NotFound
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.settings import Settings
from tests.chain_life import Chain, Life, copy_chain
from tests.foreign_contracts import Echo, answers_word, word
from tests.indexed import (
    Tables,
    ask,
    assert_same,
    differences,
    index,
    indexing,
    read_token,
    settings_of,
    tables_of,
    wait_for,
)
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg]

ALICE, BOB = Address("0x" + "a1" * 20), Address("0x" + "b0" * 20)


def at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"rpc_url": type(settings.rpc_url)(url)})


def follow(settings: Settings) -> None:
    """To the head, as a node that has no contracts of its own: all are strangers."""
    asyncio.run(Indexer(config_of(settings), list, SystemClock()).run_to_head())


def fresh(addresses: Addresses, settings: Settings, tokens: dict[Address, Standard], name: str) -> Tables:
    """What an indexer makes of it that knew of the tokens before it read the first block."""
    with cloned_database(addresses, name) as database:
        own = settings.model_copy(update={"database_url": type(settings.database_url)(database.app)})
        for address, standard in tokens.items():
            read_token(own, address, standard)
        follow(own)
        return tables_of(database)


def rows(database: DatabaseUrls, query: str) -> list[Any]:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


def foreign(database: DatabaseUrls) -> dict[str, Any]:
    (status,) = statuses(database.app, 31337)
    return {item["address"]: item for item in status["foreign"]}


def test_tokens_added_late_say_what_tokens_added_early_say(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Real tokens, through forks that reach into what was back-filled, and as the contracts say."""
    rng = random.Random(3)
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path / "none", fresh_database, undo_blocks=60)
        collection = life.create_collection()
        dollar = life.at.dev_dollar
        assert dollar is not None
        tokens = {
            collection: Standard.ERC721,
            dollar.address: Standard.ERC20,
            life.at.votes_token.address: Standard.ERC20,
        }
        life.everything()
        follow(settings)
        for address, standard in tokens.items():
            read_token(settings, address, standard)
        other = Life(Chain(other_url), life.at)
        follow(settings)
        assert {item["state"] for item in foreign(fresh_database).values()} == {"live"}
        assert {item["from_birth"] for item in foreign(fresh_database).values()} == {True}
        copy_chain(life.chain, other.chain)
        other.chain.pass_time(5)
        for one, turn in ((life, url), (other, other_url), (life, url)):
            for _ in range(4):
                token = one.mint(collection, one.seller)
                if rng.random() < 0.7:
                    one.chain.receipt(one.transfer(collection, one.seller, one.buyer, token))
                one.give_votes(one.member, rng.choice(one.others), rng.randrange(1, 1_000))
            follow(at(settings, turn))
            ours = tables_of(fresh_database)
            assert_same(ours, fresh(addresses, at(settings, turn), tokens, "early"))
            assert (
                min(map(len, (ours["foreign_transfer"], ours["foreign_token"], ours["foreign_balance"]))) > 0
            )
        assert differences(settings) == []
        damage = "UPDATE chain.foreign_balance SET balance = balance + 1"
        with psycopg.connect(fresh_database.owner) as connection:
            connection.execute(damage)
        assert {item.kind for item in differences(settings)} == {"foreign.balance"}
        asyncio.run(Indexer(config_of(settings), list, SystemClock()).rewind(to=life.chain.height() - 3))
        follow(settings)
        assert_same(tables_of(fresh_database), ours)
        done = asyncio.run(Indexer(config_of(settings), list, SystemClock()).reindex(None, lambda *_: None))
        assert done.differing == {}
        assert_same(tables_of(fresh_database), ours)


@contextmanager
def two_echoes(stack: Stack, tmp_path: Path) -> Iterator[tuple[Life, Echo, str, Life, Echo]]:
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        echo = Echo.deploy(life.chain, life.seller)
        other = Life(Chain(other_url), life.at)
        yield life, echo, other_url, other, echo.on(other.chain)


def transfer(echo: Echo, sender: Address, recipient: Address, amount: int) -> None:
    echo.log([TRANSFER, word(sender), word(recipient)], bytes.fromhex(word(amount)))


async def some_steps(settings: Settings, steps: int) -> None:
    url, rules = settings.rpc_url.get_secret_value(), config_of(settings).rules
    async with (
        Store.connect(settings.database_url.get_secret_value(), settings.chain_id) as store,
        RpcClient(url, timeout_s=settings.rpc_timeout_s) as rpc,
    ):
        pipeline = Pipeline(store, rpc, SystemClock(), rules, list)
        await pipeline.open()
        for _ in range(steps):
            await pipeline.step()


def test_a_fork_in_the_midst_of_a_backfill(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Stopped after some ranges, forked below what they reached, and gone on with."""
    with two_echoes(stack, tmp_path) as (life, echo, other_url, other, other_echo):
        settings = settings_of(life.chain.url, tmp_path / "none", fresh_database)
        for amount in range(1, 13):
            transfer(echo, ZERO_ADDRESS, ALICE, amount)
            if amount == 4:
                copy_chain(life.chain, other.chain)
        life.chain.mine(60)
        follow(settings)
        read_token(settings, echo.address, Standard.ERC20)

        asyncio.run(some_steps(settings, 2))
        part = foreign(fresh_database)[echo.address]
        assert part["state"] == "backfilling"
        assert 0 < part["done_block"] < life.chain.height()
        other.chain.pass_time(7)
        transfer(other_echo, ZERO_ADDRESS, BOB, 100)
        transfer(other_echo, ALICE, BOB, 3)
        follow(at(settings, other_url))
        tokens = {echo.address: Standard.ERC20}
        assert_same(tables_of(fresh_database), fresh(addresses, at(settings, other_url), tokens, "midst"))
        balances = dict(
            rows(fresh_database, "SELECT encode(holder, 'hex'), balance FROM chain.foreign_balance")
        )
        assert balances == {ALICE[2:]: 7, BOB[2:]: 103}


def test_nothing_that_a_stranger_logs_stops_the_indexer(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    coin, nft, many = (Echo.deploy(life.chain, life.seller) for _ in range(3))
    tokens = {coin.address: Standard.ERC20, nft.address: Standard.ERC721, many.address: Standard.ERC1155}
    for address, standard in tokens.items():
        assert read_token(settings, address, standard) == Metadata(None, None, None)
    index(settings)
    huge = 2**256 - 1
    for _ in range(3):
        transfer(coin, ZERO_ADDRESS, ALICE, huge)  # more than a uint256 holds
    transfer(coin, BOB, ALICE, 5)  # of what it never got
    coin.log([TRANSFER], bytes.fromhex(word(ALICE) + word(BOB) + word(7)))
    coin.log([TRANSFER, word(ALICE)], bytes.fromhex(word(BOB) + word(7)))  # which one is indexed?
    coin.log([TRANSFER, word(ALICE), "ff" * 32], bytes.fromhex(word(7)))
    coin.log([TRANSFER, word(ALICE), word(BOB)], b"\0")
    coin.log([])
    coin.log(["12" * 32], b"what nobody asked for")
    nft.log([TRANSFER], bytes.fromhex(word(ZERO_ADDRESS) + word(ALICE) + word(1)))  # before the standard
    nft.log([TRANSFER, word(ALICE), word(BOB), word(huge)])  # never minted
    nft.log([TRANSFER, word(ALICE), word(BOB), word(1)], b"\1" * 32)
    to_bob = [word(ZERO_ADDRESS), word(ALICE), word(BOB)]
    many.log([TRANSFER_SINGLE, *to_bob], encode(["uint256"] * 2, [9, 4]))
    many.log([TRANSFER_BATCH, *to_bob], encode(["uint256[]"] * 2, [[9, 9, 8], [1, 2, 3]]))
    many.log([TRANSFER_BATCH, *to_bob], encode(["uint256[]"] * 2, [[1], [1, 2]]))
    many.log([TRANSFER_BATCH, *to_bob], b"\xff" * 64)
    many.log([TRANSFER_BATCH, *to_bob[:1]])
    index(settings)
    said = foreign(fresh_database)
    assert {said[echo.address]["undecodable"] for echo in (coin,)} == {3}
    assert (said[nft.address]["undecodable"], said[many.address]["undecodable"]) == (1, 3)
    (status,) = statuses(fresh_database.app, 31337)
    assert (status["state"], status["undecodable"]) == ("live", 7)
    held = rows(
        fresh_database,
        "SELECT encode(contract, 'hex'), encode(holder, 'hex'), token_id::text, balance::text"
        " FROM chain.foreign_balance",
    )
    assert set(held) == {
        (coin.address[2:], ALICE[2:], "0", str(3 * huge + 5 - 7)),
        (coin.address[2:], BOB[2:], "0", "2"),
        *((many.address[2:], ALICE[2:], token, amount) for token, amount in (("9", "-7"), ("8", "-3"))),
        *((many.address[2:], BOB[2:], token, amount) for token, amount in (("9", "7"), ("8", "3"))),
    }
    owners = rows(fresh_database, "SELECT token_id::text, encode(owner, 'hex') FROM chain.foreign_token")
    assert set(owners) == {("1", ALICE[2:]), (str(huge), BOB[2:])}
    with cloned_database(addresses, "strange") as database:
        own = settings.model_copy(update={"database_url": type(settings.database_url)(database.app)})
        index(own)
        for address, standard in tokens.items():
            read_token(own, address, standard)
        index(own)
        assert_same(tables_of(database), tables_of(fresh_database))


def test_names_from_before_strings(fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    maker = answers_word(life.chain, life.seller, b"MKR")
    found = read_token(settings, maker, Standard.ERC20)
    assert (found.name, found.symbol, found.decimals) == ("MKR", "MKR", None)
    assert life.at.dev_dollar is not None
    dollar = read_token(settings, life.at.dev_dollar.address, Standard.ERC20)
    assert (dollar.symbol, dollar.decimals) == ("DUSD", 6)


def test_what_cannot_be_read_is_refused(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    echo = Echo.deploy(life.chain, life.seller)
    with pytest.raises(Invalid, match="no contract"):
        read_token(settings, ALICE, Standard.ERC20)
    with pytest.raises(Invalid, match="own"):
        read_token(settings, life.at.votes_token.address, Standard.ERC20)
    late = settings.model_copy(update={"start_block": life.chain.height()})
    life.chain.mine()
    with pytest.raises(Invalid, match="from-block"):
        read_token(late.model_copy(update={"start_block": life.chain.height()}), echo.address, Standard.ERC20)
    read_token(settings, echo.address, Standard.ERC20)
    with pytest.raises(Conflict):
        read_token(settings, echo.address, Standard.ERC721)
    with pytest.raises(NotFound):
        ask(settings, lambda asking: asking.remove(ALICE))


def test_a_contract_that_is_removed_leaves_nothing(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Under a running indexer, which reads on; and it can be added again."""
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    echo, stays = (Echo.deploy(life.chain, life.seller) for _ in range(2))
    with indexing(settings):
        for one in (echo, stays):
            transfer(one, ZERO_ADDRESS, ALICE, 5)
            read_token(settings, one.address, Standard.ERC20)
        wait_for(lambda: [item["state"] for item in foreign(fresh_database).values()] == ["live"] * 2)
        transfer(echo, ALICE, BOB, 2)
        wait_for(lambda: len(rows(fresh_database, "SELECT FROM chain.foreign_transfer")) == 3)
        ask(settings, lambda asking: asking.remove(echo.address))
        wait_for(lambda: list(foreign(fresh_database)) == [stays.address])
        transfer(echo, ALICE, BOB, 2)
        transfer(stays, ALICE, BOB, 2)
        wait_for(lambda: len(rows(fresh_database, "SELECT FROM chain.foreign_transfer")) == 2)
        left = rows(
            fresh_database,
            "SELECT row_key->>'contract' FROM chain.undo WHERE table_name LIKE 'foreign%'"
            " UNION SELECT address::text FROM chain.log",
        )
        assert (f"\\x{stays.address[2:]}",) in left
        assert (f"\\x{echo.address[2:]}",) not in left
        read_token(settings, echo.address, Standard.ERC20)
        wait_for(lambda: len(rows(fresh_database, "SELECT FROM chain.foreign_transfer")) == 5)
    life.chain.reorg(1)
    index(settings)
    balances = rows(
        fresh_database,
        "SELECT encode(contract, 'hex'), encode(holder, 'hex'), balance FROM chain.foreign_balance"
        " WHERE balance <> 0",
    )
    assert set(balances) == {
        (echo.address[2:], ALICE[2:], 1),
        (echo.address[2:], BOB[2:], 4),
        (stays.address[2:], ALICE[2:], 5),
    }


ABI = [
    {
        "type": "event",
        "name": "PriceMoved",
        "inputs": [
            {"name": "pair", "type": "address", "indexed": True},
            {"name": "label", "type": "string", "indexed": True},
            {"name": "newPrice", "type": "int256", "indexed": False},
            {"name": "blockNumber", "type": "uint32", "indexed": False},
            {"name": "", "type": "bytes", "indexed": False},
            {"name": "note", "type": "string", "indexed": False},
            {"name": "isOpen", "type": "bool", "indexed": False},
            {"name": "sides", "type": "uint256[2]", "indexed": False},
        ],
    },
    {"type": "event", "name": "Closed", "inputs": []},
    {"type": "function", "name": "name", "inputs": [], "outputs": [], "stateMutability": "view"},
]
GOLD = keccak(text="gold").hex()
_MOVED = "PriceMoved(address,string,int256,uint32,bytes,string,bool,uint256[2])"
MOVED_TOPICS = ["0x" + keccak(text=_MOVED).hex(), word(ALICE), GOLD]


def moved(echo: Echo, price: int) -> None:
    types = ["int256", "uint32", "bytes", "string", "bool", "uint256[2]"]
    echo.log(MOVED_TOPICS, encode(types, [price, 7, b"\1\2", "a\0b", True, [1, 2**255]]))


def test_events_of_a_declared_abi_have_typed_tables(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with two_echoes(stack, tmp_path) as (life, echo, other_url, other, other_echo):
        settings = settings_of(life.chain.url, tmp_path, fresh_database)
        (tmp_path / "feed.json").write_text(json.dumps({"abi": ABI}))
        file = tmp_path / "declared.json"
        file.write_text(json.dumps([{"name": "feed", "address": echo.address, "abi": "feed.json"}]))
        moved(echo, -5)
        index(settings)
        env = {
            "ASOUD_DATABASE_URL": fresh_database.app,
            "ASOUD_DATABASE_OWNER_URL": fresh_database.owner,
            "ASOUD_RPC_URL": life.chain.url,
        }
        said = CliRunner().invoke(commands, ["declare", str(file)], env=env)
        assert said.output.split() == ["declared.feed_price_moved", "declared.feed_closed"], said.output
        moved(echo, 2**200)
        echo.log(["0x" + keccak(text="Closed()").hex()])
        echo.log(MOVED_TOPICS, b"\xff" * 320)
        echo.log(["34" * 32], b"an event that was not declared")
        index(settings)
        (row,) = rows(
            fresh_database,
            "SELECT encode(contract, 'hex'), encode(pair, 'hex'), encode(label, 'hex'), new_price,"
            " block_number_, encode(arg4, 'hex'), note, is_open, sides FROM declared.feed_price_moved"
            " ORDER BY block_number LIMIT 1",
        )
        assert row == (
            *(echo.address[2:], ALICE[2:], GOLD, -5, 7, "0102"),
            *("a\N{REPLACEMENT CHARACTER}b", True, [1, 2**255]),
        )
        prices = "SELECT new_price FROM declared.feed_price_moved ORDER BY block_number"
        assert rows(fresh_database, prices) == [(-5,), (2**200,)]
        assert len(rows(fresh_database, "SELECT FROM declared.feed_closed")) == 1
        assert foreign(fresh_database)[echo.address]["undecodable"] == 1
        copy_chain(life.chain, other.chain)
        life.chain.reorg(4)
        index(settings)
        assert rows(fresh_database, prices) == [(-5,)]
        moved(other_echo, 11)
        index(at(settings, other_url))
        assert rows(fresh_database, prices) == [(-5,), (2**200,), (11,)]
        index(settings)
        asyncio.run(rewind(settings, to=life.chain.height() - 1))
        asyncio.run(reindex(settings))
        index(settings)
        assert rows(fresh_database, prices) == [(-5,)]
        again = CliRunner().invoke(commands, ["declare", str(file)], env=env)
        assert (again.exit_code, "already" in again.output) == (1, True)
        removed = CliRunner().invoke(commands, ["remove", echo.address], env=env)
        assert removed.exit_code == 0, removed.output
        index(settings)
        assert rows(fresh_database, prices) == []


def test_the_command_line_adds_tokens(fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    assert life.at.dev_dollar is not None
    env = {"ASOUD_DATABASE_URL": fresh_database.app, "ASOUD_RPC_URL": fresh_anvil}
    words = ["add", life.at.dev_dollar.address, "--standard", "erc20", "--from-block", "0"]
    added = CliRunner().invoke(commands, words, env=env)
    assert added.exit_code == 0, added.output
    index(settings)
    table = CliRunner().invoke(commands, ["status"], env=env).output
    assert f"{life.at.dev_dollar.address}" in table
    assert f"0-{life.chain.height()}" in table
    wrong = CliRunner().invoke(commands, ["add", ALICE, "--standard", "erc20"], env=env)
    assert (wrong.exit_code, "no contract" in wrong.output) == (1, True)
