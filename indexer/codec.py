"""Rows as Python values, and the one JSON form in which Postgres takes and gives them.

A row is a dict by column name: hex strings for addresses and hashes, ints for numbers, aware datetimes. All
that reads, writes, keeps and restores rows goes through this form, so a row that was kept for undo comes back
exactly as it was. It is derived from the tables, so it can't drift from them.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import msgspec
from sqlalchemy import ARRAY, LargeBinary, Table

from node.kernel.db.base import Base
from node.kernel.db.types import AddressColumn, Hash32Column, Utc

Row = dict[str, Any]
Key = tuple[Any, ...]  # values of the primary key after `chain_id`, in its order
Model = type[Base]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Codec:
    """How rows of one table travel. `key` are the columns of the primary key, `chain_id` first."""

    name: str  # of the table, without its schema
    columns: tuple[str, ...]
    key: tuple[str, ...]
    _out: Mapping[str, Convert]  # for columns whose JSON form differs
    _in: Mapping[str, Convert]

    def key_of(self, row: Row) -> Key:
        return tuple(row[name] for name in self.key[1:])

    def key_row(self, chain_id: int, key: Key) -> Row:
        return dict(zip(self.key, (chain_id, *key), strict=True))

    def plain(self, row: Row) -> dict[str, Any]:
        """What JSON can say of a row, or of some columns of one."""
        return {
            name: value if value is None or name not in self._out else self._out[name](value)
            for name, value in row.items()
        }

    def dump(self, rows: Iterable[Row]) -> str:
        return msgspec.json.encode([self.plain(row) for row in rows]).decode()

    def load(self, text: str) -> Row:
        row: Row = json.loads(text)
        for name, convert in self._in.items():
            if row.get(name) is not None:
                row[name] = convert(row[name])
        return row


@cache
def codec(model: Model) -> Codec:
    table = cast("Table", model.__table__)
    converters = {str(column.name): _converters(column.type) for column in table.columns}
    return Codec(
        name=str(table.name),
        columns=tuple(str(column.name) for column in table.columns),
        key=tuple(str(column.name) for column in table.primary_key.columns),
        _out={name: pair[0] for name, pair in converters.items() if pair is not None},
        _in={name: pair[1] for name, pair in converters.items() if pair is not None},
    )


def _converters(kind: object) -> tuple[Convert, Convert] | None:
    if isinstance(kind, AddressColumn | Hash32Column):
        return _hex_out, _hex_in
    if isinstance(kind, Utc):
        return dt.datetime.isoformat, dt.datetime.fromisoformat
    if isinstance(kind, LargeBinary):
        return _bytes_out, _bytes_in
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, LargeBinary):
        return (lambda items: [_bytes_out(item) for item in items]), (
            lambda items: [_bytes_in(item) for item in items]
        )
    return None


def _hex_out(value: str) -> str:
    return "\\x" + value[2:]


def _hex_in(value: str) -> str:
    return "0x" + value[2:]


def _bytes_out(value: bytes) -> str:
    return "\\x" + value.hex()


def _bytes_in(value: str) -> bytes:
    return bytes.fromhex(value[2:])
