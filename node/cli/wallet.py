"""`asoud wallet`: what an operator does with the money that accounts have on the node."""

import uuid
from collections.abc import Callable
from typing import TypeVar

import click

from node.kernel.clock import SystemClock
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import AsoudError
from node.kernel.money import Amount, Asset, native_asset
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.services.balance.service import BalanceService
from wallet.ledger.commands import Ledger
from wallet.owners import owner_of_account

Result = TypeVar("Result")


@click.group()
def wallet() -> None:
    """Money of accounts on this node."""


@wallet.command("top-up")
@click.argument("account", type=click.UUID)
@click.argument("currency")
@click.argument("amount", type=click.IntRange(min=1))
def top_up(account: uuid.UUID, currency: str, amount: int) -> None:
    """Give play money: AMOUNT in the smallest unit of CURRENCY. On a development chain only."""
    settings = Settings()
    money = Amount(_asset(settings, currency), amount)
    _do(settings, lambda tx, service: service.top_up(tx, owner_of_account(account), money))
    click.echo(f"{amount} of {money.asset.id} to {account}")


@wallet.command()
@click.argument("account", type=click.UUID)
def freeze(account: uuid.UUID) -> None:
    """Let nothing leave the account's balances; money may still come."""
    count = _do(Settings(), lambda tx, service: service.freeze(tx, owner_of_account(account)))
    click.echo(f"{count} balances frozen")


@wallet.command()
@click.argument("account", type=click.UUID)
def unfreeze(account: uuid.UUID) -> None:
    """Undo `freeze`."""
    count = _do(Settings(), lambda tx, service: service.unfreeze(tx, owner_of_account(account)))
    click.echo(f"{count} balances open")


def _asset(settings: Settings, currency: str) -> Asset:
    if currency == settings.native_code:
        return native_asset(settings.chain_id, code=currency)
    if currency not in EXPONENTS:
        raise click.BadParameter("neither a currency of ISO 4217 nor the chain's coin", param_hint="CURRENCY")
    return fiat_asset(currency)


def _do(settings: Settings, act: Callable[[Tx, BalanceService], Result]) -> Result:
    service = BalanceService(Ledger(SystemClock()), money_is_play=settings.chain_id == DEV_CHAIN_ID)
    database = Database(settings.database_url.get_secret_value(), pool_size=1, application_name="asoud-cli")
    try:
        with database.transaction() as tx:
            return act(tx, service)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    finally:
        database.dispose()
