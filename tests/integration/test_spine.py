"""The spine on a real Postgres, with commits: nothing is lost and nothing is doubled."""

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from node.kernel.clock import FixedClock
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import Bug, Transient
from node.kernel.spine import consumer as consumer_module
from node.kernel.spine.consumer import Consumer, Subscription, Turn
from node.kernel.spine.event import Event, StoredEvent
from node.kernel.spine.parked import list_parked, request_replay
from node.kernel.spine.record import EventRecorder, StreamMoved
from node.kernel.spine.sequencer import Sequencer
from tests.stack import DatabaseUrls

pytestmark = pytest.mark.pg
CLOCK = FixedClock(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
ROOT = Path(__file__).parents[2]


class Counted(Event, frozen=True, kw_only=True):
    type_name = "test.counted"
    n: int


@pytest.fixture
def database(fresh_database: DatabaseUrls) -> Iterator[Database]:
    with psycopg.connect(fresh_database.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE kernel.effect (stream text, version int, PRIMARY KEY (stream, version))")
        owner.execute("GRANT ALL ON kernel.effect TO PUBLIC")
    opened = Database(fresh_database.app, pool_size=8)
    yield opened
    opened.dispose()


def record(database: Database, stream: str, n: int) -> None:
    with database.transaction() as tx:
        EventRecorder(CLOCK).record(tx, stream, Counted(n=n))


def effect(tx: Tx, event: StoredEvent) -> None:
    tx.execute(
        text("INSERT INTO kernel.effect VALUES (:stream, :version)"),
        {"stream": event.stream, "version": event.version},
    )


def consumer(database: Database, handler: Callable[[Tx, StoredEvent], None] = effect) -> Consumer:
    return Consumer(database, Subscription("test", {"test.counted": handler}), CLOCK)


def rows(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.transaction() as tx:
        return [tuple(row) for row in tx.execute(text(sql))]


def test_events_enter_with_their_state_or_not_at_all(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as tx:
        EventRecorder(CLOCK).record(tx, "a:1", Counted(n=1))
        raise RuntimeError
    assert Sequencer(database).number_once() == 0
    record(database, "a:1", 1)
    assert rows(database, "SELECT version FROM kernel.event") == [(1,)]


def test_expected_version(database: Database) -> None:
    record(database, "a:1", 1)
    recorder = EventRecorder(CLOCK)
    with database.transaction() as tx:
        assert recorder.record(tx, "a:1", Counted(n=2), expected_version=1) == 2
    with pytest.raises(StreamMoved), database.transaction() as tx:
        recorder.record(tx, "a:1", Counted(n=3), expected_version=1)
    assert rows(database, "SELECT max(version) FROM kernel.event") == [(2,)]


def test_a_late_commit_gets_a_later_position(database: Database) -> None:
    """The classic loss: an id is handed out early, its row commits after a reader went past."""
    early = database.session()
    early.begin()
    EventRecorder(CLOCK).record(early, "slow:1", Counted(n=1))
    record(database, "fast:1", 1)
    sequencer, reader = Sequencer(database), consumer(database)
    assert sequencer.number_once() == 1
    assert reader.run_once() == Turn(1, stalled=False)
    early.commit()
    early.close()
    assert sequencer.number_once() == 1
    assert reader.run_once() == Turn(1, stalled=False)
    assert rows(database, "SELECT stream, position FROM kernel.event ORDER BY position") == [
        ("fast:1", 1),
        ("slow:1", 2),
    ]
    assert len(rows(database, "SELECT * FROM kernel.effect")) == 2


def test_many_writers_and_two_sequencers(database: Database) -> None:
    writers = [
        threading.Thread(target=lambda w=w: [record(database, f"s:{(w + n) % 3}", n) for n in range(20)])
        for w in range(4)
    ]
    done = threading.Event()

    def number() -> None:
        while not done.is_set():
            Sequencer(database).number_once()

    numbering = [threading.Thread(target=number) for _ in range(2)]
    for thread in [*writers, *numbering]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in numbering:
        thread.join()
    while Sequencer(database).number_once():
        pass
    found = rows(database, "SELECT position, stream, version FROM kernel.event ORDER BY position")
    assert [row[0] for row in found] == list(range(1, 81))
    for stream in {row[1] for row in found}:
        versions = [row[2] for row in found if row[1] == stream]
        assert versions == list(range(1, len(versions) + 1))


def test_position_is_given_once_and_history_is_fixed(database: Database) -> None:
    record(database, "a:1", 1)
    Sequencer(database).number_once()
    for statement in (
        "UPDATE kernel.event SET position = 7",
        "UPDATE kernel.event SET payload = '{}'",
        "DELETE FROM kernel.event",
        "TRUNCATE kernel.event",
    ):
        with pytest.raises(Bug), database.transaction() as tx:
            tx.execute(text(statement))
    assert rows(database, "SELECT position FROM kernel.event") == [(1,)]


def test_a_failing_event_parks_its_stream_alone_and_replays_in_order(database: Database) -> None:
    broken = True

    def handler(tx: Tx, event: StoredEvent) -> None:
        if broken and event.payload["n"] == 1:
            raise ValueError("no")
        effect(tx, event)

    for n in (1, 2):
        record(database, "bad:1", n)
    record(database, "good:1", 9)
    Sequencer(database).number_once()
    reader = consumer(database, handler)
    assert reader.run_once().handled == 3
    assert rows(database, "SELECT stream FROM kernel.effect") == [("good:1",)]
    with database.transaction() as tx:
        parked = list_parked(tx)
        assert [(p.stream, p.attempts) for p in parked] == [("bad:1", 1), ("bad:1", 1)]
        assert "ValueError: no" in parked[0].error
        assert request_replay(tx, stream="bad:1") == 2
    assert reader.run_once().handled == 0  # still broken: tried once more, parked again
    broken = False
    with database.transaction() as tx:
        assert list_parked(tx)[0].attempts == 2
        request_replay(tx, consumer="test")
    assert reader.run_once().handled == 2
    assert rows(database, "SELECT version FROM kernel.effect WHERE stream = 'bad:1' ORDER BY 1") == [
        (1,),
        (2,),
    ]
    with database.transaction() as tx:
        assert list_parked(tx) == []


def test_a_transient_failure_stalls_then_parks_within_the_bound(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "TRANSIENT_TRIES_MAX", 3)

    def handler(tx: Tx, event: StoredEvent) -> None:
        if event.stream == "bad:1":
            raise Transient("the broker is away")
        effect(tx, event)

    record(database, "good:1", 1)
    record(database, "bad:1", 1)
    record(database, "good:2", 1)
    Sequencer(database).number_once()
    reader = consumer(database, handler)
    assert reader.run_once() == Turn(1, stalled=True)
    assert reader.run_once() == Turn(0, stalled=True)
    assert reader.run_once() == Turn(2, stalled=False)
    assert rows(database, "SELECT stream FROM kernel.effect ORDER BY 1") == [("good:1",), ("good:2",)]
    assert rows(database, "SELECT stream FROM kernel.parked_event") == [("bad:1",)]


WORKER = textwrap.dedent("""
    import sys, threading
    from sqlalchemy import text
    from node.kernel.clock import SystemClock
    from node.kernel.db.unit_of_work import Database
    from node.kernel.spine.consumer import Consumer, Subscription
    from node.kernel.spine.runner import SpineRunner
    from node.kernel.spine.sequencer import Sequencer

    url = sys.argv[1]
    database = Database(url, pool_size=4)

    def effect(tx, event):
        tx.execute(
            text("INSERT INTO kernel.effect VALUES (:s, :v)"), {"s": event.stream, "v": event.version}
        )

    consumer = Consumer(database, Subscription("test", {"test.counted": effect}), SystemClock())
    SpineRunner(url, Sequencer(database), [consumer]).run()
""")


def test_a_killed_spine_loses_and_doubles_nothing(database: Database, fresh_database: DatabaseUrls) -> None:
    """`kill -9` at changing moments while writers go on; the key of `effect` refuses a second effect."""
    total, kills = 300, 5
    writer = threading.Thread(target=lambda: [record(database, f"s:{n % 7}", n) for n in range(total)])
    writer.start()
    for turn in range(kills + 1):
        process = subprocess.Popen([sys.executable, "-c", WORKER, fresh_database.app], cwd=ROOT)
        try:
            if turn < kills:
                time.sleep(0.5 + 0.13 * turn)
                continue
            writer.join()
            deadline = time.monotonic() + 30
            while len(rows(database, "SELECT 1 FROM kernel.effect")) < total and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    assert len(rows(database, "SELECT 1 FROM kernel.effect")) == total
    assert rows(database, "SELECT count(*), max(position) FROM kernel.event") == [(total, total)]
    assert rows(database, "SELECT * FROM kernel.parked_event") == []


def test_a_row_that_another_holds_is_tried_again(database: Database) -> None:
    """What the database refuses for reasons of load or order is no reason to park an event."""
    with database.transaction() as tx:
        tx.execute(text("INSERT INTO kernel.effect VALUES ('x', 1)"))
    rival = database.session()
    rival.execute(text("UPDATE kernel.effect SET version = 2"))

    def handler(tx: Tx, _: StoredEvent) -> None:
        tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        tx.execute(text("UPDATE kernel.effect SET version = 3"))

    record(database, "a:1", 1)
    Sequencer(database).number_once()
    reader = consumer(database, handler)
    assert reader.run_once() == Turn(0, stalled=True)
    rival.rollback()
    rival.close()
    assert reader.run_once() == Turn(1, stalled=False)
    assert rows(database, "SELECT version FROM kernel.effect") == [(3,)]
    assert rows(database, "SELECT * FROM kernel.parked_event") == []
