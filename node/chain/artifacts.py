"""Built contracts, as committed under `contracts/artifacts/<Name>.json`.

They are read once per process. A test beside the contracts proves that they match the sources.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from node.chain.abi import (
    CustomError,
    Function,
    JsonObject,
    LogEvent,
    Param,
    encode_params,
    parse_error,
    parse_event,
    parse_function,
)
from node.kernel.errors import Bug

CONTRACTS_DIR = Path(__file__).resolve().parents[2] / "contracts"
ARTIFACTS_DIR = CONTRACTS_DIR / "artifacts"


class ArtifactMissing(Bug):
    """No built contract of that name is committed, or its file is not an artifact."""


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """One built contract. Selectors and topics are 0x hex; the maps are keyed by them.

    `immutables` are the (start, length) places of `deployed_bytecode` that the constructor fills in. An
    interface has no code.
    """

    name: str
    abi: tuple[JsonObject, ...]
    bytecode: bytes
    deployed_bytecode: bytes
    immutables: tuple[tuple[int, int], ...]
    selectors: Mapping[str, Function]
    errors: Mapping[str, CustomError]
    events: Mapping[str, LogEvent]

    def function(self, name: str) -> Function:
        """By name, or by full signature when the name is overloaded."""
        found = [item for item in self.selectors.values() if name in (item.name, item.signature)]
        if len(found) != 1:
            raise Bug("no single function of that name", contract=self.name, name=name, found=len(found))
        return found[0]

    def event(self, name: str) -> LogEvent:
        found = [item for item in self.events.values() if name in (item.name, item.signature)]
        if len(found) != 1:
            raise Bug("no single event of that name", contract=self.name, name=name, found=len(found))
        return found[0]

    def encode(self, function: str, *args: object) -> str:
        """Calldata of one call, as 0x hex."""
        return self.function(function).encode(args)

    def creation_data(self, args: Sequence[object]) -> str:
        """Code and constructor arguments, as the data of the transaction that makes the contract."""
        inputs = [item for entry in self.abi if entry["type"] == "constructor" for item in entry["inputs"]]
        params = [Param.parse(item) for item in inputs]
        return "0x" + self.bytecode.hex() + encode_params(params, args).hex()

    def matches(self, code: bytes) -> bool:
        """Whether this is the code on a chain, whatever its constructor wrote into the immutables."""
        if len(code) != len(self.deployed_bytecode) or not code:
            return False
        blank = bytearray(code)
        for start, length in self.immutables:
            blank[start : start + length] = self.deployed_bytecode[start : start + length]
        return bytes(blank) == self.deployed_bytecode


@cache
def load_artifact(name: str, folder: Path = ARTIFACTS_DIR) -> Artifact:
    path = folder / f"{name}.json"
    try:
        return parse_artifact(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactMissing("no usable artifact of that contract", name=name) from error


@cache
def all_artifacts(folder: Path = ARTIFACTS_DIR) -> Mapping[str, Artifact]:
    """Every committed artifact, by name."""
    loaded = {path.stem: load_artifact(path.stem, folder) for path in sorted(folder.glob("*.json"))}
    return MappingProxyType(loaded)


def parse_artifact(raw: Mapping[str, Any]) -> Artifact:
    abi: tuple[JsonObject, ...] = tuple(raw["abi"])
    functions = [parse_function(item) for item in abi if item["type"] == "function"]
    errors = [parse_error(item) for item in abi if item["type"] == "error"]
    events = [parse_event(item) for item in abi if item["type"] == "event"]
    return Artifact(
        name=raw["contractName"],
        abi=abi,
        bytecode=_code(raw.get("bytecode", "")),
        deployed_bytecode=_code(raw.get("deployedBytecode", "")),
        immutables=tuple((item["start"], item["length"]) for item in raw.get("immutableReferences", ())),
        selectors=MappingProxyType({item.selector: item for item in functions}),
        errors=MappingProxyType({item.selector: item for item in errors}),
        events=MappingProxyType({item.topic: item for item in events}),
    )


def _code(raw: str) -> bytes:
    return bytes.fromhex(raw.removeprefix("0x"))
