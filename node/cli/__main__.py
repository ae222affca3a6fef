"""`asoud`: everything that an operator does. Run by `scripts/asoud`, or `python -m node.cli`.

A command is a row in `COMMANDS`; its module is imported when it is called, so that no command pays for
another's imports.
"""

import importlib
import json
import os

import click
from typing_extensions import override

from node.cli.supervise.plan import data_dir_of, env_file_of

# name -> module:function
COMMANDS = {
    "up": "node.cli.up:up",
    "status": "node.cli.lifecycle:status",
    "logs": "node.cli.lifecycle:logs",
    "down": "node.cli.lifecycle:down",
    "migrate": "node.cli.migrate:migrate",
    "deploy": "node.cli.deploy:deploy",
    "indexer": "node.cli.indexer:indexer",
    "events": "node.cli.events:events",
    "tasks": "node.cli.tasks:tasks",
    "user": "node.cli.people:user",
    "role": "node.cli.people:role",
    "key": "node.cli.people:key",
    "admin": "node.cli.admin:admin",
    "verify": "node.cli.verify:verify",
    "ledger": "node.cli.ledger:ledger",
    "wallet": "node.cli.wallet:wallet",
    "payments": "node.cli.payments:payments",
    "withdrawal": "node.cli.chain_money:withdrawal",
    "deposit": "node.cli.chain_money:deposit",
    "treasury": "node.cli.chain_money:treasury",
    "incident": "node.cli.chain_money:incident",
    "payout": "node.cli.payout:payout",
    "reconcile": "node.cli.chain_money:reconcile",
}

# These decide what runs, so they look at the user's own environment alone.
LIFECYCLE = {"up", "status", "logs", "down"}


class LazyGroup(click.Group):
    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command


@click.group(cls=LazyGroup)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Run an ASOUD node and look after it."""
    if ctx.invoked_subcommand not in LIFECYCLE:
        reach_running_node()


def reach_running_node() -> None:
    """Take the settings of the node in this folder, except those that the user sets."""
    try:
        kept = json.loads(env_file_of(data_dir_of(os.environ)).read_text())
    except FileNotFoundError:
        return
    for name, value in kept.items():
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    main(prog_name="asoud")
