"""Logs of the children: written by them, bounded by us, shown by `asoud logs`.

A child writes to its file directly, in append mode, so that it outlives its supervisor and no pipe can fill
up. Rotation therefore copies and truncates; a line written in between can be lost, a full disk cannot
happen.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

LOG_BYTES_MAX = 10 * 2**20
KEPT = 2
_FOLLOW_EVERY_S = 0.2


def rotate(path: Path, *, bytes_max: int = LOG_BYTES_MAX) -> bool:
    """Move what is in the log to `<log>.1` when it is too large; true when it was."""
    try:
        if path.stat().st_size <= bytes_max:
            return False
    except FileNotFoundError:
        return False
    for n in range(KEPT, 1, -1):
        older = path.with_name(f"{path.name}.{n - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{n}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as f:
        f.truncate(0)
    return True


def last_lines(path: Path, count: int, *, window: int = 64 * 1024) -> list[str]:
    """The end of a log; looks at the last `window` bytes only."""
    try:
        with path.open("rb") as f:
            size = f.seek(0, 2)
            f.seek(max(0, size - window))
            text = f.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


def follow(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """Lines as they are written, from now on and without end; a truncated file starts over."""
    offsets = {p: p.stat().st_size if p.exists() else 0 for p in paths}
    while True:
        for path in paths:
            for line in new_lines(path, offsets):
                yield path, line
        time.sleep(_FOLLOW_EVERY_S)


def new_lines(path: Path, offsets: dict[Path, int]) -> list[str]:
    """Whole lines beyond the offset, which moves; a file that shrank is read from its beginning."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return []
    if size < offsets[path]:
        offsets[path] = 0
    if size == offsets[path]:
        return []
    with path.open("rb") as f:
        f.seek(offsets[path])
        chunk = f.read()
    whole = chunk[: chunk.rfind(b"\n") + 1]
    offsets[path] += len(whole)
    return whole.decode(errors="replace").splitlines()
