"""What the newest blocks said, as this process decoded it, so that it is told without being read back.

Invariant: it holds what the tables hold of these blocks, or it does not hold them at all; who asks for more
than it holds reads the raw logs. It lives and dies with a pipeline, which forgets it whenever the tables may
have been changed by somebody else.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from indexer.fetch import Fetched
from node.chain.events import ChainLog
from node.chain.rpc import Log

LOGS_MAX = 10_000  # held at once: some 10 MB


class Said(msgspec.Struct, frozen=True, gc=False):
    """A log with what it means, and the time of its block."""

    log: Log
    event: ChainLog
    time: dt.datetime


class Recent:
    """Consecutive blocks, those without a word among them."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[Said]] = {}
        self._logs = 0

    def add(self, fetched: Fetched, times: Mapping[int, dt.datetime]) -> None:
        """A range that is being written behind those held; the oldest go when they are too many."""
        first = fetched.headers[0].number
        if self._blocks and first != next(reversed(self._blocks)) + 1:
            self.forget()
        self._blocks |= {header.number: [] for header in fetched.headers}
        for item in fetched.logs:
            if item.event is not None:
                number = item.log.block_number
                self._blocks[number].append(Said(item.log, item.event, times[number]))
                self._logs += 1
        while self._logs > LOGS_MAX:
            self._drop(next(iter(self._blocks)))

    def between(self, first: int, last: int) -> Sequence[Said] | None:
        """All that these blocks said, in order; None when not all of them are held."""
        if first not in self._blocks or last not in self._blocks:
            return None
        return [said for number in range(first, last + 1) for said in self._blocks[number]]

    def told(self, until: int) -> None:
        """Blocks up to that one were told: they are not needed any more."""
        for number in [number for number in self._blocks if number <= until]:
            self._drop(number)

    def cut(self, above: int) -> None:
        """Blocks above that one are no more."""
        for number in [number for number in self._blocks if number > above]:
            self._drop(number)

    @contextmanager
    def believed(self) -> Iterator[None]:
        """Around a transaction that writes what is held: when it fails, nothing is."""
        try:
            yield
        except BaseException:
            self.forget()
            raise

    def forget(self) -> None:
        self._blocks, self._logs = {}, 0

    def _drop(self, number: int) -> None:
        self._logs -= len(self._blocks.pop(number))
