"""Where the time of the cores goes: seconds of CPU by part, of this process and what it started (Linux)."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

POSTGRES, NODE, VALKEY, CLIENT = "Postgres", "the node", "Valkey", "the load generator"
PARTS = (POSTGRES, NODE, VALKEY, CLIENT)
_COMMANDS = {"postgres": POSTGRES, "valkey-server": VALKEY, "pgbench": CLIENT}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    command: str
    seconds: float
    """With those of its children that have ended."""


def cpu_seconds() -> dict[str, float]:
    """Used until now. The difference of two calls is what was used between them."""
    processes = list(_processes())
    ours, found = {os.getpid()}, 0
    while found < len(ours):
        found = len(ours)
        ours |= {process.pid for process in processes if process.parent in ours}
    used = dict.fromkeys(PARTS, 0.0)
    for process in processes:
        if process.pid in ours:
            used[_part(process)] += process.seconds
    return used


def cpu_ms(before: Mapping[str, float], *, per: float) -> dict[str, float]:
    """Since then, by part, for each of so many."""
    now = cpu_seconds()
    return {part: (now[part] - before[part]) / per * 1000 for part in PARTS}


def _part(process: _Process) -> str:
    return CLIENT if process.pid == os.getpid() else _COMMANDS.get(process.command, NODE)


def _processes() -> Iterator[_Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:  # it has ended
            continue
        command, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        seconds = sum(map(int, rest[11:15])) / _TICKS  # proc(5): utime, stime, cutime, cstime
        yield _Process(int(folder.name), int(rest[1]), command, seconds)
