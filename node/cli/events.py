"""`asoud events`: see what consumers could not handle, and have it handled again."""

import click

from node.kernel.db.unit_of_work import Database
from node.kernel.settings import Settings
from node.kernel.spine.parked import list_parked, request_replay


@click.group()
def events() -> None:
    """Events that a consumer parked."""


def _database() -> Database:
    return Database(Settings().database_url.get_secret_value(), pool_size=1, application_name="asoud-cli")


@events.command()
@click.option("--consumer", help="Only this consumer's.")
def parked(consumer: str | None) -> None:
    """List parked events, and the later ones of their streams that wait for them."""
    with _database().transaction() as tx:
        rows = list_parked(tx, consumer=consumer)
    for row in rows:
        mark = "replays" if row.replay else f"tried {row.attempts}x"
        click.echo(f"{row.consumer}  {row.position}  {row.stream}  {row.type_name}  {mark}  {row.error}")
    click.echo(f"{len(rows)} parked")


@events.command()
@click.option("--consumer", help="Only this consumer's.")
@click.option("--stream", help="Only this stream's, as `asoud events parked` prints it.")
@click.option("--all", "everything", is_flag=True, help="All that is parked.")
def replay(consumer: str | None, stream: str | None, *, everything: bool) -> None:
    """Hand parked events to their consumer again, in order."""
    if not (consumer or stream or everything):
        raise click.UsageError("say --consumer, --stream or --all")
    with _database().transaction() as tx:
        count = request_replay(tx, consumer=consumer, stream=stream)
    click.echo(f"{count} will be handled again")
