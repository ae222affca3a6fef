"""The ledger under concurrency and death: one effect per key, and books that hold what they promise."""

import itertools
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from tests.kill_points import armed, dies
from tests.ledger import books
from tests.ledger_storm import crossed, storm
from tests.ledger_worker import DRAWS, work
from tests.stack import Addresses, DatabaseUrls, Stack

pytestmark = pytest.mark.pg

STRIDE = 2  # of the points where a life ends; the next one does again what it did
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
def own_database() -> Iterator[DatabaseUrls]:
    """In a Postgres of this test's own, because a killed backend takes all others down with it."""
    stack = Stack()
    try:
        addresses = stack.addresses()
        with psycopg.connect(addresses.superuser, autocommit=True) as connection:
            name = addresses.app.rpartition("/")[2]
            # What was answered survives a kill: here an answer is a promise.
            connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        yield DatabaseUrls(app=addresses.app, owner=addresses.owner)
    finally:
        stack.stop()


def impatient(addresses: Addresses, urls: DatabaseUrls) -> None:
    """Deadlocks are found after milliseconds instead of a second."""
    name = urls.app.rpartition("/")[2]
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET deadlock_timeout = 20')


def test_backends_are_killed(own_database: DatabaseUrls) -> None:
    told = storm(own_database, seed="killed", commands=600, threads=4, kills=3)
    assert told.kills > 0
    assert told.retries > 0
    assert told.outcomes["done"] > 50


def test_single_commands_never_deadlock(fresh_database: DatabaseUrls) -> None:
    told = storm(fresh_database, seed="calm", commands=250, threads=4)
    assert told.outcomes["done"] > 100
    with psycopg.connect(fresh_database.owner) as connection:
        assert connection.execute(DEADLOCKS).fetchone() == (0,)


def test_deadlocks_of_several_commands_are_survived(
    addresses: Addresses, fresh_database: DatabaseUrls
) -> None:
    impatient(addresses, fresh_database)
    assert crossed(fresh_database, seed="crossed", rounds=5) > 0


def test_killed_at_any_statement(fresh_database: DatabaseUrls) -> None:
    """Each kind of command in one sequence; it dies at each point in turn, until once it comes to its end."""
    steps = len(DRAWS) * 2

    def life(point: int) -> None:
        with books(fresh_database, connections=1) as own:
            armed(own.database.engine, point)
            work(own, seed="points", steps=steps)

    deaths = next(point for point in itertools.count(1, STRIDE) if not dies(partial(life, point)))
    assert deaths > steps
    with books(fresh_database) as shared:
        work(shared, seed="points", steps=steps)
        shared.agree_wholly()
        shared.seal()
        assert shared.verify().differences == ()
