"""Base schemas and the types that JSON carries. Parse here, trust below."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictInt,
    ValidationInfo,
    WithJsonSchema,
)

from node.kernel.errors import Invalid
from node.kernel.hexes import Address, Hash32, parse_address, parse_hash
from node.kernel.money import UINT256_MAX

HEX_BYTES_MAX = 64 * 2**10  # of one bytes field; the body's own limit is the other bound

_UINT = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


class Input(BaseModel):
    """What a client sends. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Output(BaseModel):
    """What a client gets. Closed as well: contract tests hold the query path's bytes against it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Item = TypeVar("Item")


class Page(Output, Generic[Item]):
    """One page of a list; `next` goes into `?cursor=` for the following one."""

    items: list[Item]
    next: str | None
    has_more: bool


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError("a string is needed")  # noqa: TRY004 - pydantic turns a ValueError into a problem
    return raw


def _uint(raw: object) -> int:
    text = _text(raw)
    if not _UINT.fullmatch(text) or int(text) > UINT256_MAX:
        raise ValueError("a decimal string from 0 to 2^256 - 1 is needed, without leading zeros")
    return int(text)


def _uint_out(raw: object, info: ValidationInfo) -> int:
    """Our own code answers with ints; JSON, which contract tests read back, carries strings only."""
    return raw if type(raw) is int and info.mode == "python" else _uint(raw)


def _hex_bytes(raw: object) -> bytes:
    text = _text(raw)
    if len(text) > 2 + 2 * HEX_BYTES_MAX or not _HEX.fullmatch(text):
        raise ValueError(f"0x and an even number of hex digits are needed, at most {HEX_BYTES_MAX} bytes")
    return bytes.fromhex(text[2:])


def _parsed(parse: Callable[[str], str]) -> Callable[[Any], str]:
    """Lets pydantic report a refusal of the kernel's parsers at the field that it belongs to."""

    def checked(raw: object) -> str:
        try:
            return parse(_text(raw))
        except Invalid as error:
            raise ValueError(error.message) from error

    return checked


def _hex_schema(digits: str, example: str) -> WithJsonSchema:
    schema = {"type": "string", "pattern": f"^0x[0-9a-fA-F]{digits}$", "examples": [example]}
    return WithJsonSchema(schema)


_UINT_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": "^(0|[1-9][0-9]{0,77})$",
        "description": "A whole number in the smallest unit, as a decimal string",
        "examples": ["1000000000000000000"],
    }
)

UintString = Annotated[int, PlainValidator(_uint), PlainSerializer(str, return_type=str), _UINT_SCHEMA]
"""An amount or a token id that comes in: a decimal string, an int below the edge."""

UintOut = Annotated[int, PlainValidator(_uint_out), PlainSerializer(str, return_type=str), _UINT_SCHEMA]
"""The same on the way out."""

AddressString = Annotated[
    Address, PlainValidator(_parsed(parse_address)), _hex_schema("{40}", "0x" + "ab" * 20)
]
"""Any case that EIP-55 allows comes in; lower case below the edge and on the way out."""

HashString = Annotated[Hash32, PlainValidator(_parsed(parse_hash)), _hex_schema("{64}", "0x" + "cd" * 32)]

HexBytes = Annotated[
    bytes,
    PlainValidator(_hex_bytes),
    PlainSerializer(lambda raw: "0x" + raw.hex(), return_type=str),
    _hex_schema("*", "0x1234"),
]
"""Signatures, calldata, raw transactions."""

Whole = StrictInt
"""An int that is no amount (basis points, seconds): a JSON number, never a string or a bool."""


class AssetOut(Output):
    id: str = Field(examples=["eip155:31337/slip44:60"], description="CAIP-19, or iso4217:<code>")
    code: str = Field(examples=["ETH"])
    exponent: int = Field(examples=[18], description="Decimals of the smallest unit")


class AmountOut(Output):
    value: UintOut
    asset: AssetOut


class Problem(BaseModel):
    """RFC 9457. Some problems carry more fields of their own; `docs/errors.md` lists the codes."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/token_missing"])
    title: str = Field(examples=["An access token is needed"])
    status: int = Field(examples=[401])
    detail: str = Field(examples=["send `Authorization: Bearer <token>`"])
    code: str = Field(examples=["token_missing"], description="Stable: switch on this")
    request_id: str | None = Field(examples=["0198c1f2a4e27b0c8a3f5d1e6b7c9d00"])
