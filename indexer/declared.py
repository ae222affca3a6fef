"""Events of ABIs that an operator declares: a typed table for each, in schema `declared`.

All of them are facts, so a fork takes them back by block number like any other. Tables are made by the
owner's role when the declaration is registered; the indexer only ever fills them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from indexer.codec import Model
from node.chain.abi import LogEvent, Param, parse_event
from node.chain.any_event import event_values, is_hashed
from node.chain.events import ChainLog
from node.chain.rpc import Log
from node.kernel.db.types import AddressColumn, Hash32Column, Utc
from node.kernel.errors import Invalid
from node.kernel.hexes import Address, parse_address

SCHEMA = "declared"
NAME_CHARS_MAX = 24
IDENTIFIER_CHARS_MAX = 63  # of Postgres
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BIGINT_BITS = 56  # what an int64 holds, signed or not


class DeclaredEvent(ChainLog, frozen=True):
    """A row of `model`, but for the columns that every fact has."""

    abi_name = "declared"
    model: Model
    columns: dict[str, Any]


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """One contract of the file. `events`: names out of the ABI; all of them, where there are none."""

    name: str
    address: Address
    abi: list[dict[str, Any]]
    from_block: int | None = None
    events: list[str] | None = None


def read_declarations(path: Path) -> list[Declaration]:
    """Of a JSON file: a list of objects; an `abi` that is a string is the path of a file beside it.

    Raises:
        Invalid: It says no such thing, or asks for what can't be a table.
    """
    try:
        items = json.loads(path.read_text())
        for item in items:
            if isinstance(item["abi"], str):
                abi = json.loads((path.parent / item["abi"]).read_text())
                item["abi"] = abi["abi"] if isinstance(abi, dict) else abi
        found = msgspec.convert(items, list[Declaration])
        return [_checked(item) for item in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(f"the file of declarations can't be read: {error}") from error


def _checked(item: Declaration) -> Declaration:
    if not _NAME.fullmatch(item.name) or len(item.name) > NAME_CHARS_MAX:
        raise Invalid("a name is of lower-case letters, digits and _", name=item.name)
    used = [raw for raw in item.abi if raw.get("type") == "event" and _wanted(item, raw["name"])]
    missing = set(item.events or ()) - {raw["name"] for raw in used}
    if missing:
        raise Invalid("the ABI has no such event", name=item.name, events=", ".join(sorted(missing)))
    if any(raw.get("anonymous") for raw in used):
        raise Invalid("an anonymous event can't be told from others", name=item.name)
    checked = msgspec.structs.replace(item, abi=used, address=parse_address(item.address))
    names = [table_of(model).name for model in models(checked.name, used)]
    if not names or len(set(names)) < len(names):
        raise Invalid("no events, or two of one name", name=item.name)
    return checked


def _wanted(item: Declaration, event: str) -> bool:
    return item.events is None or event in item.events


class AbiReader:
    """Reads the logs of one declared contract. `name` begins the names of its tables."""

    def __init__(self, name: str, abi: Sequence[Mapping[str, Any]]) -> None:
        self._events = {event.topic: event for event in map(parse_event, abi)}
        self._models = {topic: _model(name, event) for topic, event in self._events.items()}

    @property
    def models(self) -> tuple[Model, ...]:
        return tuple(self._models.values())

    def __call__(self, log: Log) -> ChainLog | None:
        topic = log.topics[0] if log.topics else ""
        event = self._events.get(topic)
        if event is None:
            return None
        values = event_values(event, log)
        columns = zip(_columns(event), event.inputs, values, strict=True)
        return DeclaredEvent(
            self._models[topic], {name: _value(param, value) for name, param, value in columns}
        )


def models(name: str, abi: Sequence[Mapping[str, Any]]) -> tuple[Model, ...]:
    return AbiReader(name, abi).models


def table_of(model: Model) -> Table:
    return cast("Table", model.__table__)


@cache
def _model(name: str, event: LogEvent) -> Model:
    """The same table is the same class for ever, as codecs and statements are kept by class."""
    table_name = f"{name}_{_snake(event.name)}"
    if len(table_name) > IDENTIFIER_CHARS_MAX:
        raise Invalid("a table's name would be too long", table=table_name)
    table = Table(
        table_name,
        MetaData(),
        Column("chain_id", BigInteger, primary_key=True),
        Column("block_number", BigInteger, primary_key=True),
        Column("log_index", Integer, primary_key=True),
        Column("block_time", Utc, nullable=False),
        Column("tx_hash", Hash32Column, nullable=False),
        Column("contract", AddressColumn, nullable=False),
        *(
            Column(column, _type(param), nullable=False)
            for column, param in zip(_columns(event), event.inputs, strict=True)
        ),
        schema=SCHEMA,
    )
    return cast("Model", type(table_name, (), {"__table__": table}))


_TAKEN = frozenset({"chain_id", "block_number", "log_index", "block_time", "tx_hash", "contract"})


def _columns(event: LogEvent) -> list[str]:
    """Names of the ABI in snake case; what is nameless goes by its place, what is taken gets a trailing _."""
    found: list[str] = []
    for place, param in enumerate(event.inputs):
        name = _snake(param.name)[: IDENTIFIER_CHARS_MAX - 8] or f"arg{place}"
        while name in _TAKEN or name in found:
            name += "_"
        found.append(name)
    return found


def _snake(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9_]", "_", spaced.lower()).strip("_")


def _type(param: Param) -> TypeEngine[Any]:
    if is_hashed(param):
        return Hash32Column()
    if param.is_list or param.components:
        return JSONB()
    if param.type.startswith(("uint", "int")):
        return BigInteger() if int(param.type.lstrip("uint")) <= _BIGINT_BITS else Numeric()
    plain: dict[str, TypeEngine[Any]] = {
        "address": AddressColumn(),
        "bool": Boolean(),
        "string": Text(),
        "bytes32": Hash32Column(),
    }
    return plain.get(param.type, LargeBinary())


def _value(param: Param, value: Any) -> Any:  # noqa: ANN401 - any ABI value
    """As the codec takes a column of that type."""
    return bytes.fromhex(value[2:]) if isinstance(_type(param), LargeBinary) else value
