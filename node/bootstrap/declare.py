"""Tables of declared ABIs: made by the owner's role, which alone may; filled by the app's."""

from collections.abc import Sequence

from psycopg import sql
from sqlalchemy import Connection, Table, create_engine, inspect, text

from indexer.declared import SCHEMA, Declaration, models, table_of
from node.kernel.db.unit_of_work import sqlalchemy_url
from node.kernel.errors import Conflict


def make_tables(owner_url: str, declarations: Sequence[Declaration], *, app_role: str) -> list[str]:
    """Idempotent; returns their names. A table that is there with other columns is refused."""
    tables = [table_of(model) for item in declarations for model in models(item.name, item.abi)]
    engine = create_engine(sqlalchemy_url(owner_url))
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            for table in tables:
                _make(connection, table)
            _grant(connection, tables, app_role)
    finally:
        engine.dispose()
    return [table.fullname for table in tables]


def _make(connection: Connection, table: Table) -> None:
    inspector = inspect(connection)
    if not inspector.has_table(table.name, schema=SCHEMA):
        table.create(connection)
        return
    have = {item["name"]: str(item["type"]) for item in inspector.get_columns(table.name, schema=SCHEMA)}
    want = {column.name: column.type.compile(connection.dialect) for column in table.columns}
    if {name: kind.partition(" ")[0] for name, kind in have.items()} != {
        name: kind.partition(" ")[0] for name, kind in want.items()
    }:
        raise Conflict("a table of that name has other columns; take another name", table=table.fullname)


def _grant(connection: Connection, tables: Sequence[Table], app_role: str) -> None:
    role = sql.Identifier(app_role).as_string(None)
    if connection.execute(text("SELECT current_user")).scalar_one() == app_role:
        return
    connection.execute(text(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}"))
    for table in tables:
        connection.execute(text(f'GRANT SELECT, INSERT, DELETE ON "{SCHEMA}"."{table.name}" TO {role}'))
