"""`asoud indexer add | remove | declare`: contracts that are not ours and are read all the same."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy.engine import make_url

from indexer.asking import Asking
from indexer.declared import read_declarations
from indexer.run import config_of, reader_of
from indexer.store import Store
from node.bootstrap.declare import make_tables
from node.chain.tokens import Standard
from node.cli.options import chain_option, settings_of
from node.kernel.clock import SystemClock
from node.kernel.errors import AsoudError
from node.kernel.hexes import parse_address
from node.kernel.settings import Settings

T = TypeVar("T")


@click.command()
@click.argument("address")
@click.option("--standard", required=True, type=click.Choice([item.value for item in Standard]))
@click.option("--from-block", type=click.IntRange(min=0), help="The first to read; that of its creation.")
@chain_option
def add(address: str, standard: str, from_block: int | None, chain_id: int | None) -> None:
    """Read a token of somebody else: its past first, beside what is live."""

    async def work(asking: Asking) -> None:
        found = await asking.add_token(
            parse_address(address), Standard(standard), from_block=from_block, now=SystemClock().now()
        )
        click.echo(f"{found.name or 'a nameless contract'} is read: `asoud indexer status` shows how far")

    _ask(work, settings_of(chain_id))


@click.command()
@click.argument("address")
@chain_option
def remove(address: str, chain_id: int | None) -> None:
    """Read a contract no longer, and forget all that it said."""
    _ask(lambda asking: asking.remove(parse_address(address)), settings_of(chain_id))
    click.echo("its rows go as soon as the indexer looks, now or when it next runs")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@chain_option
def declare(file: Path, chain_id: int | None) -> None:
    """Read events of any ABI into tables of their own, as FILE says."""
    settings = settings_of(chain_id)
    role = make_url(settings.database_url.get_secret_value()).username
    owner = settings.database_owner_url or settings.database_url

    async def work(asking: Asking) -> None:
        for item in found:
            await asking.add_declared(item, now=SystemClock().now())

    try:
        found = read_declarations(file)
        tables = make_tables(owner.get_secret_value(), found, app_role=role or "")
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    _ask(work, settings)
    for table in tables:
        click.echo(table)


def _ask(work: Callable[[Asking], Awaitable[T]], settings: Settings) -> T:
    async def ask() -> T:
        async with (
            Store.connect(settings.database_url.get_secret_value(), settings.chain_id) as store,
            reader_of(config_of(settings)) as rpc,
        ):
            return await work(Asking(store, rpc, start_block=settings.start_block))

    try:
        return asyncio.run(ask())
    except AsoudError as error:
        raise click.ClickException(error.message) from error
