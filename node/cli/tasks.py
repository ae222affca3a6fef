"""`asoud tasks`: background work that used up its tries."""

import click

from node.kernel.db.unit_of_work import Database
from node.kernel.settings import Settings
from node.kernel.spine.failed_tasks import list_failed, request_retry


@click.group()
def tasks() -> None:
    """Background tasks that failed for good."""


def _database() -> Database:
    return Database(Settings().database_url.get_secret_value(), pool_size=1, application_name="asoud-cli")


@tasks.command()
def failed() -> None:
    """List the tasks that used up their tries."""
    with _database().transaction() as tx:
        rows = list_failed(tx)
    for row in rows:
        click.echo(f"{row.id}  {row.task}  {row.arguments}  {row.error}")
    click.echo(f"{len(rows)} failed")


@tasks.command()
def retry() -> None:
    """Have the schedule send all of them again, within a minute."""
    with _database().transaction() as tx:
        count = request_retry(tx)
    click.echo(f"{count} will be sent again")
