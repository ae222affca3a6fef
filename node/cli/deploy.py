"""`asoud deploy`: the contracts, put on the chain by their plan."""

import json

import click

from node.bootstrap.deploy import deploy as deploy_suite
from node.bootstrap.verification import verification_of
from node.cli.options import chain_option, settings_of
from node.kernel.errors import AsoudError


@click.command()
@chain_option
@click.option("--explain", is_flag=True, help="Deploy nothing; print what block explorers ask for, as JSON.")
def deploy(*, chain_id: int | None, explain: bool) -> None:
    """Deploy what is missing. Run again at any time: what stands with the right code is left alone."""
    try:
        settings = settings_of(chain_id)
        if explain:
            click.echo(json.dumps(verification_of(settings), indent=1))
            return
        deployment = deploy_suite(settings, echo=click.echo)
    except AsoudError as e:
        raise click.ClickException(e.message) from e
    click.echo(f"the contracts stand on chain {deployment.chain_id}")
