"""A progress bar on a terminal, with rate and time left; nothing where nobody looks."""

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

AGAIN_S = 0.2  # between two looks


class Bar:
    """`with Bar() as bar`, then `bar.show(done, goal, events)` as often as one likes."""

    def __init__(self) -> None:
        self._shown: Any = None
        self._began = self._last = time.monotonic()
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.__exit__(kind, error, trace)

    def show(self, done: int, goal: int, events: int) -> None:
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self._last < AGAIN_S and done < goal):
            return
        self._last = now
        if self._shown is None:
            self._shown = click.progressbar(
                length=goal, label="blocks", file=sys.stderr, show_pos=True, item_show_func=str
            ).__enter__()
        self._shown.length = max(goal, done)
        self._shown.current_item = f"{events / max(now - self._began, 0.001):,.0f} events/s"
        self._shown.update(done - self._position)
        self._position = done
