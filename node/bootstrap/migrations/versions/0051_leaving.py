"""Accounts that end, and recoveries of what was lost."""

import sqlalchemy as sa
from alembic import op

revision = "0051_leaving"
down_revision = "0050_step_up"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recovery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("wallet", sa.LargeBinary(length=20), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("is_totp", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ripe_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name=op.f("ck_recovery_ended")),
        sa.CheckConstraint(
            "num_nonnulls(wallet, phone, nullif(is_totp, false)) = 1", name=op.f("ck_recovery_one_lost")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_recovery_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery")),
        schema="identity",
    )
    op.create_index(
        "ix_recovery_account_id", "recovery", ["account_id", "asked_at"], unique=False, schema="identity"
    )
    op.create_index(
        "uq_recovery_open",
        "recovery",
        ["account_id"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column(
        "account", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True), schema="identity"
    )
    op.add_column("account", sa.Column("merged_into", sa.Uuid(), nullable=True), schema="identity")
    op.create_foreign_key(
        op.f("fk_account_merged_into"),
        "account",
        "account",
        ["merged_into"],
        ["id"],
        source_schema="identity",
        referent_schema="identity",
    )
