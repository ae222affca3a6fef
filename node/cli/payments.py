"""`asoud payments`: what an operator does about payments that the node can't judge."""

import getpass
import uuid

import click

from node.bootstrap.build import build_services
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from node.services.payment.states import State

ENDS = {"paid": State.AUTHORISED, "failed": State.FAILED, "cancelled": State.CANCELLED}


@click.group()
def payments() -> None:
    """Payments that wait for an operator."""


@payments.command()
@click.argument("payment", type=click.UUID)
@click.option("--as", "as_", type=click.Choice(sorted(ENDS)), required=True, help="What became of it.")
@click.option("--reason", required=True, help="What was found out; it is kept with the incident.")
def decide(payment: uuid.UUID, as_: str, reason: str) -> None:
    """Say what became of a parked payment (`asoud incident list`); paid is exactly what was asked for."""
    services = build_services(Settings(), application_name="asoud-cli")
    try:
        with services.database.transaction() as tx:
            services.payment.decide(tx, payment, to=ENDS[as_], reason=reason, by=f"cli:{getpass.getuser()}")
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    finally:
        services.database.dispose()
    click.echo(f"{payment} is {ENDS[as_]}")
