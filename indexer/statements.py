"""Statements over any table of the chain, built from its codec. Rows go in by columns or as JSON."""

from collections.abc import Iterable
from functools import cache
from typing import Any, LiteralString

from psycopg import sql

from indexer.codec import Model, codec


def _spelt(query: sql.Composed) -> LiteralString:
    """Once, and not again for each time that it is sent."""
    text: Any = query.as_string(None)  # made of literals, so a literal
    return text  # type: ignore[no-any-return]


def table(model: Model) -> sql.Composable:
    return sql.Identifier(codec(model).schema, codec(model).name)


def names(columns: Iterable[str], prefix: LiteralString = "") -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(column) for column in columns)


def matches(columns: Iterable[str], left: LiteralString, right: LiteralString) -> sql.Composed:
    pairs = (
        sql.SQL("{}.{} = {}.{}").format(
            sql.SQL(left), sql.Identifier(column), sql.SQL(right), sql.Identifier(column)
        )
        for column in columns
    )
    return sql.SQL(" AND ").join(pairs)


def fresh(model: Model, columns: Iterable[str]) -> sql.Composed:
    """What the caller sends along as `fresh`: an array for each of these columns, or all as one JSON text."""
    form = codec(model)
    if not form.by_columns:
        return sql.SQL("json_populate_recordset(NULL::{}, %s::json) AS fresh").format(table(model))
    arrays = sql.SQL(", ").join(sql.SQL("%s::" + form.types[column] + "[]") for column in columns)
    return sql.SQL("unnest({}) AS fresh ({})").format(arrays, names(columns))


@cache
def select_by_keys(model: Model) -> LiteralString:
    form = codec(model)
    query = sql.SQL("SELECT row_to_json(present)::text FROM {table} AS present JOIN {fresh} ON {matches}")
    key = matches(form.key, "present", "fresh")
    return _spelt(query.format(table=table(model), fresh=fresh(model, form.key), matches=key))


@cache
def insert(model: Model) -> LiteralString:
    columns = codec(model).columns
    query = sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {fresh}")
    return _spelt(query.format(table=table(model), columns=names(columns), fresh=fresh(model, columns)))


@cache
def copy(model: Model) -> LiteralString:
    return _spelt(sql.SQL("COPY {} ({}) FROM STDIN").format(table(model), names(codec(model).columns)))


@cache
def upsert(model: Model) -> LiteralString:
    form = codec(model)
    values = [name for name in form.columns if name not in form.key]
    conflict = sql.SQL(" ON CONFLICT ({key}) DO UPDATE SET ({columns}) = ROW({values})").format(
        key=names(form.key), columns=names(values), values=names(values, "excluded.")
    )
    return insert(model) + _spelt(conflict)


@cache
def patch(model: Model, columns: tuple[str, ...]) -> LiteralString:
    """Changes these columns, which are the key's and more, of rows that are there."""
    form = codec(model)
    values = [name for name in columns if name not in form.key]
    query = sql.SQL("UPDATE {table} AS present SET ({names}) = ROW({values}) FROM {fresh} WHERE {matches}")
    changed = query.format(
        table=table(model),
        names=names(values),
        values=names(values, "fresh."),
        fresh=fresh(model, columns),
        matches=matches(form.key, "present", "fresh"),
    )
    return _spelt(changed)


def delete_above(model: Model, column: str) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE chain_id = %s AND {} > %s").format(
        table(model), sql.Identifier(column)
    )


# Of the rows kept for one state, the one of the lowest undone block is how it was after block `above`.
_FIRST_KEPT = sql.SQL("""
    WITH kept AS (
        SELECT DISTINCT ON (row_key) row_key, before FROM chain.undo
        WHERE chain_id = %(chain_id)s AND block_number > %(above)s AND table_name = %(name)s
        ORDER BY row_key, block_number
    )
""")


def take_out(model: Model) -> sql.Composed:
    return _FIRST_KEPT + sql.SQL(
        "DELETE FROM {table} AS present USING kept, jsonb_populate_record(NULL::{table}, kept.row_key) AS key"
        " WHERE {matches}"
    ).format(table=table(model), matches=matches(codec(model).key, "present", "key"))


def put_back(model: Model) -> sql.Composed:
    return _FIRST_KEPT + sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {old}"
        " FROM kept, jsonb_populate_record(NULL::{table}, kept.before) AS old WHERE kept.before IS NOT NULL"
    ).format(
        table=table(model),
        columns=names(codec(model).columns),
        old=names(codec(model).columns, "old."),
    )
