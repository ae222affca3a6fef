"""Where our contracts live, per chain id: `<data_dir>/deployments/<chain_id>.json`.

For a public chain a file committed under `contracts/deployments/` is the fallback. The genesis hash tells
a chain that was swapped for another with the same id. Files are replaced whole, never written in place.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.chain.artifacts import CONTRACTS_DIR
from node.kernel.errors import Bug, Transient
from node.kernel.hexes import Address, Hash32, parse_address, parse_hash
from node.kernel.settings import DEV_CHAIN_ID

COMMITTED_DIR = CONTRACTS_DIR / "deployments"

# Name in the registry -> name of the artifact.
ARTIFACT_OF: Mapping[str, str] = {
    "votes_token": "VotesToken",
    "timelock": "TimelockController",
    "governor": "AsoudGovernor",
    "access_manager": "AccessManager",
    "collection_implementation": "Collection",
    "collection_factory": "CollectionFactory",
    "badge_implementation": "BadgeCollection",
    "badge_factory": "CollectionFactory",
    "batch_implementation": "BatchCollection",
    "batch_factory": "CollectionFactory",
    "editions_implementation": "Editions",
    "editions_factory": "CollectionFactory",
    "exchange": "Exchange",
    "auction_house": "AuctionHouse",
    "escrow": "Escrow",
    "checkout": "Checkout",
    "deposits": "Deposits",
    "splitter_factory": "SplitterFactory",
    "rewards": "Rewards",
    "dev_dollar": "DevDollar",
}
# Name in the registry -> name in the plan, where one artifact is deployed several times.
_PLAN_NAMES = {
    "badge_factory": "BadgeFactory",
    "batch_factory": "BatchFactory",
    "editions_factory": "EditionsFactory",
}
PLAN_NAME_OF: Mapping[str, str] = {
    name: _PLAN_NAMES.get(name, artifact) for name, artifact in ARTIFACT_OF.items()
}
NAME_OF: Mapping[str, str] = {planned: name for name, planned in PLAN_NAME_OF.items()}
DEV_ONLY = frozenset({"dev_dollar"})


class NotDeployed(Transient):
    """The contracts are not (all) on this chain yet."""


class DeploymentBroken(Bug):
    """The registry's file cannot be understood."""


@dataclass(frozen=True, slots=True)
class DeployedContract:
    """One contract: where it is, since when, and what code it had right after its deployment."""

    name: str
    address: Address
    block: int
    tx_hash: Hash32
    code_hash: Hash32

    @property
    def artifact(self) -> str:
        return ARTIFACT_OF[self.name]

    @property
    def planned_as(self) -> str:
        return PLAN_NAME_OF[self.name]


@dataclass(frozen=True, slots=True)
class Deployment:
    """The whole suite on one chain. Only development chains have a `dev_dollar`."""

    chain_id: int
    genesis_hash: Hash32
    votes_token: DeployedContract
    timelock: DeployedContract
    governor: DeployedContract
    access_manager: DeployedContract
    collection_implementation: DeployedContract
    collection_factory: DeployedContract
    badge_implementation: DeployedContract
    badge_factory: DeployedContract
    batch_implementation: DeployedContract
    batch_factory: DeployedContract
    editions_implementation: DeployedContract
    editions_factory: DeployedContract
    exchange: DeployedContract
    auction_house: DeployedContract
    escrow: DeployedContract
    checkout: DeployedContract
    deposits: DeployedContract
    splitter_factory: DeployedContract
    rewards: DeployedContract
    dev_dollar: DeployedContract | None

    def __iter__(self) -> Iterator[DeployedContract]:
        for name in ARTIFACT_OF:
            contract = getattr(self, name)
            if contract is not None:
                yield contract

    def contracts_by_address(self) -> dict[Address, DeployedContract]:
        return {contract.address: contract for contract in self}

    @property
    def first_block(self) -> int:
        """No event of ours lies below this block."""
        return min(contract.block for contract in self)


