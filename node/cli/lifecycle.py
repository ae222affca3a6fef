"""`asoud up | status | logs | down`."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.cli import detach
from node.cli.supervise import lock, orphans, table
from node.cli.supervise import logs as log_files
from node.cli.supervise.board import Phase, State
from node.cli.supervise.plan import Plan, Ports, data_dir_of
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.supervisor import Stopped, run_node

_DOWN_LIMIT_S = 90.0
_POLL_S = 0.1


def _port_option(name: str, default: int, what: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}-port",
        envvar=f"ASOUD_{name.upper()}_PORT",
        type=click.IntRange(1, 65535),
        default=default,
        show_default=True,
        show_envvar=True,
        help=f"Port of {what}.",
    )


def _data_dir_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        default=lambda: data_dir_of(os.environ),
        show_default=".asoud in the project",
        help="Folder of the node's data. [env var: ASOUD_DATA_DIR]",
    )(function)


@click.command()
@click.option("--detach", "detached", is_flag=True, help="Return when the node is ready.")
@click.option("--reset", is_flag=True, help="Delete all data of the node first. Asks nothing.")
@_port_option("api", Ports.api, "the API")
@_port_option("metrics", Ports.metrics, "the metrics")
@_port_option("postgres", Ports.postgres, "the embedded Postgres")
@_port_option("valkey", Ports.valkey, "the embedded Valkey or Redis")
@_port_option("anvil", Ports.anvil, "the embedded chain")
@_data_dir_option
def up(*, detached: bool, reset: bool, data_dir: Path, **ports: int) -> None:
    """Start a whole node; Ctrl-C stops it. Started again, it goes on with all its data."""
    if detached:
        detach.start_detached()
        return
    chosen = Ports(**{name.removesuffix("_port"): port for name, port in ports.items()})
    plan = Plan(data_dir=data_dir.resolve(), ports=chosen, environment=dict(os.environ))
    try:
        asyncio.run(run_node(plan, reset=reset, echo=click.echo, on_ready=detach.let_go))
    except OSError as e:
        where = f": {e.filename}" if e.filename else ""
        raise StartRefused(f"{e.strerror or e}{where}") from e
    except Stopped:
        sys.exit(130)


@click.command()
@_data_dir_option
@click.option("--json", "as_json", is_flag=True, help="The same for programs.")
def status(*, data_dir: Path, as_json: bool) -> None:
    """Show what runs. Exit code 0 only when all of it is ready."""
    state = read_state(data_dir.resolve())
    if state is None:
        click.echo("{}" if as_json else "no node runs here: start one with `scripts/up`")
        sys.exit(3)
    click.echo(json.dumps(state) if as_json else "\n".join(table.status_lines(state)))
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
    if lock.holder(run_dir / "up.lock") is None:
        return None
    try:
        state: dict[str, Any] = json.loads((run_dir / "state.json").read_text())
    except FileNotFoundError:
        return {"phase": Phase.STARTING, "parts": {}}
    return state


@click.command("logs")
@click.argument("part", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written, until Ctrl-C.")
@click.option("-n", "--lines", default=50, show_default=True, help="How many lines of the past.")
@_data_dir_option
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
@_data_dir_option
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
