"""One supervisor per data folder: a lock of the system, so a dead holder holds nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.cli.supervise.refusal import StartRefused


@contextmanager
def folder_lock(path: Path) -> Iterator[None]:
    """Raises `StartRefused` when another supervisor holds the folder."""
    with path.open("a+") as f:
        if not _taken(f.fileno()):
            raise StartRefused(
                f"a node already runs in {path.parent.parent} (process {holder(path)}): "
                "see `scripts/asoud status`, stop it with `scripts/asoud down`"
            )
        f.truncate(0)
        f.write(str(os.getpid()))
        f.flush()
        yield


def holder(path: Path) -> int | None:
    """Process id of the supervisor that holds the folder, or None when none does."""
    if not path.exists():
        return None
    with path.open("r+") as f:
        if _taken(f.fileno()):
            return None
        text = f.read().strip()
    # A supervisor that has just taken the lock may not have written its id yet.
    return int(text) if text else -1


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
