"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.cli.supervise.plan import data_dir_of
from node.kernel.errors import NotFound
from node.kernel.settings import Settings


def data_dir_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--data-dir`, the same for every command that looks at a node."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        default=lambda: data_dir_of(os.environ),
        show_default=".asoud in the project",
        help="Folder of the node's data. [env var: ASOUD_DATA_DIR]",
    )(function)


def chain_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--chain`, for every command that works on one chain; `settings_of` takes it."""
    return click.option(
        "--chain",
        "chain_id",
        type=click.IntRange(min=1),
        help="Id of a chain of ASOUD_CHAINS; else the node's own.",
    )(function)


def settings_of(chain_id: int | None) -> Settings:
    """The node's settings, with that chain in the place of its own."""
    settings = Settings()
    try:
        return settings if chain_id is None else settings.for_chain(chain_id)
    except NotFound as error:
        raise click.ClickException(f"{error.message}: {chain_id}") from error
