"""A running indexer: it says what is wrong, and goes on by itself when it is mended."""

import asyncio
import time
from pathlib import Path

import psycopg
import pytest

from node.chain.heads import HeadWatch
from tests.chain_life import Life
from tests.indexed import index, indexing, said, settings_of
from tests.stack import DatabaseUrls, Stack

pytestmark = [pytest.mark.chain, pytest.mark.pg]

PATIENCE_S = 60.0


def test_a_node_that_serves_another_chain_stops_it_until_mended(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    life.chain.rpc("anvil_setChainId", 7)
    with indexing(settings):
        assert said(fresh_database, "stuck") == "the node serves another chain, served=7, expected=31337"
        life.chain.rpc("anvil_setChainId", 31337)
        said(fresh_database, "live")


def test_a_node_that_is_away_is_waited_for(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url:
        Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path, fresh_database)
        index(settings)
    with indexing(settings):
        reason = said(fresh_database, "unreachable")
    assert reason is not None
    assert "http" not in reason  # addresses of nodes carry keys


def test_a_database_that_drops_the_connection_is_found_again(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    with indexing(settings), psycopg.connect(fresh_database.app, autocommit=True) as connection:
        said(fresh_database, "live")
        for nonce in range(3):
            life.cancel(life.seller, nonce)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'asoud-indexer' AND datname = current_database()"
            )
        end = time.monotonic() + PATIENCE_S
        count = None
        while count != (3,) and time.monotonic() < end:
            count = connection.execute("SELECT count(*) FROM chain.listing_nonce").fetchone()
            time.sleep(0.02)
    assert count == (3,)


def test_new_blocks_are_heard_of_without_polling(anvil: str, tmp_path: Path) -> None:
    life = Life.begin(anvil, tmp_path)

    async def hear() -> None:
        watch = HeadWatch("ws" + anvil.removeprefix("http"))
        following = asyncio.create_task(watch.follow())
        try:
            while not watch.changed.is_set():  # until the subscription stands
                await asyncio.to_thread(life.chain.mine)
            await watch.wait(PATIENCE_S)
            assert not watch.changed.is_set()
        finally:
            following.cancel()

    asyncio.run(asyncio.wait_for(hear(), PATIENCE_S))


def test_without_a_websocket_waiting_is_polling() -> None:
    async def wait() -> None:
        watch = HeadWatch(None)
        await watch.follow()
        await watch.wait(0.01)

    asyncio.run(wait())
