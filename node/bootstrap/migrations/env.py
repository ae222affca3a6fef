"""Alembic's entry. `node.bootstrap.migrate` passes an open connection; everything is one transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text
from sqlalchemy.types import TypeDecorator

from node.bootstrap.models import METADATA, SCHEMAS

# A migration that waits for a lock makes every reader behind it wait too: better to fail and try again.
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"


def plain_type(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:  # noqa: ANN401
    """A migration is frozen: it names the database's types, not ours."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def run(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_schemas=True,
        version_table_schema="kernel",
        compare_type=True,
        include_name=lambda name, kind, _: kind != "schema" or name in SCHEMAS,
        render_item=plain_type,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
