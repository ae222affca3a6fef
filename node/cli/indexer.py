"""`asoud indexer`: the process that follows the chain, and what mends it."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from typing import Any

import click

from indexer import run as indexer_run
from indexer import status as indexer_status
from node.cli.foreign import add, declare, remove
from node.cli.options import chain_option, settings_of
from node.cli.progress import Bar
from node.kernel.errors import AsoudError
from node.kernel.log import configure_logging
from node.kernel.settings import Settings


@click.group()
def indexer() -> None:
    """Follow the chain into the database."""


for _command in (add, remove, declare):
    indexer.add_command(_command)


@indexer.command()
@click.option("--exit-at-head", is_flag=True, help="Stop at the head seen at start; print a report as JSON.")
@chain_option
def run(*, exit_at_head: bool, chain_id: int | None) -> None:
    """Follow the chain until SIGTERM. One runs per chain; another one stands by."""
    settings = _settings(chain_id)
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
    settings = _settings(chain_id)
    try:
        with Bar() as bar:
            done = asyncio.run(indexer_run.reindex(settings, trust_below=trust_below, progress=bar.show))
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    click.echo(json.dumps(asdict(done)))


@indexer.command()
@click.option("--to", required=True, type=click.IntRange(min=-1), help="The newest block to keep.")
@chain_option
def rewind(to: int, chain_id: int | None) -> None:
    """Make the tables anew from the raw logs up to a block; later ones are read again.

    Mends tables that are wrong while the node is right, also under a running indexer.
    """
    _done(indexer_run.rewind(_settings(chain_id), to=to))
    click.echo(f"the tables are those of block {to}; the indexer goes on from there")


@indexer.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(*, as_json: bool) -> None:
    """Where each chain stands."""
    settings = settings_of(None)
    try:
        found = indexer_status.statuses(settings.database_url.get_secret_value(), *settings.chain_ids)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        click.echo(json.dumps(found, indent=2, default=str))
        return
    head = ("chain", "state", "head", "indexed", "final", "lag", "undo to", "vanished", "undecodable", "room")
    click.echo(table([head, *map(_line, found)]))
    foreign = [(chain["chain_id"], item) for chain in found for item in chain.get("foreign", ())]
    if foreign:
        click.echo("\n" + table([_FOREIGN, *(_foreign_line(*item) for item in foreign)]))
    for chain in found:
        if chain.get("reason"):
            click.echo(f"{chain['chain_id']}: {chain['reason']}")


@indexer.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@chain_option
def incidents(*, as_json: bool, chain_id: int | None) -> None:
    """Final events that the chain lost, newest first."""
    settings = settings_of(chain_id)
    try:
        found = indexer_status.incidents(settings.database_url.get_secret_value(), settings.chain_id)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        click.echo(json.dumps(found, indent=2, default=str))
        return
    head = ("noticed", "state", "times", "event", "stream", "block", "transaction")
    rows = [
        (
            *(item["noticed_at"], "gone" if item["gone"] else "returned", item["times"]),
            *(item["event"], item["stream"], item["block"], item["tx"]),
        )
        for item in found
    ]
    click.echo(table([head, *rows]))


def table(rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they need to be."""
    texts = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )


def _line(chain: dict[str, Any]) -> Sequence[object]:
    lag = chain.get("lag", {"blocks": None, "seconds": None})
    return (
        chain["chain_id"],
        chain["state"],
        chain.get("head", {}).get("number"),
        chain.get("indexed", {}).get("number"),
        chain.get("finalized"),
        None if lag["blocks"] is None else f"{lag['blocks']} blocks, {lag['seconds']} s",
        chain.get("reorgs_can_reach"),
        chain.get("vanished"),
        chain.get("undecodable"),
        chain.get("partitions", {}).get("blocks_left"),
    )


_FOREIGN = ("chain", "contract", "name", "standard", "state", "blocks read", "from its birth", "undecodable")


def _foreign_line(chain_id: int, item: dict[str, Any]) -> Sequence[object]:
    birth = {True: "yes", False: "no", None: "unknown"}[item["from_birth"]]
    blocks = f"{item['from_block']}-{item['done_block']}"
    return (
        *(chain_id, item["address"], item["name"], item["standard"], item["state"], blocks),
        *(birth, item["undecodable"]),
    )


def _settings(chain_id: int | None) -> Settings:
    settings = settings_of(chain_id)
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    return settings


def _done(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
