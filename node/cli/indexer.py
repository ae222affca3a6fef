"""`asoud indexer`: the process that follows the chain."""

import json
from dataclasses import asdict

import click

from indexer.run import main
from node.kernel.log import configure_logging
from node.kernel.settings import Settings


@click.group()
def indexer() -> None:
    """Follow the chain into the database."""


@indexer.command()
@click.option("--exit-at-head", is_flag=True, help="Stop at the head seen at start; print a report as JSON.")
def run(*, exit_at_head: bool) -> None:
    """Follow the chain until SIGTERM. One runs per chain; another one stands by."""
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    report = main(settings, exit_at_head=exit_at_head)
    if report is not None:
        click.echo(json.dumps(asdict(report)))
