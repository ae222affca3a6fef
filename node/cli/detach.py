"""`up --detach` returns when the node is ready.

The supervisor runs on by itself, and the terminal shows its words until the node is ready.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

_CHILD = "ASOUD_DETACHED"


def start_detached() -> None:
    """Start the same command again in a session of its own, and leave when it lets go of our pipe."""
    arguments = [a for a in sys.argv[1:] if a != "--detach"]
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, _CHILD: "1"},
        text=True,
    )
    try:
        code = _relay(process)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        code = process.wait()
    if code is not None:
        sys.exit(code or 1)
    # it is to outlive us: not ours to wait for
    process.returncode = 0


def _relay(process: "subprocess.Popen[str]") -> int | None:
    """The exit code of a supervisor that gave up, or None for one that is ready."""
    if process.stdout is None:
        raise AssertionError
    ready = False
    for line in process.stdout:
        click.echo(line, nl=False)
        ready = ready or line.startswith("the node is ready")
    return None if ready and process.poll() is None else process.wait()


def let_go(log: Path) -> None:
    """In the detached supervisor: close the starter's pipe, which is how it learns that the node is ready.

    What nobody expected to go wrong ends in the log, as there is no terminal any more.
    """
    if os.environ.pop(_CHILD, None) is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nowhere, 1)
    os.dup2(written, 2)
    os.close(nowhere)
    os.close(written)
