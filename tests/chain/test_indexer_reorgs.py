"""Forks of all sorts: afterwards each table equals what a fresh indexer makes of the same chain."""

import asyncio
import dataclasses
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indexer.pipeline import Stuck
from indexer.run import Indexer, config_of
from node.kernel.clock import SystemClock
from node.kernel.hexes import Address
from node.kernel.settings import Settings
from tests.chain_life import Chain, Life, copy_chain
from tests.indexed import (
    assert_same,
    differences,
    events_of,
    fresh_tables,
    index,
    indexed,
    indexer_process,
    news_of,
    settings_of,
    tables_of,
)
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg]


def live(life: Life, rng: random.Random, *, until: int) -> None:
    """Random steps up to (about) a height."""
    collections: list[Address] = []
    while life.chain.height() < until:
        life.random_step(rng, collections)


def at(settings: Settings, url: str) -> Settings:
    """The same indexer, asking another node."""
    return settings.model_copy(update={"rpc_url": type(settings.rpc_url)(url)})


@pytest.mark.parametrize(
    "depths", [(2, 20), pytest.param(tuple(range(1, 21)), marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_forks_there_and_back(
    addresses: Addresses,
    stack: Stack,
    fresh_database: DatabaseUrls,
    tmp_path: Path,
    depths: tuple[int, ...],
) -> None:
    """Fork A, then B, then A again, at each depth, with every contract busy on both."""
    rng = random.Random(20_261_122)
    with stack.anvil() as url:
        life = Life.begin(url, tmp_path)
        life.everything()
        settings = settings_of(url, tmp_path, fresh_database)
        for depth in depths:
            with stack.anvil() as other_url:
                other = Life(Chain(other_url), life.at)
                copy_chain(life.chain, other.chain)
                fork = life.chain.height()
                live(life, rng, until=fork + depth)
                other.chain.pass_time(rng.randrange(1, 5))
                live(other, rng, until=fork + rng.randrange(1, depth + 4))
                index(settings)
                assert index(at(settings, other_url)).reorgs == 1, depth
                ours = tables_of(fresh_database)
                assert_same(ours, fresh_tables(addresses, at(settings, other_url), f"other_{depth}"))
                assert index(settings).reorgs == 1, depth
            assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, f"back_{depth}"))
        assert differences(settings) == []


def test_what_a_fork_brings_back_is_told_once(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path, fresh_database)
        index(settings)
        other = Life(Chain(other_url), life.at)
        copy_chain(life.chain, other.chain)
        life.cancel(life.seller, 1)
        life.cancel(life.seller, 2)
        other.chain.pass_time(3)
        other.cancel(other.seller, 3)
        for node in (url, other_url, url, other_url):
            index(at(settings, node))
        told = Counter((kind, payload["nonce"]) for _, _, kind, payload in news_of(fresh_database))
    assert told == {("listing.nonce_cancelled", nonce): 1 for nonce in ("1", "2", "3")}


def test_a_transaction_that_moves_to_another_block_is_told_once(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    tx = life.cancel(life.seller, 1)
    raw = life.chain.rpc("eth_getRawTransactionByHash", tx)
    life.chain.mine(3)
    index(settings)
    life.chain.reorg(4)
    life.chain.rpc("eth_sendRawTransaction", raw)
    life.chain.receipt(tx)
    assert index(settings).reorgs == 1
    assert len(tables_of(fresh_database)["listing_nonce"]) == 1
    assert [kind for _, _, kind, _ in news_of(fresh_database)] == ["listing.nonce_cancelled"]


def test_a_collection_that_a_fork_takes_back_is_gone_with_its_tokens(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    fork = life.chain.height()
    collection = life.create_collection()
    life.sell(collection, life.seller, life.buyer, life.mint(collection, life.seller))
    index(settings)
    assert len(tables_of(fresh_database)["collection"]) == 1
    life.chain.reorg(life.chain.height() - fork)
    index(settings)
    gone = tables_of(fresh_database)
    assert [gone[name] for name in ("collection", "token", "transfer", "sale", "listing_nonce")] == [[]] * 5
    assert_same(gone, fresh_tables(addresses, settings, "gone"))


def test_a_chain_that_lost_its_tail_takes_the_tables_with_it(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url, stack.anvil() as shorter_url:
        life = Life.begin(url, tmp_path)
        life.cancel(life.seller, 1)
        shorter = Chain(shorter_url)
        copy_chain(life.chain, shorter)
        life.everything()
        index(settings_of(url, tmp_path, fresh_database))
        settings = settings_of(shorter_url, tmp_path, fresh_database)
        report = index(settings)
        assert (report.reorgs, report.rebuilds) == (1, 0)
        assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "shorter"))


def test_a_fork_deeper_than_the_undo_is_read_again(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        index(settings_of(url, tmp_path, fresh_database, undo_blocks=3))
        other = Life(Chain(other_url), life.at)
        copy_chain(life.chain, other.chain)
        for nonce in range(8):
            life.cancel(life.seller, nonce)
            index(settings_of(url, tmp_path, fresh_database, undo_blocks=3))
        other.chain.pass_time(9)
        other.cancel(life.seller, 99)
        settings = settings_of(other_url, tmp_path, fresh_database, undo_blocks=3)
        assert index(settings).rebuilds == 1
        assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "deep"))
        told = [payload["nonce"] for _, _, _, payload in news_of(fresh_database)]
    assert told == [str(nonce) for nonce in (*range(8), 99)]


def test_undo_rows_are_kept_no_longer_than_they_can_be_needed(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, undo_blocks=4)
    index(settings)
    for nonce in range(10):
        life.cancel(life.seller, nonce)
        index(settings)
    with psycopg.connect(fresh_database.owner) as connection:
        kept = connection.execute("SELECT DISTINCT block_number FROM chain.undo ORDER BY 1").fetchall()
        floor = connection.execute("SELECT undo_floor FROM chain.checkpoint").fetchone()
    height = life.chain.height()
    assert [number for (number,) in kept] == list(range(height - 3, height + 1))
    assert floor == (height - 4,)


def test_a_development_chain_started_anew_is_read_anew(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url:
        life = Life.begin(url, tmp_path)
        life.everything()
        index(settings_of(url, tmp_path, fresh_database))
    with stack.anvil() as url:
        life = Life.begin(url, tmp_path, anew=True)
        life.cancel(life.seller, 1)
        settings = settings_of(url, tmp_path, fresh_database)
        assert index(settings).rebuilds == 1
        assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "anew"))


