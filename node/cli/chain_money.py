"""`asoud withdrawal | deposit | treasury | incident | reconcile`: what an operator does with chain money.

Each act is in the audit log, with the user of this machine as its origin.
"""

import json
import uuid

import click

from node.cli.indexer import table
from node.cli.people import at_node, at_services
from node.services.identity.audit import Act
from wallet.incident.models import IncidentRow

LISTED = click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
REASON = click.option("--reason", required=True, help="For whoever asks later.")


@click.group()
def withdrawal() -> None:
    """Withdrawals by the chain that wait for a decision."""


@withdrawal.command("list")
@LISTED
def list_waiting(limit: int) -> None:
    """List those that wait, the oldest first."""
    with at_node() as (services, tx, _by):
        rows = [
            (row.id, row.account_id, row.amount, row.asset, row.to, row.requested_at.isoformat())
            for row in services.withdrawals.waiting(tx, limit=limit)
        ]
    click.echo(table([("withdrawal", "account", "amount", "asset", "to", "requested"), *rows]))


@withdrawal.command()
@click.argument("withdrawal_id", type=click.UUID)
def approve(withdrawal_id: uuid.UUID) -> None:
    """Have it sent."""
    with at_node() as (services, tx, by):
        services.withdrawals.approve(tx, withdrawal_id, by=by)
        services.roles.note(tx, Act.WITHDRAWAL_APPROVED, f"withdrawal:{withdrawal_id}", by=by)
    click.echo("approved")


@withdrawal.command()
@click.argument("withdrawal_id", type=click.UUID)
@REASON
def reject(withdrawal_id: uuid.UUID, reason: str) -> None:
    """Give the money back to its balance. The account sees the reason."""
    with at_node() as (services, tx, by):
        services.withdrawals.reject(tx, withdrawal_id, by=by, reason=reason)
        services.roles.note(tx, Act.WITHDRAWAL_REJECTED, f"withdrawal:{withdrawal_id}", by=by)
    click.echo("rejected")


@click.group()
def deposit() -> None:
    """Deposits that the chain lost after they were final."""


@deposit.command()
@click.argument("deposit_id", type=click.UUID)
@REASON
@click.option("--claw-back/--forgive", required=True, help="Take what was frozen, or let the node bear it.")
def settle(deposit_id: uuid.UUID, reason: str, *, claw_back: bool) -> None:
    """Decide on one that does not come back."""
    with at_node() as (services, tx, by):
        services.deposits.settle_loss(tx, deposit_id, claw_back=claw_back)
        services.roles.note(tx, Act.DEPOSIT_LOSS_SETTLED, f"deposit:{deposit_id} {reason}"[:200], by=by)
    click.echo("clawed back" if claw_back else "forgiven")


@click.group()
def treasury() -> None:
    """What the node holds and sends on its chain."""


@treasury.command()
@click.argument("outgoing_id", metavar="TRANSACTION", type=click.UUID)
@REASON
def give_up(outgoing_id: uuid.UUID, reason: str) -> None:
    """Give up one whose nonce was used up elsewhere, for good. A withdrawal's money goes back."""
    with at_services() as services:
        services.outbox.give_up(services.database.transaction, outgoing_id, reason=reason)
    click.echo("given up")


@treasury.command()
def show() -> None:
    """Show the node's address, and what is on its way."""
    with at_node() as (services, tx, _by):
        click.echo(f"address {services.outbox.address}")
        waiting = services.outbox.waiting(tx)
    head = ("transaction", "for", "state", "nonce", "since", "why")
    rows = [
        (row.id, row.subject, row.state, row.nonce, row.queued_at.isoformat(), row.reason) for row in waiting
    ]
    click.echo(table([head, *rows]))


@click.group()
def incident() -> None:
    """What does not fit together about money. Final events that vanished: `asoud indexer incidents`."""


@incident.command("list")
@click.option("--all", "is_all", is_flag=True, help="Resolved ones as well.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@LISTED
def list_incidents(limit: int, *, is_all: bool, as_json: bool) -> None:
    """List open incidents, the newest first."""
    with at_node() as (services, tx, _by):
        found = services.incidents.listed(tx, is_open=not is_all, limit=limit)
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in found], indent=2))
        return
    head = ("incident", "kind", "raised", "resolved", "what")
    rows = [
        (
            *(row.id, row.kind, row.raised_at.isoformat()),
            row.reason if row.resolved_at else "-",
            " ".join(f"{name}={value}" for name, value in sorted(row.details.items())),
        )
        for row in found
    ]
    click.echo(table([head, *rows]))


@incident.command()
@click.argument("incident_id", type=click.UUID)
@REASON
def resolve(incident_id: uuid.UUID, reason: str) -> None:
    """Say what it was. What is still wrong is found again by the next reconciliation."""
    with at_node() as (services, tx, by):
        services.incidents.resolve(tx, incident_id, by=by, reason=reason)
        services.roles.note(tx, Act.INCIDENT_RESOLVED, f"incident:{incident_id}", by=by)
    click.echo("resolved")


@click.command()
def reconcile() -> None:
    """Hold the books against each other, now. Fails when they differ, or when one can't be asked."""
    with at_services() as services:
        results = services.reconciliation.reconcile(services.database.transaction)
    differences = 0
    for result in results:
        if result.comparison is None:
            click.echo(f"{result.source}: {result.trouble}")
            continue
        differences += len(result.comparison.differences)
        for line in result.comparison.lines:
            click.echo(f"{result.source}: {line}")
        for found in result.comparison.differences:
            click.echo(f"{result.source}: {found.key} is {found.found}, expected {found.expected}")
    click.echo(f"{differences} differences")
    if differences or any(result.comparison is None for result in results):
        raise click.exceptions.Exit(1)


def _as_json(row: IncidentRow) -> dict[str, object]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "details": row.details,
        "raised_at": row.raised_at.isoformat(),
        "resolved_at": row.resolved_at and row.resolved_at.isoformat(),
        "resolved_by": row.resolved_by,
        "reason": row.reason,
    }
