"""What other tests may rely on: clones are separate, roles are the real ones, chains are new."""

import psycopg
import pytest
import redis

from node.cli.supervise.postgres import APP, OWNER
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database, rpc


def test_a_clone_has_the_newest_schema_and_the_roles(fresh_database: DatabaseUrls) -> None:
    with psycopg.connect(fresh_database.app) as app, psycopg.connect(fresh_database.owner) as owner:
        assert app.execute("SELECT current_user").fetchone() == (APP,)
        assert owner.execute("SELECT current_user").fetchone() == (OWNER,)
        assert owner.execute("SELECT count(*) FROM kernel.event").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE public.mine (id int)")


def test_clones_do_not_see_each_other(addresses: Addresses, fresh_database: DatabaseUrls) -> None:
    with cloned_database(addresses, "another") as another:
        with psycopg.connect(fresh_database.owner, autocommit=True) as first:
            first.execute("CREATE TABLE public.only_here (id int)")
        with psycopg.connect(another.owner) as second:
            found = second.execute("SELECT to_regclass('public.only_here')").fetchone()
    assert found == (None,)


def test_a_clone_is_dropped_while_somebody_is_still_in_it(addresses: Addresses) -> None:
    with cloned_database(addresses, "in_use") as urls:
        lingering = psycopg.connect(urls.app)
    with lingering, pytest.raises(psycopg.OperationalError):
        lingering.execute("SELECT 1")


def test_redis_is_empty_and_the_broker_is_another_database(redis_url: str, broker_url: str) -> None:
    with redis.Redis.from_url(redis_url) as cache, redis.Redis.from_url(broker_url) as broker:
        cache.set("key", "value")
        assert broker.dbsize() == 0
        assert cache.dbsize() == 1


def test_every_chain_is_new(stack: Stack) -> None:
    with stack.anvil() as one:
        rpc(one, "anvil_mine", "0x5")
        with stack.anvil() as two:
            assert rpc(one, "eth_blockNumber") == "0x5"
            assert rpc(two, "eth_blockNumber") == "0x0"
            assert rpc(two, "eth_chainId") == hex(31337)