def test_any_other_chain_with_another_genesis_stops_the_indexer(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url:
        life = Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path, fresh_database)
        index(settings)
        before = tables_of(fresh_database)
        assert life.chain.height() > 0
    with stack.anvil() as url:
        config = config_of(at(settings, url))
        rules = dataclasses.replace(config.rules, rebuild_on_new_genesis=False)
        strict = Indexer(dataclasses.replace(config, rules=rules), list, SystemClock())
        with pytest.raises(Stuck):
            asyncio.run(strict.run_to_head())
    assert tables_of(fresh_database) == before


@pytest.mark.slow  # the default run has kills in `test_indexer_killed`
def test_killed_at_random_points_it_catches_up_exactly(
    addresses: Addresses,
    fresh_anvil: str,
    fresh_database: DatabaseUrls,
    second_database: DatabaseUrls,
    tmp_path: Path,
) -> None:
    """`kill -9` again and again, in the midst of blocks and of reorgs."""
    rng = random.Random(7)
    life = Life.begin(fresh_anvil, tmp_path)
    life.everything()
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    undisturbed = settings_of(fresh_anvil, tmp_path, second_database)
    index(undisturbed)
    for _ in range(8):
        with indexer_process(settings):
            end = time.monotonic() + rng.uniform(0.7, 1.6)  # it needs about half a second to start
            while time.monotonic() < end:
                live(life, rng, until=life.chain.height() + 2)
                if rng.random() < 0.3:
                    life.chain.reorg(rng.randrange(1, 6))
    index(settings)
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "killed"))
    assert differences(settings) == []
    versions: dict[str, int] = {}
    for stream, version, _, _ in events_of(fresh_database):
        assert version == versions.get(stream, 0) + 1
        versions[stream] = version
    index(undisturbed)
    told = Counter(map(what_happened, news_of(fresh_database)))
    assert {told[what_happened(event)] for event in news_of(second_database)} == {1}


def what_happened(event: tuple[Any, ...]) -> str:
    """An event, whatever block it lies in."""
    stream, _, kind, payload = event
    where = ("block_number", "block_hash", "block_time", "log_index")
    return json.dumps([stream, kind, {key: payload[key] for key in sorted(payload) if key not in where}])


@pytest.fixture
def second_database(addresses: Addresses) -> Iterator[DatabaseUrls]:
    with cloned_database(addresses, "second") as database:
        yield database


def test_a_second_indexer_waits_for_the_first_to_die(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    with indexer_process(settings) as first, indexer_process(settings):
        indexed(fresh_database, life.chain.height())
        assert holders(fresh_database) == 1
        first.kill()
        life.chain.mine(3)
        indexed(fresh_database, life.chain.height())
        assert holders(fresh_database) == 1


def holders(database: DatabaseUrls) -> int:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_what_lies_far_back_is_read_like_what_is_followed(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Below what a fork can reach rows are written another way: the tables are the same."""
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, undo_blocks=4)
    index(settings)
    life.everything()
    rng = random.Random(7)
    collections: list[Address] = []
    for _ in range(20):
        life.random_step(rng, collections)
        index(settings)
    collection = life.create_collection()
    tokens = [life.mint(collection, life.seller) for _ in range(3)]
    index(settings)
    for token in tokens[:2]:
        life.transfer(collection, life.seller, life.buyer, token)
    for token in tokens[1:]:
        life.merchant_does(collection, "setTokenURI", token, "ipfs://later")
    life.chain.mine(20)  # so that the first range of what follows can't be undone
    index(settings)
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "far"))
    assert differences(settings) == []
