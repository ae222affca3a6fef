"""`asoud deploy`: the contracts, put on the chain by their plan."""

import click

from node.bootstrap.deploy import deploy as deploy_suite
from node.cli.options import chain_option, settings_of
from node.kernel.errors import AsoudError


@click.command()
@chain_option
def deploy(*, chain_id: int | None) -> None:
    """Deploy what is missing. Run again at any time: what stands with the right code is left alone."""
    try:
        deployment = deploy_suite(settings_of(chain_id), echo=click.echo)
    except AsoudError as e:
        raise click.ClickException(e.message) from e
    click.echo(f"the contracts stand on chain {deployment.chain_id}")
