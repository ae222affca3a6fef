"""The query path on a real Postgres: raw JSON, no writes, and no answer lost to a dead connection."""

import asyncio

import psycopg
import pytest

from node.kernel.db.query_pool import QueryPool
from node.kernel.errors import Bug, Transient
from tests.stack import Addresses, DatabaseUrls, free_port

pytestmark = pytest.mark.pg
POOL_SIZE = 3


def test_json_comes_back_as_the_bytes_that_postgres_wrote(fresh_database: DatabaseUrls) -> None:
    async def scenario() -> list[bytes | None]:
        async with QueryPool(fresh_database.app, size=POOL_SIZE) as pool:
            return [
                await pool.json("SELECT json_build_object('a', %(n)s::int)", {"n": 1}),
                await pool.json("SELECT NULL::json", {}),
                await pool.json("SELECT '1'::json WHERE false", {}),
            ]

    assert asyncio.run(scenario()) == [b'{"a" : 1}', None, None]


def test_the_query_path_cannot_write(fresh_database: DatabaseUrls) -> None:
    async def scenario() -> None:
        async with QueryPool(fresh_database.app, size=POOL_SIZE) as pool:
            await pool.json("INSERT INTO kernel.stream_head VALUES ('a:1', 1) RETURNING to_json(version)", {})

    with pytest.raises(Bug) as refused:
        asyncio.run(scenario())
    assert refused.value.fields["sqlstate"] == "25006"  # read_only_sql_transaction


def test_dead_connections_cost_no_answer(fresh_database: DatabaseUrls, addresses: Addresses) -> None:
    """As after a restart of Postgres: every idle connection of the pool is dead at once."""

    async def scenario() -> list[bytes | None]:
        async with QueryPool(fresh_database.app, size=POOL_SIZE) as pool:
            sleepers = [pool.json("SELECT to_json(pg_sleep(0.1)::text)", {}) for _ in range(POOL_SIZE)]
            await asyncio.gather(*sleepers)  # the pool is now full
            with psycopg.connect(addresses.superuser) as superuser:
                killed = superuser.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = 'asoud-query' AND datname = %s",
                    (fresh_database.app.rpartition("/")[2],),
                ).fetchone()
            assert killed == (POOL_SIZE,)
            await asyncio.sleep(0.2)
            return await asyncio.gather(*(pool.json("SELECT '1'::json", {}) for _ in range(8)))

    assert asyncio.run(scenario()) == [b"1"] * 8


def test_an_absent_database_is_transient() -> None:
    async def scenario() -> None:
        async with QueryPool(f"postgresql://x@127.0.0.1:{free_port()}/x", size=1) as pool:
            await pool.json("SELECT '1'::json", {})

    with pytest.raises(Transient):
        asyncio.run(scenario())
