"""A chain is read again beside the live tables, and takes their place without a moment between."""

import asyncio
import threading
from pathlib import Path

import psycopg
import pytest

from indexer.run import reindex
from indexer.twin import Difference
from node.kernel.errors import Conflict, Invalid
from tests.chain_life import Life
from tests.indexed import (
    assert_same,
    differences,
    events_of,
    fresh_tables,
    index,
    indexed,
    indexing,
    said,
    settings_of,
    tables_of,
)
from tests.stack import Addresses, DatabaseUrls

pytestmark = [pytest.mark.chain, pytest.mark.pg]


def executed(database: DatabaseUrls, statement: str) -> int:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        return connection.execute(statement).rowcount


class Onlooker(threading.Thread):
    """Reads as views do, all the time, and remembers each number of tokens that it saw."""

    def __init__(self, database: DatabaseUrls) -> None:
        super().__init__(daemon=True)
        self._url = database.app
        self._enough = threading.Event()
        self.seen: set[int] = set()

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._enough.wait(0.001):
                self.seen |= set(connection.execute("SELECT count(*) FROM chain.token").fetchone() or ())

    def stop(self) -> set[int]:
        self._enough.set()
        self.join()
        return self.seen


def test_it_mends_damaged_tables_under_a_running_indexer(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    life.everything()
    index(settings)
    before, told = tables_of(fresh_database), events_of(fresh_database)
    with indexing(settings):
        said(fresh_database, "live")
        tokens = executed(fresh_database, "UPDATE chain.token SET uri = 'ipfs://damaged'")
        transfers = executed(fresh_database, "DELETE FROM chain.transfer WHERE block_number % 2 = 0")
        onlooker = Onlooker(fresh_database)
        onlooker.start()
        report = asyncio.run(reindex(settings))
        assert onlooker.stop() == {tokens}
        assert report.differing == {"token": Difference(tokens, tokens), "transfer": Difference(0, transfers)}
        assert_same(tables_of(fresh_database), before)
        assert events_of(fresh_database) == told
        life.cancel(life.seller, 4_004)  # the indexer goes on from there
        indexed(fresh_database, life.chain.height())
    assert [event[2] for event in events_of(fresh_database)[len(told) :]] == ["listing.nonce_cancelled"]
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "mended"))


def test_stored_logs_are_trusted_below_the_block_that_is_named(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, undo_blocks=2)
    index(settings)
    collection = life.create_collection()
    life.mint(collection, life.seller)
    life.mint(collection, life.buyer)
    life.chain.mine(10)
    index(settings)
    right = tables_of(fresh_database)
    assert asyncio.run(reindex(settings)).differing == {}
    lost = executed(
        fresh_database,
        "DELETE FROM chain.log WHERE block_number = (SELECT max(block_number) FROM chain.transfer)",
    )
    believed = asyncio.run(reindex(settings)).differing
    assert believed["token"] == believed["transfer"] == Difference(1, 0)
    mended = asyncio.run(reindex(settings, trust_below=0)).differing
    assert mended["log"] == Difference(0, lost)
    assert_same(tables_of(fresh_database), right)
    assert differences(settings) == []


def test_it_needs_tables_and_is_alone(fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path) -> None:
    Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    with pytest.raises(Invalid):
        asyncio.run(reindex(settings))
    index(settings)

    async def twice() -> list[object]:
        return await asyncio.gather(reindex(settings), reindex(settings), return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(twice())].count(Conflict) == 1


def test_tables_of_another_chain_are_forgotten(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    life.create_collection()
    index(settings)
    right = tables_of(fresh_database)
    executed(fresh_database, "UPDATE chain.checkpoint SET genesis_hash = decode(repeat('00', 32), 'hex')")
    executed(fresh_database, "UPDATE chain.collection SET name = 'of another chain'")
    assert asyncio.run(reindex(settings)).forgotten
    index(settings)
    assert_same(tables_of(fresh_database), right)
