"""`asoud indexer`: the process that follows the chain."""

import asyncio
import json
from dataclasses import asdict

import click

from indexer import run as indexer_run
from node.cli.options import chain_option, settings_of
from node.cli.progress import Bar
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
    with Bar() as bar:
        report = indexer_run.main(settings, exit_at_head=exit_at_head, progress=bar.show)
    if report is not None:
        click.echo(json.dumps(asdict(report)))


@indexer.command()
@click.option(
    "--from",
    "trust_below",
    type=click.IntRange(min=0),
    help="The first block to ask the node for; the raw logs of those below are taken as they are stored."
    " By default all that no reorg can reach.",
)
@chain_option
def reindex(*, trust_below: int | None, chain_id: int | None) -> None:
    """Read the chain again beside the live tables, and change the rows that differ.

    Views go on reading meanwhile, and so does a running indexer. Nothing is told to the spine.
    """
    settings = settings_of(chain_id)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    try:
        with Bar() as bar:
            done = asyncio.run(indexer_run.reindex(settings, trust_below=trust_below, progress=bar.show))
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    click.echo(json.dumps(asdict(done)))
