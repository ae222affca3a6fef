"""`asoud indexer`: the process that follows the chain."""

import asyncio
import json
from dataclasses import asdict

import click

from indexer import run as indexer_run
from node.cli.options import chain_option, settings_of
from node.kernel.errors import AsoudError
from node.kernel.log import configure_logging


@click.group()
def indexer() -> None:
    """Follow the chain into the database."""


@indexer.command()
@click.option("--exit-at-head", is_flag=True, help="Stop at the head seen at start; print a report as JSON.")
@chain_option
def run(*, exit_at_head: bool, chain_id: int | None) -> None:
    """Follow the chain until SIGTERM. One runs per chain; another one stands by."""
    settings = settings_of(chain_id)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    report = indexer_run.main(settings, exit_at_head=exit_at_head)
    if report is not None:
        click.echo(json.dumps(asdict(report)))


@indexer.command()
@click.confirmation_option(prompt="Everything read of the chain is read again. Go on?")
@chain_option
def reindex(*, chain_id: int | None) -> None:
    """Read the chain again from its first block. Nothing is told to the spine a second time."""
    settings = settings_of(chain_id)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    try:
        asyncio.run(indexer_run.reindex(settings))
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    click.echo("set back to the first block; the indexer reads it again")
