"""What a proposal does: calls that the timelock will make. Built from wishes, read back in words.

Pure: knows where our contracts are and what their ABIs say, asks nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from node.chain.abi import SELECTOR_BYTES, Function, decode_params, parse_function
from node.chain.artifacts import load_artifact
from node.chain.deployments import Deployment
from node.chain.escrow import Terms
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, address_from_bytes
from node.kernel.money import BASIS_POINTS
from node.services.governance.errors import ActionInvalid

PERCENT_MAX = 100


@dataclass(frozen=True, slots=True)
class Action:
    """One call. `value` is wei out of the treasury."""

    to: Address
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """An action as a person reads it. What this node does not know is None."""

    contract: str | None
    function: str | None
    arguments: Mapping[str, Any] | None
    words: str


def _erc20(name: str, inputs: Sequence[tuple[str, str]]) -> Function:
    raw_inputs = [{"name": name, "type": kind} for name, kind in inputs]
    raw = {"name": name, "inputs": raw_inputs, "outputs": [], "stateMutability": "nonpayable"}
    return parse_function(raw)


# What any token understands, ours or not (ERC-20).
_TRANSFER = _erc20("transfer", (("to", "address"), ("amount", "uint256")))
_APPROVE = _erc20("approve", (("spender", "address"), ("amount", "uint256")))
_ERC20 = {function.selector: function for function in (_TRANSFER, _APPROVE)}


class ActionBook:
    """Makes and reads the actions of the DAO that rules one deployment."""

    def __init__(self, deployment: Deployment, appeals: Mapping[Hash32, Terms] | None = None) -> None:
        """`appeals` are escrows that wait for the DAO, by id; see `GovernanceService.appeals`."""
        self._deployment = deployment
        self._known = deployment.contracts_by_address()
        self._appeals = appeals or {}

    # ---------------------------------------------------------------------------------------- making

    def set_exchange_fee(self, *, bps: int, receiver: Address | None) -> Action:
        """Without a receiver the treasury gets the fee."""
        receiver = receiver or self._deployment.timelock.address
        return self._ours("exchange", "setFee", receiver, bps)

    def allow_currency(self, *, currency: Address, allowed: bool) -> Action:
        return self._ours("exchange", "setCurrency", currency, allowed)

    def transfer(self, *, asset: Address, to: Address, amount: int) -> Action:
        """Money out of the treasury; the zero address stands for the native coin."""
        if to == ZERO_ADDRESS:
            raise ActionInvalid("money sent to the zero address is lost", field="to")
        if asset == ZERO_ADDRESS:
            return Action(to, amount, b"")
        return Action(asset, 0, _bytes(_TRANSFER.encode((to, amount))))

    def rule_appeal(self, *, escrow_id: Hash32, to_seller: int, reason: Hash32) -> Action:
        """Splits the money of an escrow, as the court that its parties appealed to."""
        terms = self._appeals.get(escrow_id)
        if terms is None:
            raise ActionInvalid("the DAO has no appeal about that escrow", escrow_id=escrow_id)
        return self._ours("escrow", "ruleAppeal", terms.values(), to_seller, reason)

    def set_voting(self, name: str, value: int) -> Action:
        """One setting of the governor, by the name of its function."""
        return self._ours("governor", name, value)

    def set_timelock_delay(self, *, seconds: int) -> Action:
        return self._ours("timelock", "updateDelay", seconds)

    def checked(self, action: Action) -> Action:
        """Refuses what can be seen to fail: data for a contract of ours that none of its functions takes."""
        contract = self._known.get(action.to)
        if contract is None or not action.data:
            return action
        function = load_artifact(contract.artifact).selectors.get(_selector(action.data))
        if function is None:
            raise ActionInvalid(f"the {contract.name} has no such function", selector=_selector(action.data))
        if function.view:
            raise ActionInvalid("a view changes nothing", function=function.signature)
        if action.value and not function.payable:
            raise ActionInvalid("this function takes no money", function=function.signature)
        return action

    def _ours(self, contract: str, function: str, *args: object) -> Action:
        where = getattr(self._deployment, contract)
        return Action(where.address, 0, _bytes(load_artifact(where.artifact).encode(function, *args)))

    # --------------------------------------------------------------------------------------- reading

    def describe(self, action: Action) -> Described:
        contract = self._known.get(action.to)
        name = None if contract is None else contract.name
        if not action.data:
            words = f"send {coins(action.value)} from the treasury to {self._called(action.to)}"
            return Described(name, None, None, words)
        function = self._function(action)
        arguments = None if function is None else _arguments(function, action.data)
        if function is None or arguments is None:
            selector = _selector(action.data)
            words = f"call {self._called(action.to)} with data that this node cannot read ({selector})"
            return Described(name, None, None, words + _with_value(action))
        words = self._sentence(name, function, arguments, action)
        return Described(name, function.signature, arguments, words + _with_value(action))

    def _function(self, action: Action) -> Function | None:
        contract = self._known.get(action.to)
        if contract is None:
            return _ERC20.get(_selector(action.data))
        return load_artifact(contract.artifact).selectors.get(_selector(action.data))

    def _sentence(  # noqa: PLR0911 - one return a sentence
        self, contract: str | None, function: Function, arguments: Mapping[str, Any], action: Action
    ) -> str:
        values = [self._named(value) for value in arguments.values()]
        match contract, function.name, values:
            case "exchange", "setFee", [receiver, bps]:
                return f"set the exchange's fee to {percent(int(bps))}, paid to {receiver}"
            case "exchange", "setCurrency", [currency, allowed]:
                return f"{'allow' if allowed == 'true' else 'forbid'} the currency {currency} on the exchange"
            case "escrow", "ruleAppeal", [_, to_seller, _]:
                order = arguments["terms"]["orderId"]
                return f"rule on the appeal about order {order}: {to_seller} to the seller, the rest back"
            case "timelock", "updateDelay", [seconds]:
                return f"set the timelock's delay to {seconds} seconds"
            case "governor", name, [value] if name in SETTINGS:
                return f"set the governor's {SETTINGS[name].format(value)}"
            case _, "transfer", [to, amount] if function.selector in _ERC20:
                token = self._called(action.to)
                return (
                    f"transfer {amount} of the token {token} (in its smallest unit) from the treasury to {to}"
                )
            case _:
                return f"call {function.name}({', '.join(values)}) of {self._called(action.to)}"

    def _named(self, value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return self._called(Address(value)) if isinstance(value, str) and len(value) == 42 else str(value)  # noqa: PLR2004 - 0x and 40 digits

    def _called(self, address: Address) -> str:
        contract = self._known.get(address)
        if contract is None:
            return address
        known_as = "treasury" if contract.name == "timelock" else contract.name.replace("_", " ")
        return f"the {known_as} ({address})"


# Settings of the governor by the function that sets them, and how a change reads.
SETTINGS: Mapping[str, str] = {
    "setVotingDelay": "voting delay to {} seconds",
    "setVotingPeriod": "voting period to {} seconds",
    "setProposalThreshold": "proposal threshold to {} votes (in the smallest unit)",
    "updateQuorumNumerator": "quorum to {} % of the supply",
    "setLateQuorumVoteExtension": "extension after a late quorum to {} seconds",
}


def action_of(to: bytes, value: int, data: bytes) -> Action:
    return Action(address_from_bytes(to), value, data)


def coins(wei: int) -> str:
    """Wei as a decimal fraction of the native coin, exactly."""
    whole, rest = divmod(wei, 10**18)
    fraction = f".{rest:018d}".rstrip("0") if rest else ""
    return f"{whole}{fraction} of the native coin"


def percent(bps: int) -> str:
    whole, rest = divmod(bps * 100, BASIS_POINTS)
    return f"{whole}{f'.{rest * 100 // BASIS_POINTS:02d}'.rstrip('0') if rest else ''} %"


def _with_value(action: Action) -> str:
    return f", with {coins(action.value)}" if action.value and action.data else ""


def _arguments(function: Function, data: bytes) -> dict[str, Any] | None:
    """By name, numbers as strings; None where the data does not fit."""
    try:
        values = decode_params(function.inputs, data[SELECTOR_BYTES:])
    except (DecodingError, ValueError, OverflowError):
        return None
    return {name: _json(value) for name, value in values.items()}


def _json(value: Any) -> Any:  # noqa: ANN401 - any ABI value
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value


def _selector(data: bytes) -> str:
    return "0x" + data[:SELECTOR_BYTES].hex()


def _bytes(data: str) -> bytes:
    return bytes.fromhex(data[2:])
