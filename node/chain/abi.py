"""The parts of an ABI that we use, parsed once: functions, errors and events with their selectors.

Encoding and decoding go through eth-abi. In and out of here an address is our canonical lower-case hex,
`bytesN` and `bytes` are 0x hex, and a struct is a mapping or dataclass going in and a dict coming out.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from node.kernel.errors import Bug

JsonObject = Mapping[str, Any]

SELECTOR_BYTES = 4


@dataclass(frozen=True, slots=True)
class Param:
    """One input, output or field. `type` is canonical: `(address,uint256)[]` for a list of structs."""

    name: str
    type: str
    components: tuple["Param", ...] = ()
    indexed: bool = False

    @classmethod
    def parse(cls, raw: JsonObject) -> Self:
        components = tuple(cls.parse(item) for item in raw.get("components", ()))
        kind: str = raw["type"]
        if kind.startswith("tuple"):
            kind = f"({','.join(item.type for item in components)}){kind.removeprefix('tuple')}"
        return cls(raw.get("name", ""), kind, components, bool(raw.get("indexed", False)))

    @property
    def is_list(self) -> bool:
        return self.type.endswith("]")

    def item(self) -> "Param":
        """What a list is a list of."""
        return dataclasses.replace(self, type=self.type[: self.type.rindex("[")])


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    signature: str
    selector: str
    inputs: tuple[Param, ...]
    outputs: tuple[Param, ...]
    payable: bool
    view: bool

    def encode(self, args: Sequence[object]) -> str:
        """Calldata, as 0x hex."""
        return self.selector + encode_params(self.inputs, args).hex()

    def decode_input(self, data: bytes) -> dict[str, Any]:
        return decode_params(self.inputs, data[SELECTOR_BYTES:])

    def decode_output(self, data: bytes) -> tuple[Any, ...]:
        return tuple(decode_values(self.outputs, data))


@dataclass(frozen=True, slots=True)
class CustomError:
    name: str
    signature: str
    selector: str
    inputs: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event of a contract; `topic` is its first topic (`topic0`)."""

    name: str
    signature: str
    topic: str
    inputs: tuple[Param, ...]

    @property
    def indexed(self) -> tuple[Param, ...]:
        return tuple(item for item in self.inputs if item.indexed)

    @property
    def plain(self) -> tuple[Param, ...]:
        return tuple(item for item in self.inputs if not item.indexed)


def signature_of(name: str, inputs: Sequence[Param]) -> str:
    return f"{name}({','.join(item.type for item in inputs)})"


def selector_of(signature: str) -> str:
    return "0x" + keccak(text=signature)[:SELECTOR_BYTES].hex()


def parse_function(raw: JsonObject) -> Function:
    inputs = tuple(Param.parse(item) for item in raw["inputs"])
    signature = signature_of(raw["name"], inputs)
    mutability = raw["stateMutability"]
    return Function(
        name=raw["name"],
        signature=signature,
        selector=selector_of(signature),
        inputs=inputs,
        outputs=tuple(Param.parse(item) for item in raw["outputs"]),
        payable=mutability == "payable",
        view=mutability in ("view", "pure"),
    )


def parse_error(raw: JsonObject) -> CustomError:
    inputs = tuple(Param.parse(item) for item in raw["inputs"])
    signature = signature_of(raw["name"], inputs)
    return CustomError(raw["name"], signature, selector_of(signature), inputs)


def parse_event(raw: JsonObject) -> LogEvent:
    inputs = tuple(Param.parse(item) for item in raw["inputs"])
    signature = signature_of(raw["name"], inputs)
    return LogEvent(raw["name"], signature, "0x" + keccak(text=signature).hex(), inputs)


def encode_params(params: Sequence[Param], args: Sequence[object]) -> bytes:
    if len(params) != len(args):
        raise Bug("wrong number of arguments for an ABI", want=len(params), got=len(args))
    values = [_plain(param, value) for param, value in zip(params, args, strict=True)]
    return abi_encode([param.type for param in params], values)


def decode_values(params: Sequence[Param], data: bytes) -> list[Any]:
    values = abi_decode([param.type for param in params], data)
    return [_readable(param, value) for param, value in zip(params, values, strict=True)]


def decode_params(params: Sequence[Param], data: bytes) -> dict[str, Any]:
    """By name; a nameless parameter is called by its place (`arg0`)."""
    values = decode_values(params, data)
    return {
        param.name or f"arg{i}": value for i, (param, value) in enumerate(zip(params, values, strict=True))
    }


def _plain(param: Param, value: Any) -> Any:  # noqa: ANN401 - any ABI value
    """Our shapes -> what eth-abi takes."""
    if param.is_list:
        return [_plain(param.item(), item) for item in value]
    if param.components:
        return tuple(
            _plain(item, field) for item, field in zip(param.components, _fields(param, value), strict=True)
        )
    if param.type.startswith("bytes") and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return value


def _fields(param: Param, value: Any) -> list[Any]:  # noqa: ANN401 - any ABI value
    if isinstance(value, Mapping):
        return [value[item.name] for item in param.components]
    if dataclasses.is_dataclass(value):
        return [getattr(value, _snake(item.name)) for item in param.components]
    return list(value)


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _readable(param: Param, value: Any) -> Any:  # noqa: ANN401 - any ABI value
    """What eth-abi gives -> our shapes."""
    if param.is_list:
        return [_readable(param.item(), item) for item in value]
    if param.components:
        pairs = zip(param.components, value, strict=True)
        return {item.name: _readable(item, field) for item, field in pairs}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if param.type == "address":
        return str(value).lower()
    return value
