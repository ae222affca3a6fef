"""`asoud payout`: what an operator decides, takes to the bank, and what became of it."""

import uuid

import click

from node.cli.indexer import table
from node.cli.people import at_node
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.services.identity.audit import Act


@click.group()
def payout() -> None:
    """Payouts of markets."""


@payout.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
def list_waiting(limit: int) -> None:
    """List payouts to addresses that wait for a decision, the oldest first."""
    with at_node() as (services, tx, _by):
        rows = [
            (row.id, row.market_id, row.amount, row.asset, row.address, row.asked_at.isoformat())
            for row in services.payouts.addresses.waiting(tx, limit=limit)
        ]
    click.echo(table([("payout", "market", "amount", "asset", "to", "asked"), *rows]))


@payout.command()
@click.argument("payout_id", metavar="PAYOUT", type=click.UUID)
def approve(payout_id: uuid.UUID) -> None:
    """Have a payout sent to its address."""
    with at_node() as (services, tx, by):
        services.payouts.addresses.approve(tx, payout_id, by=by)
        services.roles.note(tx, Act.PAYOUT_APPROVED, f"payout:{payout_id}", by=by)
    click.echo("approved")


@payout.command()
@click.argument("payout_id", metavar="PAYOUT", type=click.UUID)
@click.option("--reason", required=True, help="The market sees it.")
def reject(payout_id: uuid.UUID, reason: str) -> None:
    """Give the money of a payout to an address back to its market."""
    with at_node() as (services, tx, by):
        services.payouts.addresses.reject(tx, payout_id, by=by, reason=reason)
        services.roles.note(tx, Act.PAYOUT_REJECTED, f"payout:{payout_id}", by=by)
    click.echo("rejected")


@payout.command("file")
@click.argument("currency", type=click.Choice(sorted(EXPONENTS)), metavar="CURRENCY")
def make_file(currency: str) -> None:
    """Make a file of what waits in CURRENCY; prints its id. `asoud payout show ID` writes it."""
    with at_node() as (services, tx, by):
        made = services.payouts.make_file(tx, fiat_asset(currency).id, by=by)
    click.echo(made)


@payout.command()
@click.argument("file", type=click.UUID)
def show(file: uuid.UUID) -> None:
    """Write a file as CSV, the same each time."""
    with at_node() as (services, tx, _):
        click.echo(services.payouts.read_file(tx, file), nl=False)


@payout.command()
@click.argument("payouts", type=click.UUID, nargs=-1, required=True)
def paid(payouts: tuple[uuid.UUID, ...]) -> None:
    """The bank has paid these: all or none of them is marked."""
    with at_node() as (services, tx, _):
        for one in payouts:
            services.payouts.settle(tx, one)
    click.echo(f"{len(payouts)} paid")


@payout.command()
@click.argument("payout", type=click.UUID)
@click.option("--reason", required=True)
def failed(payout: uuid.UUID, reason: str) -> None:
    """The bank did not pay this, or sent it back: the market gets the money again."""
    with at_node() as (services, tx, _):
        services.payouts.fail(tx, payout, reason)
    click.echo("the market has the money again")


@payout.command()
@click.argument("market", type=click.UUID)
@click.option("--bps", type=click.IntRange(0, 10_000), help="Of what comes in, in ten-thousandths.")
@click.option("--days", type=click.IntRange(0, 366), help="For how long.")
def reserve(market: uuid.UUID, bps: int | None, days: int | None) -> None:
    """What one market keeps for refunds; what is left out is as the node has it."""
    with at_node() as (services, tx, _):
        services.payouts.set_reserve(tx, market, bps=bps, days=days)
    click.echo("set")
