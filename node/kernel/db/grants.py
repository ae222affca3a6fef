"""What the app's role may do, derived from the tables: append-only ones can't be changed by it."""

from psycopg import sql
from sqlalchemy import Connection, MetaData, Table, text

from node.kernel.db.base import APPEND_ONLY, FUNCTION_WRITTEN, MAINTAINED, UPDATABLE_COLUMNS

_MAINTAIN_SINCE = (17,)  # the version of Postgres that brought the right


def apply_grants(connection: Connection, metadata: MetaData, *, app_role: str) -> None:
    """Idempotent; run by the owner after every migration."""
    role = _quoted(app_role)
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    if owner == app_role:  # a single-role set-up by an operator: the owner keeps every right
        return
    for schema in sorted({t.schema for t in metadata.tables.values() if t.schema}):
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
        connection.execute(text(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"))
        connection.execute(text(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"))
    for table in metadata.sorted_tables:
        connection.execute(text(f"REVOKE ALL ON {table.fullname} FROM {role}"))
        connection.execute(text(f"GRANT {_rights(table)} ON {table.fullname} TO {role}"))
        if table.info.get(MAINTAINED) and (connection.dialect.server_version_info or ()) >= _MAINTAIN_SINCE:
            connection.execute(text(f"GRANT MAINTAIN ON {table.fullname} TO {role}"))
    for schema in sorted({t.schema for t in metadata.tables.values() if t.schema and _by_functions(t)}):
        connection.execute(text(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC"))
        connection.execute(text(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"))


def _rights(table: Table) -> str:
    if _by_functions(table):
        return "SELECT"
    if not table.info.get(APPEND_ONLY):
        return "SELECT, INSERT, UPDATE, DELETE"
    columns = table.info.get(UPDATABLE_COLUMNS, ())
    return "SELECT, INSERT" + (f", UPDATE ({', '.join(columns)})" if columns else "")


def _by_functions(table: Table) -> bool:
    return bool(table.info.get(FUNCTION_WRITTEN))


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)
