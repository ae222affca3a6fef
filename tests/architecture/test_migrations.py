"""Models and migrations tell the same story, and there is one story."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from node.bootstrap.migrate import alembic_config
from node.bootstrap.models import METADATA, SCHEMAS
from node.kernel.db.unit_of_work import sqlalchemy_url
from tests.stack import DatabaseUrls


def test_one_head() -> None:
    heads = ScriptDirectory.from_config(alembic_config("")).get_heads()
    assert len(heads) == 1, f"migrations fork: {heads}"


@pytest.mark.pg
def test_models_and_migrations_agree(fresh_database: DatabaseUrls) -> None:
    engine = create_engine(sqlalchemy_url(fresh_database.owner))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "version_table_schema": "kernel",
                "include_name": lambda name, kind, _: kind != "schema" or name in SCHEMAS,
            },
        )
        differences = compare_metadata(context, METADATA)
    engine.dispose()
    assert differences == []
