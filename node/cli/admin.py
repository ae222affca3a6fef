"""`asoud admin`: the operators' surface, on this machine alone."""

import os
import sys

import click

LOOPBACK = "127.0.0.1"


@click.command()
@click.option("--port", default=8010, show_default=True, type=click.IntRange(1, 65535))
def admin(port: int) -> None:
    """Serve tables and acts for operators until Ctrl-C. Reach it from elsewhere through ssh -L."""
    click.echo(f"http://{LOOPBACK}:{port}/admin")
    command = ["granian", "--interface", "asgi", "--host", LOOPBACK, "--port", str(port), "node.admin:app"]
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606 - our own interpreter
