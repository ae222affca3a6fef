"""A whole node for tests, run as a person runs it: by the command line, on ports of its own."""

import os
import subprocess
import sys
from pathlib import Path

from node.cli.supervise import orphans
from node.cli.supervise.plan import OUTSIDE_SETTING, REPO
from tests.stack import free_port

LIMIT_S = 300.0


class Node:
    """The command line, in a folder and on ports of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        clean = {k: v for k, v in os.environ.items() if k not in OUTSIDE_SETTING.values()}
        ports = {
            f"ASOUD_{part}_PORT": str(free_port())
            for part in ("API", "METRICS", "INDEXER_METRICS", "POSTGRES", "VALKEY", "ANVIL", "SANDBOX")
        }
        rates = {f"ASOUD_{name}_PER_MINUTE": "1000000" for name in ("READS", "WRITES", "SIGN_IN", "RELAY")}
        self.env = {**clean, **ports, **rates, "ASOUD_DATA_DIR": str(data_dir)}

    def asoud(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run(sys.executable, "-m", "node.cli", *arguments)

    def run(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            argv,
            cwd=REPO,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def leftovers(self) -> list[int]:
        return orphans.find_orphans(self.data_dir, self.data_dir / "run")
