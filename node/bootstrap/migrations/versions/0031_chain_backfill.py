"""Chain backfill: indexes that only views use can be put aside while a first backfill fills empty tables."""

import sqlalchemy as sa
from alembic import op

revision = "0031_chain_backfill"
down_revision = "0055_ledger"
branch_labels = None
depends_on = None

# Not keys, nor the small partial ones. Never while another chain has rows in the same tables.
_SHED_INDEXES = """
    CREATE FUNCTION chain.shed_indexes(of_chain bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    DECLARE
        found record;
    BEGIN
        IF EXISTS (SELECT FROM chain.checkpoint WHERE chain_id <> of_chain) THEN
            RETURN false;
        END IF;
        FOR found IN
            SELECT index.relname AS name, pg_get_indexdef(index.oid) AS definition
            FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
            WHERE index.relnamespace = 'chain'::regnamespace AND NOT index.relispartition
                AND NOT indisunique AND indpred IS NULL
        LOOP
            INSERT INTO chain.shed_index (name, definition)
            VALUES (found.name, replace(found.definition, ' ON ONLY ', ' ON '));
            EXECUTE format('DROP INDEX chain.%I', found.name);
        END LOOP;
        RETURN true;
    END $$
"""
_REGROW_INDEX = """
    CREATE FUNCTION chain.regrow_index() RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET maintenance_work_mem = '128MB' AS $$
    DECLARE
        grown record;
    BEGIN
        DELETE FROM chain.shed_index WHERE name = (SELECT min(name) FROM chain.shed_index)
        RETURNING * INTO grown;
        IF FOUND THEN
            EXECUTE grown.definition;
        END IF;
        RETURN grown.name;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "shed_index",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shed_index")),
        schema="chain",
    )
    op.execute(_SHED_INDEXES)
    op.execute(_REGROW_INDEX)
    for function in ("shed_indexes(bigint)", "regrow_index()"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION chain.{function} FROM PUBLIC")
