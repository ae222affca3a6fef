"""`asoud user | role | key`: who may do what, from the node's own machine. The first admin is made here.

Each act is in the audit log, with the user of this machine as its origin.
"""

import getpass
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import click

from node.bootstrap.build import build_services
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from node.services.container import Services
from node.services.identity.api_keys import KeyWish
from node.services.identity.models import PlatformRole
from node.services.identity.overview import list_accounts, list_keys, list_roles, show_account
from node.services.identity.scopes import Scope

ACCOUNT = click.argument("account", metavar="ACCOUNT")
ROLE = click.argument("role", type=click.Choice([role.value for role in PlatformRole]))


@contextmanager
def at_node() -> Iterator[tuple[Services, Tx, str]]:
    """The services, a transaction, and who is at the keyboard. Refusals are told in words."""
    with at_services() as services, services.database.transaction() as tx:
        yield services, tx, f"cli:{getpass.getuser()}"


@contextmanager
def at_services() -> Iterator[Services]:
    """As `at_node`, for what opens transactions of its own."""
    services = build_services(Settings(), application_name="asoud-cli")
    try:
        yield services
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    finally:
        services.chain.close()
        services.database.dispose()


@click.group()
def user() -> None:
    """Accounts. ACCOUNT is an id, a wallet (0x…) or a phone (+…)."""


@user.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
def list_users(limit: int) -> None:
    """List accounts, the newest first."""
    with at_node() as (_, tx, _by):
        for line in list_accounts(tx, limit=limit):
            click.echo(line)


@user.command()
@ACCOUNT
def show(account: str) -> None:
    """Show an account: its identities, roles, devices and keys."""
    with at_node() as (services, tx, _by):
        for line in show_account(tx, services.roles.find(tx, account)):
            click.echo(line)


@user.command()
@ACCOUNT
def freeze(account: str) -> None:
    """Shut an account out, at once, and sign it out everywhere."""
    with at_node() as (services, tx, by):
        done = services.roles.freeze(tx, services.roles.find(tx, account), by=by)
    click.echo("frozen" if done else "was frozen already")


@user.command()
@ACCOUNT
def unfreeze(account: str) -> None:
    """Let an account sign in again."""
    with at_node() as (services, tx, by):
        done = services.roles.unfreeze(tx, services.roles.find(tx, account), by=by)
    click.echo("unfrozen" if done else "was not frozen")


@click.group()
def role() -> None:
    """Roles for the whole node. ACCOUNT is an id, a wallet (0x…) or a phone (+…)."""


@role.command("list")
def list_granted() -> None:
    """List who has a role."""
    with at_node() as (_, tx, _by):
        for line in list_roles(tx):
            click.echo(line)


@role.command()
@ACCOUNT
@ROLE
def grant(account: str, role: str) -> None:
    """Give an account a role. The account has to have signed in once."""
    with at_node() as (services, tx, by):
        done = services.roles.grant(tx, services.roles.find(tx, account), PlatformRole(role), by=by)
    click.echo("granted" if done else "had it already")


@role.command()
@ACCOUNT
@ROLE
def revoke(account: str, role: str) -> None:
    """Take a role away, at once."""
    with at_node() as (services, tx, by):
        done = services.roles.revoke(tx, services.roles.find(tx, account), PlatformRole(role), by=by)
    click.echo("revoked" if done else "did not have it")


@click.group()
def key() -> None:
    """API keys. ACCOUNT is an id, a wallet (0x…) or a phone (+…)."""


@key.command("list")
@ACCOUNT
def list_account_keys(account: str) -> None:
    """List an account's keys, also those of its markets."""
    with at_node() as (services, tx, _by):
        for line in list_keys(tx, services.roles.find(tx, account)):
            click.echo(line)


@key.command()
@ACCOUNT
@click.option("--name", required=True)
@click.option("--scope", "scopes", multiple=True, required=True, help=f"Again and again: {', '.join(Scope)}.")
@click.option("--market", type=click.UUID, help="Only this market of the account.")
@click.option("--per-minute", type=click.IntRange(1), help="Requests; the node's most when left out.")
def create(
    account: str, name: str, scopes: tuple[str, ...], market: uuid.UUID | None, per_minute: int | None
) -> None:
    """Make a key and print it. It is not shown again."""
    with at_node() as (services, tx, by):
        account_id = services.roles.find(tx, account)
        if market is not None:
            services.market.require_owner(tx, market, account_id=account_id)
        wish = KeyWish(
            name=name,
            scopes=scopes,
            per_minute=per_minute or services.api_keys.per_minute_max,
            market_id=market,
        )
        _, secret = services.api_keys.make(tx, account_id, wish, origin=by)
    click.echo(secret)


@key.command("revoke")
@ACCOUNT
@click.argument("key_id", type=click.UUID)
def revoke_key(account: str, key_id: uuid.UUID) -> None:
    """Take a key away, at once and for good."""
    with at_node() as (services, tx, by):
        account_id = services.roles.find(tx, account)
        services.api_keys.revoke(tx, key_id, account_id=account_id, origin=by)
    click.echo("revoked")
