"""Runs the sequencer and the consumers of one process, a thread each, until it is told to stop.

NOTIFY only wakes: every loop also looks by itself once in `POLL_S`. While the database is away a loop pauses
and goes on; any other failure ends the process, and whoever supervises it starts it again.
"""

import threading
from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from node.kernel.db.unit_of_work import typed_database_errors
from node.kernel.errors import Transient
from node.kernel.log import get_logger
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.record import CHANNEL_RECORDED
from node.kernel.spine.sequencer import CHANNEL_NUMBERED, Sequencer

log = get_logger(__name__)

POLL_S = 1.0
PAUSE_FIRST_S = 0.1
PAUSE_MAX_S = 5.0
JOIN_TIMEOUT_S = 20.0  # longer than the statement timeout of a turn


class SpineRunner:
    def __init__(self, url: str, sequencer: Sequencer, consumers: Sequence[Consumer]) -> None:
        self._url = url
        self._sequencer = sequencer
        self._consumers = consumers
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._wakers: dict[str, list[threading.Event]] = {CHANNEL_RECORDED: [], CHANNEL_NUMBERED: []}

    def run(self) -> None:
        """Blocks until `stop`, or until a loop fails for good: then raises what it failed with."""
        threads = [self._thread("sequencer", self._number, CHANNEL_RECORDED)]
        threads += [self._thread(c.name, _turn_of(c), CHANNEL_NUMBERED) for c in self._consumers]
        threads.append(threading.Thread(target=self._guarded, args=(self._listen,), name="listen"))
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not self._stopping.is_set():
                thread.join(timeout=POLL_S)
            thread.join(timeout=JOIN_TIMEOUT_S)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._stopping.set()
        for waker in [event for events in self._wakers.values() for event in events]:
            waker.set()

    def _number(self) -> bool:
        return self._sequencer.number_once() > 0

    def _thread(self, name: str, turn: Callable[[], bool], channel: str) -> threading.Thread:
        waker = threading.Event()
        self._wakers[channel].append(waker)
        return threading.Thread(target=self._guarded, args=(lambda: self._loop(turn, waker),), name=name)

    def _guarded(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:  # noqa: BLE001 - handed to `run`, which raises it
            self._failure = error
            self.stop()

    def _loop(self, turn: Callable[[], bool], waker: threading.Event) -> None:
        """Takes turns: at once while there is work, else at the next wake; pauses on `Transient`."""
        pause = PAUSE_FIRST_S
        while not self._stopping.is_set():
            try:
                busy = turn()
            except Transient as error:
                log.warning("spine_waits", thread=threading.current_thread().name, reason=str(error))
                self._stopping.wait(pause)
                pause = min(pause * 2, PAUSE_MAX_S)
                continue
            pause = PAUSE_FIRST_S
            if not busy:
                waker.wait(POLL_S)
                waker.clear()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with typed_database_errors():
                    self._forward_notifications()
            except Transient:
                self._stopping.wait(POLL_S)

    def _forward_notifications(self) -> None:
        with psycopg.connect(self._url, autocommit=True, application_name="asoud-spine-listen") as connection:
            for channel in self._wakers:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            while not self._stopping.is_set():
                for notification in connection.notifies(timeout=POLL_S, stop_after=1):
                    for waker in self._wakers[notification.channel]:
                        waker.set()


class ConsumerStalled(Transient):
    """A handler failed for now; its consumer pauses and tries again."""


def _turn_of(consumer: Consumer) -> Callable[[], bool]:
    def turn() -> bool:
        done = consumer.run_once()
        if done.stalled:
            raise ConsumerStalled("a handler failed for now")
        return done.handled > 0

    return turn
