"""Partitions of the chain's tables, made and thinned by the app's role through the owner's functions."""

import asyncio

import psycopg
import pytest

from indexer.models import ContractRow, LogRow
from indexer.store import Store
from node.kernel.errors import AsoudError
from tests.integration.test_chain_store import row_of
from tests.stack import DatabaseUrls

pytestmark = pytest.mark.pg

CHAIN_ID = 31337
GOVERNOR = f"0x{9:040x}"


def log_at(block: int, **columns: object) -> dict[str, object]:
    return row_of(LogRow, 2) | {"block_number": block, "error": None} | columns


async def filled(store: Store) -> None:
    await store.make_partition(0, 10)
    await store.make_partition(10, 20)
    governor = row_of(ContractRow, 2) | {"address": GOVERNOR, "kind": "governor"}
    logs = [log_at(1), log_at(2, address=GOVERNOR), log_at(3, error="fits no event"), log_at(10)]
    async with store.transaction():
        await store.insert({ContractRow: [governor], LogRow: logs})


def blocks_of_logs(database: DatabaseUrls) -> list[int]:
    with psycopg.connect(database.app) as connection:
        rows = connection.execute("SELECT block_number FROM chain.log ORDER BY block_number").fetchall()
    return [number for (number,) in rows]


def test_old_raw_logs_go_but_for_those_that_are_read(fresh_database: DatabaseUrls) -> None:
    async def thin() -> list[list[int]]:
        async with Store.connect(fresh_database.app, CHAIN_ID) as store:
            await filled(store)
            return [await store.thin_logs(below=below) for below in (9, 10, 10)]

    assert asyncio.run(thin()) == [[], [0], []]
    assert blocks_of_logs(fresh_database) == [2, 3, 10]


def test_a_block_without_a_partition_is_refused(fresh_database: DatabaseUrls) -> None:
    async def beyond() -> int:
        async with Store.connect(fresh_database.app, CHAIN_ID) as store:
            await filled(store)
            with pytest.raises(AsoudError):
                await store.insert({LogRow: [log_at(20)]})
            return await store.partitions_end()

    assert asyncio.run(beyond()) == 20
    assert 20 not in blocks_of_logs(fresh_database)


def test_the_apps_role_can_make_tables_in_no_other_way(fresh_database: DatabaseUrls) -> None:
    with (
        psycopg.connect(fresh_database.app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE chain.mine ()")