@dataclass(slots=True)
class PartialDeployment:
    """What a deployment has got done so far. `pending` names transactions that were about to be sent."""

    chain_id: int
    genesis_hash: Hash32
    contracts: dict[str, DeployedContract] = field(default_factory=dict)
    pending: dict[str, Hash32] = field(default_factory=dict)

    def complete(self) -> Deployment:
        missing = [name for name in names_on(self.chain_id) if name not in self.contracts]
        if missing:
            raise NotDeployed("the contracts are not deployed on this chain", missing=", ".join(missing))
        named: dict[str, Any] = {name: self.contracts.get(name) for name in ARTIFACT_OF}
        return Deployment(chain_id=self.chain_id, genesis_hash=self.genesis_hash, **named)


def names_on(chain_id: int) -> list[str]:
    """The contracts that make up the suite on that chain."""
    return [name for name in ARTIFACT_OF if name not in DEV_ONLY or chain_id == DEV_CHAIN_ID]


class DeploymentRegistry:
    """Reads and writes the files of one data folder."""

    def __init__(self, folder: Path, *, committed: Path = COMMITTED_DIR) -> None:
        self._folder = folder
        self._committed = committed

    def load(self, chain_id: int) -> Deployment:
        """Raises `NotDeployed` when the suite is missing or half done."""
        partial = self.load_partial(chain_id)
        if partial is None:
            raise NotDeployed("the contracts are not deployed on this chain", chain_id=chain_id)
        return partial.complete()

    def load_partial(self, chain_id: int) -> PartialDeployment | None:
        for folder in (self._folder, self._committed):
            path = folder / f"{chain_id}.json"
            if path.exists():
                return _parse(path, chain_id)
        return None

    def version(self, chain_id: int) -> object:
        """Another value after each change of what `load` would give."""
        for folder in (self._folder, self._committed):
            with suppress(FileNotFoundError):
                stat = (folder / f"{chain_id}.json").stat()
                return (folder, stat.st_ino, stat.st_mtime_ns)
        return None

    def save(self, partial: PartialDeployment) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _replace(self._folder / f"{partial.chain_id}.json", json.dumps(_to_json(partial), indent=2) + "\n")

    def forget(self, chain_id: int) -> None:
        """Drops the file in the data folder, because its chain is gone. A committed file stays."""
        (self._folder / f"{chain_id}.json").unlink(missing_ok=True)


class CurrentDeployment:
    """The deployment of one chain as its file says now; parsed again only when the file was replaced.

    A development chain may be deployed anew under a running process.
    """

    def __init__(self, registry: DeploymentRegistry, chain_id: int) -> None:
        self._registry = registry
        self._chain_id = chain_id
        self._read: tuple[object, Deployment] | None = None

    def __call__(self) -> Deployment:
        """Raises `NotDeployed` when the suite is missing or half done."""
        version = self._registry.version(self._chain_id)
        if self._read is None or self._read[0] != version:
            self._read = (version, self._registry.load(self._chain_id))
        return self._read[1]


def _to_json(partial: PartialDeployment) -> dict[str, Any]:
    return {
        "chain_id": partial.chain_id,
        "genesis_hash": partial.genesis_hash,
        "contracts": {
            name: {
                "address": contract.address,
                "block": contract.block,
                "tx_hash": contract.tx_hash,
                "code_hash": contract.code_hash,
            }
            for name, contract in partial.contracts.items()
        },
        "pending": partial.pending,
    }


def _parse(path: Path, chain_id: int) -> PartialDeployment:
    try:
        raw = json.loads(path.read_bytes())
        if raw["chain_id"] != chain_id:
            raise DeploymentBroken("a deployment file is named for another chain", file=path.name)
        contracts = {
            name: _contract(name, item) for name, item in raw["contracts"].items() if name in ARTIFACT_OF
        }
        pending = {name: parse_hash(item) for name, item in raw.get("pending", {}).items()}
        return PartialDeployment(chain_id, parse_hash(raw["genesis_hash"]), contracts, pending)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeploymentBroken("a deployment file cannot be read", file=path.name) from error


def _contract(name: str, raw: Mapping[str, Any]) -> DeployedContract:
    return DeployedContract(
        name=name,
        address=parse_address(raw["address"]),
        block=int(raw["block"]),
        tx_hash=parse_hash(raw["tx_hash"]),
        code_hash=parse_hash(raw["code_hash"]),
    )


def _replace(path: Path, text: str) -> None:
    """Readers see the old file or the new one, also after a crash."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # noqa: PTH101 - mkstemp made it private; these are public facts
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
