"""Fixtures of the real parts: Postgres, Valkey and anvil. `tests/stack.py` runs them.

A test that rolls back uses `database_url`; a test that commits uses `fresh_database`.
"""

import gc
import os
import signal
import tempfile
import uuid
from collections.abc import Iterator

import psycopg
import pytest
import redis

from tests.stack import HANDED_DOWN, Addresses, DatabaseUrls, Stack, cloned_database

_CONTROLLERS = pytest.StashKey[Stack]()
_DATA = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller of xdist starts what its workers share."""
    gc.set_threshold(50_000, 20, 20)  # by default it takes a fifth of a run's time
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background: children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "ASOUD_DATA_DIR" not in os.environ:  # what a test does not place must not lie in the checkout's own
        folder = config.stash[_DATA] = tempfile.TemporaryDirectory(prefix="asoud-tests-")
        os.environ["ASOUD_DATA_DIR"] = folder.name
    is_worker = hasattr(config, "workerinput")
    if is_worker or not config.getoption("numprocesses", None) or config.option.collectonly:
        return
    stack = config.stash[_CONTROLLERS] = Stack()
    stack.addresses().hand_down()


def pytest_collection_finish() -> None:
    """What is loaded by now stays, so the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(_DATA, None)
    if folder is not None:
        os.environ.pop("ASOUD_DATA_DIR")
        folder.cleanup()
    stack = config.stash.get(_CONTROLLERS, None)
    if stack is not None:
        os.environ.pop(HANDED_DOWN, None)
        stack.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Parts of this process alone; shared ones are reached through `addresses`."""
    own = Stack()
    yield own
    own.stop()


@pytest.fixture(scope="session")
def addresses(stack: Stack) -> Addresses:
    return Addresses.handed_down() or stack.addresses()


@pytest.fixture(scope="session")
def database_urls(addresses: Addresses) -> Iterator[DatabaseUrls]:
    """This worker's database, by both roles. Whoever commits to it disturbs other tests."""
    with cloned_database(addresses, f"worker_{uuid.uuid4().hex}") as urls:
        yield urls


@pytest.fixture(scope="session")
def database_url(database_urls: DatabaseUrls) -> str:
    """This worker's database as the app's role, for tests that roll back."""
    return database_urls.app


@pytest.fixture
def fresh_database(addresses: Addresses) -> Iterator[DatabaseUrls]:
    """A database of this test's own, for tests that commit."""
    with cloned_database(addresses, f"fresh_{uuid.uuid4().hex}") as urls:
        yield urls


@pytest.fixture(scope="module")
def module_database(addresses: Addresses) -> Iterator[DatabaseUrls]:
    """A database that the tests of one module share, each with rows of its own."""
    with cloned_database(addresses, f"module_{uuid.uuid4().hex}") as urls:
        yield urls


@pytest.fixture(scope="module")
def module_redis_url(addresses: Addresses, worker_id: str) -> str:
    """As `redis_url`, for modules in which nobody else asks for one."""
    return _emptied(addresses, _pair(worker_id))


@pytest.fixture
def connection(fresh_database: DatabaseUrls) -> Iterator[psycopg.Connection]:
    """A plain connection to the database of `fresh_database`, as the owner, that commits each statement."""
    with psycopg.connect(fresh_database.owner, autocommit=True) as opened:
        yield opened


@pytest.fixture
def redis_url(addresses: Addresses, worker_id: str) -> str:
    """An empty database of Valkey that no other worker uses."""
    return _emptied(addresses, _pair(worker_id))


@pytest.fixture
def broker_url(addresses: Addresses, worker_id: str) -> str:
    """As `redis_url`, for Celery."""
    return _emptied(addresses, _pair(worker_id) + 1)


@pytest.fixture(scope="module")
def anvil(stack: Stack) -> Iterator[str]:
    """Address of a new chain (31337) that the tests of one module share."""
    with stack.anvil() as url:
        yield url


@pytest.fixture
def fresh_anvil(stack: Stack) -> Iterator[str]:
    """Address of a new chain (31337) of this test's own."""
    with stack.anvil() as url:
        yield url


def _emptied(addresses: Addresses, number: int) -> str:
    url = f"{addresses.redis.rpartition('/')[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


def _pair(worker_id: str) -> int:
    """Of Valkey's 16 databases, the first of the two that this worker uses."""
    return 2 * (int(worker_id.removeprefix("gw")) % 8) if worker_id != "master" else 0
