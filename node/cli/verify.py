"""`asoud verify`: does Postgres say what the contracts say?"""

import asyncio
import sys

import click

from indexer import verify as chain_verify
from indexer.run import config_of, reader_of
from node.cli.options import chain_option, settings_of
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from node.services.listing.queries import CLAIMS
from node.services.order.verify import differences as order_differences


@click.command()
@chain_option
def verify(*, chain_id: int | None) -> None:
    """Compare owners, listings, escrows, votes and orders with the contracts; exit 1 on a difference."""
    settings = settings_of(chain_id)
    try:
        found = asyncio.run(_against_contracts(settings))
        if chain_id in (None, Settings().chain_id):  # orders are paid on the node's own chain
            found += _orders(settings)
    except AsoudError as error:
        raise click.ClickException(error.message) from error
    for line in found:
        click.echo(line)
    click.echo(f"verify: {len(found)} differences")
    sys.exit(1 if found else 0)


async def _against_contracts(settings: Settings) -> list[str]:
    async with reader_of(config_of(settings)) as rpc:
        return [
            f"{item.kind}  {item.id}  database: {item.database}  chain: {item.chain}"
            async for item in chain_verify.verify(
                database_url=settings.database_url.get_secret_value(),
                rpc=rpc,
                chain_id=settings.chain_id,
                listings=chain_verify.Listings(CLAIMS),
            )
        ]


def _orders(settings: Settings) -> list[str]:
    database = Database(settings.database_url.get_secret_value(), pool_size=1, application_name="asoud-cli")
    try:
        with database.transaction() as tx:
            return [
                f"order.{item.field}  {item.order_id}  order: {item.order}  chain: {item.chain}"
                for item in order_differences(tx)
            ]
    finally:
        database.dispose()
