"""What was asked for: where data lies, which ports, and which parts come from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import node
from node.cli.supervise.refusal import StartRefused
from node.kernel.chain_settings import FurtherChain, read_chains

REPO = Path(node.__file__).resolve().parent.parent

DEV_CHAIN_ID = 31337

# A part whose variable is set by the user runs elsewhere and is not started here.
OUTSIDE_SETTING = {
    "postgres": "ASOUD_DATABASE_URL",
    "valkey": "ASOUD_REDIS_URL",
    "anvil": "ASOUD_RPC_URL",
}


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports of loopback. The defaults stay clear of the ranges that systems hand to outgoing connections."""

    api: int = 8000
    metrics: int = 9464
    indexer_metrics: int = 9465
    sandbox: int = 8010
    postgres: int = 15432
    valkey: int = 16379
    anvil: int = 8545


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One node in one folder. `environment` is the user's own, before anything was added."""

    data_dir: Path
    ports: Ports
    environment: Mapping[str, str]
    repo: Path = REPO

    def is_outside(self, part: str) -> bool:
        return bool(self.environment.get(OUTSIDE_SETTING[part]))

    @property
    def api_host(self) -> str:
        """What the API binds to."""
        return self.environment.get("ASOUD_API_HOST", "127.0.0.1")

    @property
    def api_workers(self) -> str:
        return self.environment.get("ASOUD_API_WORKERS", "1")

    @property
    def api_url(self) -> str:
        """How this machine reaches the API."""
        host = "127.0.0.1" if self.api_host in {"0.0.0.0", "::"} else self.api_host  # noqa: S104
        return f"http://[{host}]:{self.ports.api}" if ":" in host else f"http://{host}:{self.ports.api}"

    @property
    def has_sandbox(self) -> bool:
        """Beside a development chain alone: unless `ASOUD_SANDBOX` says no, or other gateways are named."""
        asked = self.environment.get("ASOUD_SANDBOX", "").lower()
        is_wanted = asked in {"1", "true", "yes"} if asked else not self.environment.get("ASOUD_GATEWAYS")
        return self.is_dev_chain and is_wanted

    @property
    def is_dev_chain(self) -> bool:
        return self.environment.get("ASOUD_CHAIN_ID", str(DEV_CHAIN_ID)) == str(DEV_CHAIN_ID)

    @property
    def further_chains(self) -> list[int]:
        """Ids of the chains of `ASOUD_CHAINS`; raises `StartRefused` when it cannot be read."""
        try:
            chains = read_chains(self.environment.get("ASOUD_CHAINS", ""))
            return [FurtherChain.model_validate(chain).chain_id for chain in chains]
        except (OSError, ValueError) as error:
            raise StartRefused(f"ASOUD_CHAINS: {error}") from error

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def secrets_dir(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def state_file(self) -> Path:
        return self.run_dir / "state.json"

    @property
    def lock_file(self) -> Path:
        return self.run_dir / "up.lock"

    @property
    def env_file(self) -> Path:
        return env_file_of(self.data_dir)


def data_dir_of(environment: Mapping[str, str]) -> Path:
    """The data folder of this checkout, unless the user names another."""
    return Path(environment.get("ASOUD_DATA_DIR") or REPO / ".asoud").resolve()


def env_file_of(data_dir: Path) -> Path:
    """Settings that other commands need to reach the node; it holds passwords."""
    return data_dir / "secrets" / "environment.json"
