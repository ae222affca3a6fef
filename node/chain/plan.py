"""The plan of deployment, `contracts/deployment.json`: order, constructor arguments, role grants.

Pure: the plan says what it needs by small words (`{"contract": ...}`, `{"parameter": ...}`), and `Resolver`
turns those into values from what is known so far.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from node.chain.abi import selector_of
from node.chain.artifacts import CONTRACTS_DIR
from node.kernel.errors import Bug
from node.kernel.hexes import Address
from node.kernel.settings import DEV_CHAIN_ID

PLAN_FILE = CONTRACTS_DIR / "deployment.json"


@dataclass(frozen=True, slots=True)
class DeployStep:
    """Makes one contract. `contract` is its name in the plan: that of its artifact, or what "as" says."""

    contract: str
    artifact: str
    arguments: tuple[Mapping[str, Any], ...]

    def needs(self) -> set[str]:
        """The contracts whose addresses are among the arguments."""
        return _contracts_in(list(self.arguments))


@dataclass(frozen=True, slots=True)
class CallStep:
    """Calls a contract that was made before; with `each`, once for each item of that parameter."""

    contract: str
    function: str
    arguments: tuple[Mapping[str, Any], ...]
    each: str | None = None

    def needs(self) -> set[str]:
        return _contracts_in(list(self.arguments))


Step = DeployStep | CallStep


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens on one chain. `parameters` holds what the file decides; the rest comes from settings."""

    parameters: Mapping[str, Any]
    roles: Mapping[str, int]
    steps: tuple[Step, ...]


def load_plan(chain_id: int, *, path: Path = PLAN_FILE) -> Plan:
    raw = json.loads(path.read_bytes())
    key = str(DEV_CHAIN_ID) if chain_id == DEV_CHAIN_ID else "public"
    parameters = {
        name: _parameter(entry["type"], entry[key])
        for name, entry in raw["parameters"].items()
        if key in entry
    }
    steps = [_step(entry) for entry in raw["steps"] if chain_id in entry.get("chains", (chain_id,))]
    roles = {name: entry["id"] for name, entry in raw["roles"].items()}
    return Plan(parameters, roles, tuple(steps))


@dataclass(frozen=True, slots=True)
class Resolver:
    """Arguments of the plan -> values for the ABI.

    `addresses` are the contracts made so far, by their names in the plan; `read` asks a view of one of them.
    """

    parameters: Mapping[str, Any]
    roles: Mapping[str, int]
    addresses: Mapping[str, Address]
    deployer: Address
    read: Callable[[str, str], Any]
    item: object = None

    def all(self, arguments: tuple[Mapping[str, Any], ...]) -> list[Any]:
        return [self.one(argument) for argument in arguments]

    def calls(self, step: CallStep) -> list[list[Any]]:
        """The arguments of each call that the step is."""
        if step.each is None:
            return [self.all(step.arguments)]
        items = self._known(self.parameters, step.each)
        return [replace(self, item=item).all(step.arguments) for item in items]

    def one(self, argument: Mapping[str, Any]) -> Any:  # noqa: ANN401, C901, PLR0911 - any ABI value; a case a word
        match argument:
            case {"parameter": name}:
                return self._known(self.parameters, name)
            case {"contract": name}:
                return self._known(self.addresses, name)
            case {"deployer": True}:
                return self.deployer
            case {"item": True}:
                return self.item
            case {"role": name}:
                return self._known(self.roles, name)
            case {"selectors": signatures}:
                return [bytes.fromhex(selector_of(signature)[2:]) for signature in signatures]
            case {"read": [contract, view]}:
                return self.read(contract, view)
            case {"value": value}:
                return value
            case {"tuple": items}:
                return tuple(self.one(item) for item in items)
            case {"list": items}:
                return [self.one(item) for item in items if item.get("contract", "") in ("", *self.addresses)]
            case _:
                raise Bug("the plan of deployment has an argument that nobody understands")

    @staticmethod
    def _known(table: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any ABI value
        if name not in table:
            raise Bug("the plan of deployment needs what is not known", name=name)
        return table[name]


def _step(raw: Mapping[str, Any]) -> Step:
    arguments = tuple(raw["arguments"])
    if "deploy" in raw:
        return DeployStep(raw.get("as", raw["deploy"]), raw["deploy"], arguments)
    return CallStep(raw["call"], raw["function"], arguments, raw.get("for"))


def _parameter(kind: str, value: Any) -> Any:  # noqa: ANN401 - any ABI value
    """Large numbers are written as decimal strings."""
    return int(value) if kind.startswith("uint") else value


def _contracts_in(items: list[Mapping[str, Any]]) -> set[str]:
    found: set[str] = set()
    for item in items:
        if "contract" in item:
            found.add(item["contract"])
        found |= _contracts_in(item.get("list", []))
        found |= _contracts_in(item.get("tuple", []))
    return found
