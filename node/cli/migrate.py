"""`asoud migrate`: the database's schema, brought to what the code expects."""

import click
from sqlalchemy.engine import make_url

from node.bootstrap.migrate import upgrade
from node.kernel.settings import Settings


@click.command()
def migrate() -> None:
    """Apply the migrations as the owner, then grant the app's role what it may do."""
    settings = Settings()
    app_url = settings.database_url.get_secret_value()
    owner_url = settings.database_owner_url.get_secret_value() if settings.database_owner_url else app_url
    role = make_url(app_url).username
    if role is None:
        raise click.ClickException("ASOUD_DATABASE_URL names no user")
    upgrade(owner_url, app_role=role)
    click.echo("the database is up to date")
