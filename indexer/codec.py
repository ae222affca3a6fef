"""Rows as Python values, and the forms in which Postgres takes and gives them.

A row is a dict by column name: hex strings for addresses and hashes, ints for numbers, aware datetimes. All
that reads, writes, keeps and restores rows goes through here, so a row that was kept for undo comes back
exactly as it was. Rows travel column by column, as array literals or as the text of COPY; where a row is kept
whole (undo), and in tables with columns that are arrays themselves, they travel as JSON. All of it is derived
from the tables, so it can't drift from them.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import msgspec
from sqlalchemy import ARRAY, Boolean, Integer, LargeBinary, Numeric, Table, Text
from sqlalchemy.dialects import postgresql

from node.kernel.db.base import Base
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc

Row = dict[str, Any]
Key = tuple[Any, ...]  # values of the primary key after `chain_id`, in its order
Model = type[Base]
Convert = Callable[[Any], Any]
Cells = Callable[[Sequence[Any]], list[str]]  # a column's values, as an array or COPY spells them

COPIED_FROM = 64  # rows; below, the round trips of COPY cost more than it saves

_NULL, _COPY_NULL = "NULL", "\\N"


@dataclass(frozen=True, slots=True)
class Codec:
    """How rows of one table travel. `key` are the columns of the primary key, `chain_id` first."""

    schema: str
    name: str  # of the table, without its schema
    columns: tuple[str, ...]
    types: Mapping[str, str]  # as Postgres names them
    key: tuple[str, ...]
    by_columns: bool  # False: as JSON alone
    _out: Mapping[str, Convert]  # for columns whose JSON form differs
    _in: Mapping[str, Convert]
    _cells: Mapping[str, Cells]

    def key_of(self, row: Row) -> Key:
        return tuple([row[name] for name in self.key[1:]])

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

    def arrays(self, rows: Sequence[Row], names: Sequence[str]) -> list[str]:
        """An array literal for each of these columns."""
        return [
            "{" + ",".join(_cells(self._cells[name], [row[name] for row in rows], _NULL, _quoted)) + "}"
            for name in names
        ]

    def lines(self, rows: Sequence[Row]) -> str:
        """The text of COPY, for all columns in their order."""
        return self.lines_of({name: [row[name] for row in rows] for name in self.columns})

    def lines_of(self, values: Mapping[str, list[Any]]) -> str:
        """As `lines`, of the columns' values."""
        columns = (_cells(self._cells[name], values[name], _COPY_NULL, _escaped) for name in self.columns)
        return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


class Spelt(list[Row]):
    """Rows with what is sent of them, so that it can be spelt before it is their turn.

    `arrays` are those of the columns that their statement takes; `lines` is the text of COPY, beside which
    the rows themselves may be left out.
    """

    __slots__ = ("arrays", "lines")

    def __init__(
        self, rows: Iterable[Row], *, arrays: Sequence[str] | None = None, lines: str | None = None
    ) -> None:
        super().__init__(rows)
        self.arrays = arrays
        self.lines = lines


def copied(model: Model, rows: Sequence[Row]) -> Sequence[Row]:
    """Spelt for COPY, where they are enough for it."""
    form = codec(model)
    if not form.by_columns or len(rows) < COPIED_FROM:
        return rows
    return Spelt(rows, lines=form.lines(rows))


def arrayed(model: Model, rows: Sequence[Row], columns: Sequence[str]) -> Sequence[Row]:
    form = codec(model)
    return Spelt(rows, arrays=form.arrays(rows, columns)) if form.by_columns else rows


def _cells(cells: Cells, values: list[Any], null: str, text: Callable[[str], str]) -> list[str]:
    if None in values:
        if values.count(None) == len(values):
            return [null] * len(values)
        found = iter(_cells(cells, [value for value in values if value is not None], null, text))
        return [null if value is None else next(found) for value in values]
    spelt = cells(values)
    return [text(item) for item in spelt] if cells is _texts else spelt


@cache
def codec(model: Model) -> Codec:
    table = cast("Table", model.__table__)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    converters = {str(column.name): _converters(column.type) for column in table.columns}
    cells = {str(column.name): _cells_of(column.type) for column in table.columns}
    return Codec(
        schema=str(table.schema),
        name=str(table.name),
        columns=tuple(str(column.name) for column in table.columns),
        types={str(column.name): column.type.compile(dialect=dialect) for column in table.columns},
        key=tuple(str(column.name) for column in table.primary_key.columns),
        by_columns=None not in cells.values(),
        _out={name: pair[0] for name, pair in converters.items() if pair is not None},
        _in={name: pair[1] for name, pair in converters.items() if pair is not None},
        _cells={name: spell for name, spell in cells.items() if spell is not None},
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


# ------------------------------------------------------------------------------------------ by columns


def _cells_of(kind: object) -> Cells | None:
    if isinstance(kind, AddressColumn | Hash32Column):
        return _hexes
    for types, cells in _CELLS:
        if isinstance(kind, types):
            return cells
    return None


# In arrays and in COPY alike a backslash escapes the next character, so bytes begin with two.
def _hexes(values: Sequence[str]) -> list[str]:
    """All at once: no value has an x but in its 0x."""
    return " ".join(values).replace("0x", "\\\\x").split(" ") if values else []


def _binaries(values: Sequence[bytes]) -> list[str]:
    return ["\\\\x" + value.hex() for value in values]


def _numbers(values: Sequence[int]) -> list[str]:
    return list(map(str, values))


def _truths(values: Sequence[bool]) -> list[str]:
    return ["t" if value else "f" for value in values]


def _instants(values: Sequence[dt.datetime]) -> list[str]:
    """Logs of one block share their time."""
    spelt = {value: value.isoformat() for value in set(values)}
    return [spelt[value] for value in values]


def _texts(values: Sequence[str]) -> list[str]:
    """Spelt by `_quoted` or `_escaped`, as arrays and COPY differ in it."""
    return list(values)


_CELLS: tuple[tuple[type | tuple[type, ...], Cells], ...] = (
    ((Uint256, Integer, Numeric), _numbers),
    (Utc, _instants),
    (LargeBinary, _binaries),
    (Boolean, _truths),
    (Text, _texts),
)

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
