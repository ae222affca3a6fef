"""Chain partitions: raw logs and transfers by chain and block range, and only the indexes that views use.

Rows that are there move into one first partition per chain.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030_chain_partitions"
down_revision = "0016_escrow_growth"
branch_labels = None
depends_on = None

# The app's role may create nothing, so the owner's functions do it. Attaching a table that was made beside
# blocks neither readers nor writers.
_MAKE_PARTITION = """
    CREATE FUNCTION chain.make_partition(of_chain bigint, first_block bigint, end_block bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    DECLARE
        parent text;
        child text;
    BEGIN
        FOREACH parent IN ARRAY ARRAY['log', 'transfer'] LOOP
            child := format('%s_%s_%s', parent, of_chain, first_block);
            EXECUTE format('CREATE TABLE chain.%I (LIKE chain.%I INCLUDING ALL)', child, parent);
            EXECUTE format(
                'ALTER TABLE chain.%I ATTACH PARTITION chain.%I FOR VALUES FROM (%s, %s) TO (%s, %s)',
                parent, child, of_chain, first_block, of_chain, end_block);
        END LOOP;
        INSERT INTO chain.partition (chain_id, first_block, end_block)
        VALUES (of_chain, first_block, end_block);
    END $$
"""
# What views read of raw logs, and logs that could not be decoded, outlive the others.
_THIN_LOGS = """
    CREATE FUNCTION chain.thin_logs(of_chain bigint, of_first_block bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    DECLARE
        child text := format('log_%s_%s', of_chain, of_first_block);
        ends bigint;
    BEGIN
        UPDATE chain.partition SET thinned = true
        WHERE chain_id = of_chain AND first_block = of_first_block AND NOT thinned
        RETURNING end_block INTO STRICT ends;
        EXECUTE format('CREATE TABLE chain.%I (LIKE chain.log INCLUDING ALL)', child || '_thin');
        EXECUTE format('INSERT INTO chain.%I SELECT log.* FROM chain.%I AS log WHERE log.error IS NOT NULL
            OR EXISTS (SELECT FROM chain.contract WHERE contract.chain_id = log.chain_id
                AND contract.address = log.address AND contract.kind IN (''governor'', ''timelock''))',
            child || '_thin', child);
        EXECUTE format('DROP TABLE chain.%I', child);
        EXECUTE format('ALTER TABLE chain.%I RENAME TO %I', child || '_thin', child);
        EXECUTE format('ALTER TABLE chain.log ATTACH PARTITION chain.%I FOR VALUES FROM (%s, %s) TO (%s, %s)',
            child, of_chain, of_first_block, of_chain, ends);
    END $$
"""
_FIRST_PARTITIONS = """
    SELECT chain.make_partition(chain_id, 0, greatest(number, head_number) + 1000) FROM chain.checkpoint
"""


def upgrade() -> None:
    op.create_table(
        "partition",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.Column("end_block", sa.BigInteger(), nullable=False),
        sa.Column("thinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "first_block", name=op.f("pk_partition")),
        schema="chain",
    )
    op.drop_index("ix_block_hash", table_name="block", schema="chain")
    op.drop_column("log", "block_hash", schema="chain")
    for table in ("log", "transfer"):
        op.rename_table(table, f"{table}_before", schema="chain")
        op.execute(
            f"CREATE TABLE chain.{table} (LIKE chain.{table}_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
            " PARTITION BY RANGE (chain_id, block_number)"
        )
    op.execute(_MAKE_PARTITION)
    op.execute(_THIN_LOGS)
    for function in ("make_partition(bigint, bigint, bigint)", "thin_logs(bigint, bigint)"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION chain.{function} FROM PUBLIC")
    op.execute(_FIRST_PARTITIONS)
    for table in ("log", "transfer"):
        op.execute(f"INSERT INTO chain.{table} SELECT * FROM chain.{table}_before")  # noqa: S608 - literals
        op.drop_table(f"{table}_before", schema="chain")
        op.create_primary_key(
            op.f(f"pk_{table}"), table, ["chain_id", "block_number", "log_index"], schema="chain"
        )
    op.create_index(
        "ix_log_undecoded",
        "log",
        ["chain_id", "block_number"],
        unique=False,
        schema="chain",
        postgresql_where="error IS NOT NULL",
    )
    op.create_index(
        "ix_log_topic",
        "log",
        ["chain_id", "address", "topic0", "block_number", "log_index"],
        unique=False,
        schema="chain",
        postgresql_where="topic0 IN ("
        "'\\x0553476bf02ef2726e8ce5ced78d63e26e602e4a2257b1f559418e24b4633997'::bytea, "
        "'\\x20fda5fd27a1ea7bf5b9567f143ac5470bb059374a27e8f67cb44f946f6d0387'::bytea, "
        "'\\xbaa1eb22f2a492ba1a5fea61b8df4d27c6c8b5f3971e63bb58fa14ff72eedb70'::bytea, "
        "'\\xc2617efa69bab66782fa219543714338489c4e9e178271560a91b82c3f612b58'::bytea, "
        "'\\x11c24f4ead16507c69ac467fbd5e4eed5fb5c699626d2cc6d66421df253886d5'::bytea)",
    )
    op.create_index(
        "ix_transfer_token",
        "transfer",
        [
            "chain_id",
            "collection",
            "token_id",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
