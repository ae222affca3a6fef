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
from dataclasses import dataclass
from functools import cache
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

    def statement(
        self, params: Mapping[str, object], *, limit: int, cursor: str | None
    ) -> tuple[LiteralString, dict[str, object]]:
        """The statement of one page and its parameters.

        Raises:
            CursorInvalid: The cursor is not one of this list.
        """
        after = [] if cursor is None else self._read(cursor)
        sql = _sql(self, limit=max(1, min(limit, PAGE_MAX)), after=bool(after))
        return sql, {**params, **{f"after_{number}": value for number, value in enumerate(after)}}

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


@cache
def _sql(keyset: Keyset, *, limit: int, after: bool) -> LiteralString:
    """The limit is part of the text: with a parameter there, Postgres plans every execution anew."""
    way = "DESC" if keyset.descending else "ASC"
    columns = ", ".join(expression for expression, _ in keyset.key)
    texts = ", ".join(f"({expression})::{kind}::text" for expression, kind in keyset.key)
    order = ", ".join(f"{expression} {way}" for expression, _ in keyset.key)
    size = str(int(limit))
    condition = ""
    if after:
        values = ", ".join(f"%(after_{n})s::{kind}" for n, (_, kind) in enumerate(keyset.key))
        condition = f"AND ({columns}) {'<' if keyset.descending else '>'} ({values})"
    # One row more than asked for tells whether there is a next page.
    return f"""
        SELECT json_build_object(
            'items', coalesce(json_agg(item ORDER BY n) FILTER (WHERE n <= {size}), '[]'::json),
            'next', CASE WHEN count(*) > {size} THEN translate(
                encode(convert_to(max(cursor) FILTER (WHERE n = {size}), 'UTF8'), 'base64'), E'+/=\\n', '-_'
            ) END,
            'has_more', count(*) > {size}
        )
        FROM (
            SELECT {keyset.item} AS item, row_number() OVER (ORDER BY {order}) AS n,
                json_build_array('{keyset.name}'::text, {texts})::text AS cursor
            {keyset.source} {condition}
            ORDER BY {order} LIMIT {size} + 1
        ) AS page
    """  # noqa: S608 - literals of the code and an int
