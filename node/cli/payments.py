"""`asoud payments`: what an operator does about payments that the node can't judge."""

import getpass
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import select

from node.bootstrap.build import build_services
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from node.services.container import Services
from node.services.payment.models import Incident, Intent
from node.services.payment.states import State

INCIDENTS_MAX = 100
ENDS = {"paid": State.AUTHORISED, "failed": State.FAILED, "cancelled": State.CANCELLED}


@contextmanager
def _services() -> Iterator[Services]:
    services = build_services(Settings(), application_name="asoud-cli")
    try:
        yield services
    finally:
        services.database.dispose()


@click.group()
def payments() -> None:
    """Payments that wait for an operator."""


@payments.command()
def incidents() -> None:
    """Open incidents, the oldest first: payments that are not what was asked for, or that nobody can tell."""
    statement = (
        select(Incident, Intent)
        .join(Intent, Intent.id == Incident.intent_id)
        .where(Incident.resolved_at.is_(None))
        .order_by(Incident.id)
        .limit(INCIDENTS_MAX)
    )
    with _services() as services, services.database.transaction() as tx:
        for incident, intent in tx.execute(statement):
            click.echo(
                f"{incident.id} {incident.raised_at:%Y-%m-%d %H:%M} {incident.kind}: {incident.detail}"
            )
            click.echo(f"    payment {intent.id} ({intent.state}) of order {intent.order_id}")


@payments.command()
@click.argument("incident", type=click.UUID)
@click.option("--reason", required=True, help="What was found out; it is kept.")
@click.option("--as", "as_", type=click.Choice(sorted(ENDS)), help="What became of a parked payment.")
def resolve(incident: uuid.UUID, reason: str, as_: str | None) -> None:
    """Close an incident. A payment resolved as `paid` counts as exactly what was asked for."""
    try:
        with _services() as services, services.database.transaction() as tx:
            end = None if as_ is None else ENDS[as_]
            services.payment.resolve(tx, incident, reason=reason, by=f"cli:{getpass.getuser()}", as_=end)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    click.echo("resolved")
