"""ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0055_ledger"
down_revision = "0052_delivery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("exponent BETWEEN 0 AND 36", name=op.f("ck_asset_exponent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_table(
        "block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("latest_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_block_hash")),
        sa.CheckConstraint("transfers > 0", name=op.f("ck_block_transfers")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_block")),
        sa.UniqueConstraint("up_to", name=op.f("uq_block_up_to")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_table(
        "fold",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("posted", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "block", name=op.f("pk_fold")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("captured", sa.Numeric(precision=78, scale=0), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_hold_ended")),
        sa.CheckConstraint("state IN ('open', 'captured', 'voided', 'expired')", name=op.f("ck_hold_state")),
        sa.CheckConstraint("amount > 0 AND amount < 2::numeric ^ 256", name=op.f("ck_hold_amount")),
        sa.CheckConstraint("captured BETWEEN 0 AND amount", name=op.f("ck_hold_captured")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("key", name=op.f("uq_hold_key")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_index(
        "ix_hold_account",
        "hold",
        ["account_id"],
        unique=False,
        schema="ledger",
        postgresql_where="state = 'open'",
    )
    op.create_index(
        "ix_hold_due",
        "hold",
        ["expires_at"],
        unique=False,
        schema="ledger",
        postgresql_where="state = 'open'",
    )
    op.create_table(
        "horizon",
        sa.Column("id", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("xid", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_horizon_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_horizon")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_table(
        "posting",
        sa.Column("transfer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("destination", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_balance", sa.Numeric(), nullable=True),
        sa.Column("destination_balance", sa.Numeric(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_posting_amount")),
        sa.PrimaryKeyConstraint("transfer_id", "n", name=op.f("pk_posting")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_index(
        "ix_posting_destination",
        "posting",
        ["destination", "at"],
        unique=False,
        schema="ledger",
    )
    op.create_index("ix_posting_source", "posting", ["source", "at"], unique=False, schema="ledger")
    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses", sa.BigInteger(), nullable=True),
        sa.Column("linked", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("key", name=op.f("uq_transfer_key")),
        schema="ledger",
        info={"function_written": True},
    )
    op.create_index(
        "ix_transfer_hold",
        "transfer",
        ["hold_id"],
        unique=False,
        schema="ledger",
        postgresql_where="hold_id IS NOT NULL",
    )
    op.create_index(
        "ix_transfer_reverses",
        "transfer",
        ["reverses"],
        unique=False,
        schema="ledger",
        postgresql_where="reverses IS NOT NULL",
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.Column("floor", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("posted", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("held", sa.Numeric(precision=78, scale=0), server_default="0", nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("held >= 0 AND posted - held >= floor", name=op.f("ck_account_available")),
        sa.ForeignKeyConstraint(["asset"], ["ledger.asset.id"], name=op.f("fk_account_asset")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("owner", "purpose", "asset", name=op.f("uq_account_owner_purpose_asset")),
        schema="ledger",
        info={"function_written": True},
        postgresql_with={"fillfactor": 60},
    )
