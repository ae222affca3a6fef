"""A call as people write it, `setFee(address,uint16)` with a list of arguments, turned into calldata.

Arguments are JSON: decimal strings for numbers, `0x` hex for addresses and bytes, lists for arrays. Structs
are not spelled this way; who needs one sends calldata.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import ABITypeError, EncodingError, ParseError
from eth_abi.grammar import ABIType, BasicType, parse

from node.chain.abi import selector_of
from node.kernel.errors import Invalid
from node.kernel.hexes import parse_address
from node.services.governance.errors import ActionInvalid

SIGNATURE_CHARS_MAX = 200
ARRAY_ITEMS_MAX = 200

_SIGNATURE = re.compile(r"([A-Za-z_$][A-Za-z0-9_$]*)\(([a-z0-9\[\],]*)\)", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,77})", re.ASCII)
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)

Argument = str | bool | Sequence["Argument"]


def encode_call(signature: str, arguments: Sequence[Argument]) -> bytes:
    """Selector and arguments. Raises `ActionInvalid` with the place of what is wrong."""
    found = _SIGNATURE.fullmatch(signature) if len(signature) <= SIGNATURE_CHARS_MAX else None
    if found is None:
        raise ActionInvalid(
            "a signature is a name and types without spaces, as in `setFee(address,uint16)`",
            field="signature",
        )
    types = [_type(text) for text in found[2].split(",")] if found[2] else []
    if len(types) != len(arguments):
        raise ActionInvalid("wrong number of arguments", need=len(types), have=len(arguments))
    values = [
        _value(kind, argument, f"arguments/{place}")
        for place, (kind, argument) in enumerate(zip(types, arguments, strict=True))
    ]
    try:
        body = abi_encode([_name(kind) for kind in types], values)
    except (EncodingError, ValueError, OverflowError) as error:
        raise ActionInvalid("an argument does not fit its type", signature=signature) from error
    return bytes.fromhex(selector_of(signature)[2:]) + body


def _type(text: str) -> ABIType:
    try:
        kind = parse(text)
        kind.validate()
    except (ABITypeError, ParseError) as error:
        raise ActionInvalid("the signature has a type that Solidity does not know", type=text[:40]) from error
    if not isinstance(kind, BasicType) or kind.base not in _SCALARS or text in ("uint", "int"):
        raise ActionInvalid("only plain types and arrays of them; write uint256 in full", type=text[:40])
    return kind


def _value(kind: ABIType, raw: Argument, place: str) -> object:
    assert isinstance(kind, BasicType), "checked by `_type`"
    if kind.is_array:
        if not isinstance(raw, list) or len(raw) > ARRAY_ITEMS_MAX:
            raise ActionInvalid(f"a list of at most {ARRAY_ITEMS_MAX} items is needed", field=place)
        return [_value(kind.item_type, item, f"{place}/{n}") for n, item in enumerate(raw)]
    try:
        value = _SCALARS[kind.base](raw)
    except (Invalid, ValueError) as error:
        raise ActionInvalid(f"not a value of the type {_name(kind)}", field=place) from error
    if (
        kind.base == "bytes" and kind.sub is not None and len(value) != kind.sub
    ):  # would be filled up with zeros
        raise ActionInvalid(f"{_name(kind)} takes exactly {kind.sub} bytes", field=place)
    return value


def _name(kind: ABIType) -> str:
    return str(kind.to_type_str())  # type: ignore[no-untyped-call]


def _text(raw: Argument) -> str:
    if not isinstance(raw, str):
        raise ValueError("a string is needed")  # noqa: TRY004 - caught above, as every other wrong value
    return raw


def _number(raw: Argument) -> int:
    text = _text(raw)
    if not _NUMBER.fullmatch(text):
        raise ValueError("a decimal string is needed")
    return int(text)


def _address(raw: Argument) -> str:
    return parse_address(_text(raw))


def _flag(raw: Argument) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("true or false is needed")  # noqa: TRY004 - as above
    return raw


def _bytes(raw: Argument) -> bytes:
    text = _text(raw)
    if not _HEX.fullmatch(text):
        raise ValueError("0x and an even number of hex digits are needed")
    return bytes.fromhex(text[2:])


_SCALARS: Mapping[str, Callable[[Argument], Any]] = {
    "uint": _number,
    "int": _number,
    "address": _address,
    "bool": _flag,
    "bytes": _bytes,
    "string": _text,
}
