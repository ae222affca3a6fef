"""`asoud up`: start a whole node and stay with it."""

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from node.cli import detach
from node.cli.options import data_dir_option
from node.cli.supervise.plan import Plan, Ports
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.supervisor import Stopped, run_node


def _port_option(name: str, default: int, what: str, *, lowest: int = 1) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}-port",
        envvar=f"ASOUD_{name.upper().replace('-', '_')}_PORT",
        type=click.IntRange(lowest, 65535),
        default=default,
        show_default=True,
        show_envvar=True,
        help=f"Port of {what}.",
    )


@click.command()
@click.option("--detach", "detached", is_flag=True, help="Return when the node is ready.")
@click.option("--reset", is_flag=True, help="Delete all data of the node first. Asks nothing.")
@_port_option("api", Ports.api, "the API")
@_port_option("metrics", Ports.metrics, "the metrics")
@_port_option("indexer-metrics", Ports.indexer_metrics, "the indexer's metrics, 0 for none", lowest=0)
@_port_option("sandbox", Ports.sandbox, "the sandbox gateway of a development node")
@_port_option("postgres", Ports.postgres, "the embedded Postgres")
@_port_option("valkey", Ports.valkey, "the embedded Valkey or Redis")
@_port_option("anvil", Ports.anvil, "the embedded chain")
@data_dir_option
def up(*, detached: bool, reset: bool, data_dir: Path, **ports: int) -> None:
    """Start a whole node; Ctrl-C stops it. Started again, it goes on with all its data."""
    if detached:
        detach.start_detached()
        return
    chosen = Ports(**{name.removesuffix("_port"): port for name, port in ports.items()})
    plan = Plan(data_dir=data_dir.resolve(), ports=chosen, environment=dict(os.environ))
    let_go = partial(detach.let_go, plan.logs_dir / "supervisor.log")
    try:
        asyncio.run(run_node(plan, reset=reset, echo=click.echo, on_ready=let_go))
    except OSError as e:
        where = f": {e.filename}" if e.filename else ""
        raise StartRefused(f"{e.strerror or e}{where}") from e
    except Stopped:
        sys.exit(130)
