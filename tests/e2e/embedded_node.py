"""Runs the embedded parts of a node alone: the supervisor without jobs and services."""

import asyncio
import json
import os
import sys
from pathlib import Path

import click

from node.cli.supervise.plan import Plan, Ports
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.supervisor import run_node

if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    plan = Plan(
        data_dir=Path(options["data_dir"]),
        ports=Ports(**options["ports"]),
        environment=dict(os.environ),
    )
    try:
        asyncio.run(run_node(plan, reset=options["reset"], jobs=(), services=(), echo=click.echo))
    except StartRefused as refused:
        click.echo(f"refused: {refused.message}")
        sys.exit(1)
