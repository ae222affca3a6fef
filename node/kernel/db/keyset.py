"""Lists of the query path: keyset pages, assembled in SQL.

Invariant: a cursor names the list that made it and holds one value of the right type per key column, or it is
refused before it comes near a statement. The key columns together are unique and in the order of an index.
"""

import base64
import binascii
import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

import msgspec

from node.kernel.errors import Invalid

CURSOR_CHARS_MAX = 1_000
PAGE_MAX = 100

_BIGINT = 2**63


class CursorInvalid(Invalid):
    """A cursor that this list did not hand out."""


def _whole(text: str) -> int:
    value = int(text)
    if not -_BIGINT <= value < _BIGINT:
        raise ValueError(text)
    return value


def _numeric(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,78}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _plain_text(text: str) -> str:
    if "\0" in text:
        raise ValueError(text)
    return text


def _bytea(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise ValueError(text)
    return bytes.fromhex(text[2:])


# What a value of a key column looks like as Postgres's text, and how it is read.
_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "bigint": _whole,
    "numeric": _numeric,
    "uuid": uuid.UUID,
    "text": _plain_text,
    "bytea": _bytea,
    "timestamptz": dt.datetime.fromisoformat,
}


@dataclass(frozen=True)
class Keyset:
    """A list. Its bytes are `{"items": [...], "next": "<cursor>" | null, "has_more": bool}`.

    Args:
        name: Goes into cursors, so that one list's cursor does not fit another.
        item: An expression of type json.
        source: `FROM … WHERE …` with named parameters; `WHERE true` where there is no condition.
        key: (expression, type) of each key column, the type one of `_READERS`.
    """

    name: LiteralString
    item: LiteralString
    source: LiteralString
    key: tuple[tuple[LiteralString, LiteralString], ...]
    descending: bool = True
    first: LiteralString = field(init=False)
    later: LiteralString = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", self._sql(after=False))
        object.__setattr__(self, "later", self._sql(after=True))

    def statement(
        self, params: Mapping[str, object], *, limit: int, cursor: str | None
    ) -> tuple[LiteralString, dict[str, object]]:
        """The statement of one page and its parameters.

        Raises:
            CursorInvalid: The cursor is not one of this list.
        """
        values: dict[str, object] = {
            **params,
            "page_limit": max(1, min(limit, PAGE_MAX)),
            "page_name": self.name,
        }
        if cursor is None:
            return self.first, values
        for number, value in enumerate(self._read(cursor)):
            values[f"after_{number}"] = value
        return self.later, values

    def _read(self, cursor: str) -> list[object]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            name, *texts = msgspec.json.decode(raw, type=list[str])
            values = [_READERS[kind](text) for (_, kind), text in zip(self.key, texts, strict=True)]
        except (ValueError, binascii.Error, msgspec.DecodeError) as error:
            raise CursorInvalid("the cursor is not one of this list", field="cursor") from error
        if name != self.name:
            raise CursorInvalid("the cursor belongs to another list", field="cursor")
        return values

    def _sql(self, *, after: bool) -> LiteralString:
        way = "DESC" if self.descending else "ASC"
        columns = ", ".join(expression for expression, _ in self.key)
        texts = ", ".join(f"({expression})::{kind}::text" for expression, kind in self.key)
        order = ", ".join(f"{expression} {way}" for expression, _ in self.key)
        condition = ""
        if after:
            values = ", ".join(f"%(after_{n})s::{kind}" for n, (_, kind) in enumerate(self.key))
            condition = f"AND ({columns}) {'<' if self.descending else '>'} ({values})"
        # One row more than asked for tells whether there is a next page.
        return f"""
            WITH page AS MATERIALIZED (
                SELECT {self.item} AS item, row_number() OVER (ORDER BY {order}) AS n,
                    json_build_array(%(page_name)s::text, {texts}) AS cursor
                {self.source} {condition}
                ORDER BY {order} LIMIT %(page_limit)s::int + 1
            ), more AS (
                SELECT count(*) > %(page_limit)s::int AS has_more FROM page
            )
            SELECT json_build_object(
                'items', coalesce((SELECT json_agg(item ORDER BY n) FROM page WHERE n <= %(page_limit)s::int),
                                  '[]'::json),
                'next', (SELECT translate(encode(convert_to(cursor::text, 'UTF8'), 'base64'), E'+/=\\n', '-_')
                         FROM page, more WHERE n = %(page_limit)s::int AND has_more),
                'has_more', (SELECT has_more FROM more)
            )
        """  # noqa: S608 - literals of the code only
