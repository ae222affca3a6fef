"""`asoud payout`: what an operator takes to the bank, and what became of it."""

import getpass
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import click

from node.bootstrap.build import build_services
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from node.services.container import Services


@contextmanager
def _node() -> Iterator[tuple[Services, Tx, str]]:
    services = build_services(Settings(), application_name="asoud-cli")
    try:
        with services.database.transaction() as tx:
            yield services, tx, f"cli:{getpass.getuser()}"
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    finally:
        services.chain.close()
        services.database.dispose()


@click.group()
def payout() -> None:
    """Payouts of markets."""


@payout.command("file")
@click.argument("currency", type=click.Choice(sorted(EXPONENTS)), metavar="CURRENCY")
def make_file(currency: str) -> None:
    """Make a file of what waits in CURRENCY; prints its id. `asoud payout show ID` writes it."""
    with _node() as (services, tx, by):
        made = services.payouts.make_file(tx, fiat_asset(currency).id, by=by)
    click.echo(made)


@payout.command()
@click.argument("file", type=click.UUID)
def show(file: uuid.UUID) -> None:
    """Write a file as CSV, the same each time."""
    with _node() as (services, tx, _):
        click.echo(services.payouts.read_file(tx, file), nl=False)


@payout.command()
@click.argument("payouts", type=click.UUID, nargs=-1, required=True)
def paid(payouts: tuple[uuid.UUID, ...]) -> None:
    """The bank has paid these: all or none of them is marked."""
    with _node() as (services, tx, _):
        for one in payouts:
            services.payouts.settle(tx, one)
    click.echo(f"{len(payouts)} paid")


@payout.command()
@click.argument("payout", type=click.UUID)
@click.option("--reason", required=True)
def failed(payout: uuid.UUID, reason: str) -> None:
    """The bank did not pay this, or sent it back: the market gets the money again."""
    with _node() as (services, tx, _):
        services.payouts.fail(tx, payout, reason)
    click.echo("the market has the money again")


@payout.command()
@click.argument("market", type=click.UUID)
@click.option("--bps", type=click.IntRange(0, 10_000), help="Of what comes in, in ten-thousandths.")
@click.option("--days", type=click.IntRange(0, 366), help="For how long.")
def reserve(market: uuid.UUID, bps: int | None, days: int | None) -> None:
    """What one market keeps for refunds; what is left out is as the node has it."""
    with _node() as (services, tx, _):
        services.payouts.set_reserve(tx, market, bps=bps, days=days)
    click.echo("set")
