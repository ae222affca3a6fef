"""What happened, for a reader, and how much of it was right."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Unmet(Exception):
    """Going on makes no sense: something that the rest of the act stands on did not happen."""


class Transcript:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        """What breaks off an act is one failed check, and the next act goes on."""
        print(f"\n{title}")
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it was, it has to be told
            self.check(f"{title}: to its end", ok=False, detail=f"{type(error).__name__}: {error}")

    def check(self, name: str, *, ok: bool, detail: str = "") -> None:
        if ok:
            self.passed += 1
        else:
            self.failed += 1
        print(f"  {'✓' if ok else '✗'} {name}{f': {detail}' if detail and not ok else ''}")
        sys.stdout.flush()

    def equal(self, name: str, got: object, want: object) -> None:
        self.check(name, ok=got == want, detail=f"got {got!r}, want {want!r}")

    def note(self, words: str) -> None:
        print(f"    {words}")

    def last_line(self) -> str:
        return f"demo: {self.passed} checks passed, {self.failed} failed"
