"""The queue on a real Valkey and Postgres: what is sent is done, what can't be done is kept."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from node.bootstrap.handlers import TaskCall
from node.bootstrap.reactions import reactions
from node.kernel.db.unit_of_work import Database
from node.kernel.settings import Settings
from node.kernel.spine.failed_tasks import list_failed, request_retry, take_retries
from node.worker.celery_app import BrokerAway, Sender, make_celery
from tests.stack import DatabaseUrls, free_port

pytestmark = [pytest.mark.pg, pytest.mark.redis]
ROOT = Path(__file__).parents[2]
IN_HAND = 1  # messages are taken one by one

# A worker with two tasks of its own: one that writes a row, slowly; one that always fails.
WORKER = textwrap.dedent("""
    import sys, time
    from sqlalchemy import text
    from node.kernel.db.unit_of_work import Database
    from node.kernel.settings import Settings
    from node.worker.celery_app import make_celery, parking_task

    database = Database(sys.argv[1], pool_size=4)
    app = make_celery(Settings())
    app.conf.broker_transport_options = {
        "visibility_timeout": 1,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 1,
    }
    Parking = parking_task(database)

    @app.task(name="test.write", base=Parking)
    def write(n):
        with database.transaction() as tx:
            tx.execute(text("INSERT INTO kernel.done VALUES (:n) ON CONFLICT DO NOTHING"), {"n": int(n)})
            time.sleep(0.02)

    @app.task(name="test.fail", base=Parking)
    def fail(why):
        raise ValueError(why)

    app.worker_main(
        ["worker", "--pool=threads", "--concurrency=2", "--without-gossip", "--without-mingle"]
    )
""")


@contextmanager
def worker(database_url: str, broker_url: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"ASOUD_BROKER_URL": broker_url}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, database_url],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def until(condition: Callable[[], bool], *, seconds: float = 180) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def sender(broker_url: str) -> Sender:
    return Sender(make_celery(Settings(broker_url=broker_url)))


def test_a_killed_worker_loses_at_most_what_it_just_took(
    fresh_database: DatabaseUrls, broker_url: str, sender: Sender, connection: psycopg.Connection
) -> None:
    """The broker's client takes a message off the queue, and notes that it has it a moment later.

    Killed between the two it loses that one, which is why the schedule does again whatever money waits for.
    """
    connection.execute("CREATE TABLE kernel.done (n int PRIMARY KEY)")
    connection.execute("GRANT ALL ON kernel.done TO PUBLIC")
    total = 150
    for n in range(total):
        sender("test.write", {"n": str(n)})

    def done() -> int:
        row = connection.execute("SELECT count(*) FROM kernel.done").fetchone()
        assert row is not None
        return int(row[0])

    with worker(fresh_database.app, broker_url):
        assert until(lambda: done() > 5)
    assert done() < total, "the kill came too late to show anything"
    with worker(fresh_database.app, broker_url):
        assert until(lambda: done() >= total - IN_HAND)


def test_a_task_that_fails_for_good_is_a_row_and_can_be_sent_again(
    fresh_database: DatabaseUrls, broker_url: str, sender: Sender
) -> None:
    database = Database(fresh_database.app, pool_size=2)
    sender("test.fail", {"why": "no such thing"})

    def failed() -> int:
        with database.transaction() as tx:
            return len(list_failed(tx))

    with worker(fresh_database.app, broker_url):
        assert until(lambda: failed() == 1)
    with database.transaction() as tx:
        row = list_failed(tx)[0]
        assert (row.task, row.arguments) == ("test.fail", {"why": "no such thing"})
        assert "ValueError: no such thing" in row.error
        assert take_retries(tx) == []
        assert request_retry(tx) == 1
    with database.transaction() as tx:
        assert [taken.task for taken in take_retries(tx)] == ["test.fail"]
    assert failed() == 0
    database.dispose()


def test_a_broker_that_is_away_is_transient() -> None:
    sender = Sender(make_celery(Settings(broker_url=f"redis://127.0.0.1:{free_port()}/0")))
    with pytest.raises(BrokerAway):
        sender("test.write", {"n": "1"})


def test_every_task_that_a_handler_or_the_schedule_names_exists(
    fresh_database: DatabaseUrls, broker_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASOUD_DATABASE_URL", fresh_database.app)
    monkeypatch.setenv("ASOUD_BROKER_URL", broker_url)
    monkeypatch.setenv("ASOUD_DATA_DIR", str(tmp_path))
    from node.worker.tasks import app, services  # noqa: PLC0415 - an entrypoint: it reads the settings when imported

    named = {entry["task"] for entry in app.conf.beat_schedule.values()}
    for actions in reactions(services).values():
        named |= {action.task for action in actions.values() if isinstance(action, TaskCall)}
    assert named <= set(app.tasks)
