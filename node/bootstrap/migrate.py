"""Brings a database to the newest schema. Runs as the owner role, never inside the app.

Tables are changed by migrations; functions are code, and made anew from their sources after them.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from node.bootstrap.functions import FUNCTIONS
from node.bootstrap.models import METADATA, SCHEMAS
from node.kernel.db.grants import apply_grants
from node.kernel.db.unit_of_work import sqlalchemy_url

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x_A50D_0002  # two `migrate` at once queue here


def alembic_config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = owner_url
    return config


def upgrade(owner_url: str, *, app_role: str) -> None:
    """Idempotent: makes schemas, applies migrations, then grants the app's role what it may do."""
    engine = create_engine(sqlalchemy_url(owner_url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            for schema in SCHEMAS:
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
            _regrow_indexes(connection)
            config = alembic_config(owner_url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            for source in FUNCTIONS:
                connection.exec_driver_sql(source)
            apply_grants(connection, METADATA, app_role=app_role)
    finally:
        engine.dispose()


def _regrow_indexes(connection: Connection) -> None:
    """Migrations find each index that is declared, also in the middle of the indexer's first backfill."""
    if connection.execute(text("SELECT to_regproc('chain.regrow_index')")).scalar() is None:
        return
    while connection.execute(text("SELECT chain.regrow_index()")).scalar() is not None:
        pass
