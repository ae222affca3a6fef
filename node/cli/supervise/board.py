"""What people see of a running node.

Lines on the terminal and in a log, and the state that `asoud status` reads.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

import click

from node.cli.supervise.files import write_json


class State(StrEnum):
    STARTING = "starting"
    READY = "ready"
    UNREADY = "unready"  # runs, but its readiness check fails
    RESTARTING = "restarting"
    STOPPED = "stopped"


class Phase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass
class PartState:
    state: State
    pid: int | None = None
    restarts: int = 0
    # of the machine's monotonic clock, which all processes share
    since: float = field(default_factory=time.monotonic)


@dataclass
class Snapshot:
    """The content of `state.json`."""

    supervisor_pid: int
    phase: Phase = Phase.STARTING
    parts: dict[str, PartState] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    # log files that rotate, and that `asoud logs` may show
    logs: list[str] = field(default_factory=list)


class Board:
    """Writing must never stop the node: a closed terminal or a full disk is survived."""

    def __init__(self, state_file: Path, log_file: Path, *, echo: Callable[[str], None]) -> None:
        self._state_file = state_file
        self._log_file = log_file
        self._echo: Callable[[str], None] | None = echo
        self.snapshot = Snapshot(supervisor_pid=os.getpid())

    def say(self, text: str) -> None:
        """Tell a person, on the terminal (as long as there is one) and in `supervisor.log`."""
        try:
            with self._log_file.open("a") as log:
                log.writelines(
                    f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n" for line in text.split("\n")
                )
        except OSError:
            pass  # the terminal still hears it
        if self._echo is None:
            return
        try:
            self._echo(text)
        except (OSError, ValueError):
            self._echo = None

    def mark(self, part: str, state: State, *, pid: int | None = None) -> None:
        before = self.snapshot.parts.get(part)
        restarts = before.restarts if before else 0
        if state is State.RESTARTING:
            restarts += 1
        self.snapshot.parts[part] = PartState(state=state, pid=pid, restarts=restarts)
        self.write()

    def enter(self, phase: Phase) -> None:
        self.snapshot.phase = phase
        self.write()

    def write(self) -> None:
        try:
            write_json(self._state_file, asdict(self.snapshot))
        except OSError as e:
            self.say(f"cannot write {self._state_file}: {e.strerror}")


def echo_flushed(text: str) -> None:
    click.echo(text)
