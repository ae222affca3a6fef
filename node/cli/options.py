"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.cli.supervise.plan import data_dir_of


def data_dir_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--data-dir`, the same for every command that looks at a node."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        default=lambda: data_dir_of(os.environ),
        show_default=".asoud in the project",
        help="Folder of the node's data. [env var: ASOUD_DATA_DIR]",
    )(function)
