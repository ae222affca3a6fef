"""`asoud payments`: what an operator does about payments that nobody else can judge, and collected tax."""

import csv
import datetime as dt
import getpass
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import click

from node.bootstrap.build import build_services
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import AsoudError
from node.kernel.money import Amount
from node.kernel.settings import Settings
from node.services.charge.models import Receiver
from node.services.charge.remitting import Period
from node.services.container import Services
from node.services.payment.states import State

ENDS = {"paid": State.AUTHORISED, "failed": State.FAILED, "cancelled": State.CANCELLED}
HEAD = ("market", "country", "name", "bps", "asset", "remitter", "collected", "refunded")
FORMULA = ("=", "+", "-", "@")  # how cells begin that a spreadsheet would work out
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def payments() -> None:
    """Payments that wait for an operator, and the tax that was collected."""


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


@payments.command()
@click.argument("payment", type=click.UUID)
@click.option("--as", "as_", type=click.Choice(sorted(ENDS)), required=True, help="What became of it.")
@click.option("--reason", required=True, help="What was found out; it is kept with the incident.")
def decide(payment: uuid.UUID, as_: str, reason: str) -> None:
    """Say what became of a parked payment (`asoud incident list`); paid is exactly what was asked for."""
    with _node() as (services, tx, by):
        services.payment.decide(tx, payment, to=ENDS[as_], reason=reason, by=by)
    click.echo(f"{payment} is {ENDS[as_]}")


@payments.command()
@click.option("--market", type=click.UUID, help="Of one market; all without it.")
@click.option("--since", type=DAY, help="From that day on (UTC).")
@click.option("--until", type=DAY, help="Before that day (UTC).")
def tax(market: uuid.UUID | None, since: dt.datetime | None, until: dt.datetime | None) -> None:
    """Print the tax that orders paid and got back, by market, country, rate and asset, as CSV.

    What the node still has of each market's tax follows on stderr: `remit-tax` pays it out.
    """
    period = Period(since=_utc(since), until=_utc(until))
    with _node() as (services, tx, _):
        rows = services.tax.rows(tx, period, market_id=market)
        held = services.tax.held(tx, market_id=market)
    writer = csv.writer(sys.stdout)
    writer.writerow(HEAD)
    for row in rows:
        amounts = (row.bps, row.asset_id, row.remitter, row.collected, row.refunded)
        name = f"'{row.tax_name}" if row.tax_name.startswith(FORMULA) else row.tax_name
        writer.writerow((row.market_id, row.country, name, *amounts))
    for (market_id, asset_id), value in sorted(held.items(), key=str):
        if value:
            click.echo(f"the node has {value} of {asset_id} of market {market_id}", err=True)


@payments.command("remit-tax")
@click.argument("market", type=click.UUID)
@click.argument("asset")
@click.argument("amount", type=click.IntRange(min=1))
@click.option(
    "--to",
    type=click.Choice([receiver.value for receiver in Receiver]),
    required=True,
    help="The market's wallet, or the authority by the node's bank.",
)
@click.option("--reason", required=True, help="Period and reference; it is kept.")
def remit_tax(market: uuid.UUID, asset: str, amount: int, to: str, reason: str) -> None:
    """Pay AMOUNT of collected tax of MARKET out; ASSET is a code of ISO 4217 or a CAIP-19 id."""
    asset_id = fiat_asset(asset).id if asset in EXPONENTS else asset
    with _node() as (services, tx, by):
        money = Amount(services.ledger.asset(tx, asset_id), amount)
        services.tax.remit(tx, market, money, to=Receiver(to), reason=reason, by=by)
    click.echo(f"{amount} of {asset_id} to the {to}")


def _utc(day: dt.datetime | None) -> dt.datetime | None:
    return None if day is None else day.replace(tzinfo=dt.UTC)
