"""`asoud ledger`: does the ledger hold what it promises?"""

import sys

import click

from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from wallet.ledger.flows import drawn
from wallet.ledger.flows import flows as flows_of
from wallet.ledger.sealing import seal as seal_transfers
from wallet.ledger.verify import verify as verify_ledger


@click.group()
def ledger() -> None:
    """The books of the node."""


def _database() -> Database:
    return Database(Settings().database_url.get_secret_value(), pool_size=1, application_name="asoud-cli")


@ledger.command()
@click.option("--head", help="A hash that an earlier run printed: it has to be in the chain still.")
def verify(head: str | None) -> None:
    """Walk the hash chain and add everything up again; exit 1 on a difference."""
    database = _database()
    try:
        with database.transaction() as tx:
            report = verify_ledger(tx, head=head)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    finally:
        database.dispose()
    for item in report.differences:
        click.echo(f"{item.promise}: {item.what} has {item.found}, expected {item.expected}")
    newest = report.head.hex() if report.head else "none"
    click.echo(
        f"ledger: {report.transfers} transfers in {report.blocks} blocks, {report.unsealed} not sealed yet,"
        f" {len(report.differences)} differences, head {newest}"
    )
    sys.exit(1 if report.differences else 0)


@ledger.command()
def seal() -> None:
    """Link what is committed into the chain now; the schedule does it every few seconds."""
    database = _database()
    try:
        count = seal_transfers(database.transaction)
    finally:
        database.dispose()
    click.echo(f"{count} transfers sealed")


@ledger.command()
@click.option("--draw", is_flag=True, help="As Mermaid diagrams, without the counts.")
def flows(*, draw: bool) -> None:
    """Tell between which accounts each kind of transfer has moved money, and how often."""
    database = _database()
    try:
        with database.transaction() as tx:
            found = flows_of(tx)
    finally:
        database.dispose()
    if draw:
        click.echo(drawn(found))
        return
    for flow in found:
        click.echo(f"{flow.kind:24} {flow.source:24} -> {flow.destination:24} {flow.postings:>9}")
