"""The ledger under concurrency and death: one effect per key, and books that hold what they promise."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest

from tests.ledger import books
from tests.ledger_storm import crossed, storm
from tests.ledger_worker import work
from tests.stack import Addresses, DatabaseUrls, Stack

pytestmark = pytest.mark.pg

ROOT = Path(__file__).parents[2]
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


def test_a_killed_worker_starts_again(fresh_database: DatabaseUrls) -> None:
    """SIGKILL between any two of its statements; in the end it did everything once."""
    random, steps = Random("worker"), 80
    command = [sys.executable, "-m", "tests.ledger_worker", fresh_database.app, "worker", str(steps)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for _ in range(2):
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(random.randint(1, 30)):
                assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    with books(fresh_database) as shared:
        work(shared, seed="worker", steps=steps)
        shared.agree()
        shared.seal()
        assert shared.verify().differences == ()
