"""`asoud status | logs | down`: look at a node, and end it."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from node.cli.options import data_dir_option
from node.cli.supervise import lock, orphans
from node.cli.supervise import logs as log_files
from node.cli.supervise.board import Phase, State

_DOWN_LIMIT_S = 90.0
_POLL_S = 0.1


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="The same for programs.")
def status(*, data_dir: Path, as_json: bool) -> None:
    """Show what runs. Exit code 0 only when all of it is ready."""
    state = read_state(data_dir.resolve())
    if state is None:
        click.echo("{}" if as_json else "no node runs here: start one with `scripts/up`")
        sys.exit(3)
    click.echo(json.dumps(state) if as_json else "\n".join(_status_lines(state)))
    healthy = state["phase"] == Phase.READY and all(
        part["state"] == State.READY for part in state["parts"].values()
    )
    if not healthy:
        if not as_json:
            click.echo(f"not healthy: the node is {state['phase']}, or a part of it is not ready")
        sys.exit(1)


def read_state(data_dir: Path) -> dict[str, Any] | None:
    """What the living supervisor last wrote; None when there is no such supervisor."""
    run_dir = data_dir / "run"
    supervisor = lock.holder(run_dir / "up.lock")
    if supervisor is None:
        return None
    nothing_yet = {"phase": Phase.STARTING, "parts": {}}
    try:
        state: dict[str, Any] = json.loads((run_dir / "state.json").read_text())
    except FileNotFoundError:
        return nothing_yet
    # one that was killed left its last words behind
    return state if state["supervisor_pid"] == supervisor else nothing_yet


@click.command("logs")
@click.argument("part", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written, until Ctrl-C.")
@click.option("-n", "--lines", default=50, show_default=True, help="How many lines of the past.")
@data_dir_option
def logs(*, part: str | None, follow: bool, lines: int, data_dir: Path) -> None:
    """Show the log of one part, or of all of them."""
    known = {path.stem: path for path in sorted((data_dir.resolve() / "logs").glob("*.log"))}
    if part is not None and part not in known:
        raise click.ClickException(f"there is no log of {part}; there are: {', '.join(known)}")
    chosen = [known[part]] if part else list(known.values())

    def show(path: Path, line: str) -> None:
        click.echo(line if part else f"{path.stem:<10} | {line}")

    for path in chosen:
        for line in log_files.last_lines(path, lines):
            show(path, line)
    if not follow:
        return
    try:
        for path, line in log_files.follow(chosen):
            show(path, line)
    except KeyboardInterrupt:
        pass


@click.command()
@data_dir_option
def down(*, data_dir: Path) -> None:
    """Stop the node of this folder, and whatever a killed one left. Data stays."""
    root = data_dir.resolve()
    run_dir = root / "run"
    pid = lock.holder(run_dir / "up.lock")
    if pid is None:
        left = orphans.stop_orphans(root, run_dir)
        click.echo(f"stopped {len(left)} processes that were left" if left else "no node runs here")
        return
    if pid > 0:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_LIMIT_S
    while lock.holder(run_dir / "up.lock") is not None:
        if time.monotonic() > deadline:
            raise click.ClickException(f"process {pid} did not stop within {_DOWN_LIMIT_S:g} s")
        time.sleep(_POLL_S)
    click.echo("stopped")


def _status_lines(state: dict[str, Any]) -> list[str]:
    """`state` is the content of `state.json`."""
    lines = [f"{'part':<10} {'state':<11} {'process':>8} {'for':>9} {'restarts':>9}"]
    for name, part in state["parts"].items():
        lines.append(
            f"{name:<10} {part['state']:<11} {part['pid'] or '-':>8} "
            f"{_duration(time.monotonic() - part['since']):>9} {part['restarts']:>9}"
        )
    return lines


def _duration(seconds: float) -> str:
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02} m" if hours else f"{m} m {s:02} s" if m else f"{s} s"
