"""payout."""

import sqlalchemy as sa
from alembic import op

revision = "0072_payout"
down_revision = "0071_rate"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        schema="payout",
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("beneficiary", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'filed', 'paid', 'failed')", name=op.f("ck_payout_state")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_payout_amount")),
        sa.ForeignKeyConstraint(["file_id"], ["payout.file.id"], name=op.f("fk_payout_file_id")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_payout_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        schema="payout",
    )
    op.create_index(
        "ix_payout_file",
        "payout",
        ["file_id"],
        unique=False,
        schema="payout",
        postgresql_where="file_id IS NOT NULL",
    )
    op.create_index("ix_payout_market", "payout", ["market_id", "id"], unique=False, schema="payout")
    op.create_index(
        "ix_payout_waiting",
        "payout",
        ["asset", "id"],
        unique=False,
        schema="payout",
        postgresql_where="state = 'waiting'",
    )
    op.create_table(
        "terms",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("schedule", sa.Text(), server_default="never", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rail", sa.Text(), server_default="wallet", nullable=False),
        sa.Column("beneficiary", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("reserve_bps", sa.Integer(), nullable=True),
        sa.Column("reserve_days", sa.Integer(), nullable=True),
        sa.CheckConstraint("(schedule = 'never') = (next_at IS NULL)", name=op.f("ck_terms_next_at")),
        sa.CheckConstraint(
            "rail <> 'bank' OR (beneficiary IS NOT NULL AND iban IS NOT NULL)", name=op.f("ck_terms_bank")
        ),
        sa.CheckConstraint("reserve_bps BETWEEN 0 AND 10000", name=op.f("ck_terms_reserve_bps")),
        sa.CheckConstraint("reserve_days BETWEEN 0 AND 366", name=op.f("ck_terms_reserve_days")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_terms_market_id")),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_terms")),
        schema="payout",
    )
    op.create_index(
        "ix_terms_next_at",
        "terms",
        ["next_at"],
        unique=False,
        schema="payout",
        postgresql_where="next_at IS NOT NULL",
    )
