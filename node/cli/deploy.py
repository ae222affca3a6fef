"""`asoud deploy`: the contracts, put on the chain by their plan."""

import click

from node.bootstrap.deploy import deploy as deploy_suite
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings


@click.command()
def deploy() -> None:
    """Deploy what is missing. Run again at any time: what stands with the right code is left alone."""
    try:
        deployment = deploy_suite(Settings(), echo=click.echo)
    except AsoudError as e:
        raise click.ClickException(e.message) from e
    click.echo(f"the contracts stand on chain {deployment.chain_id}")
