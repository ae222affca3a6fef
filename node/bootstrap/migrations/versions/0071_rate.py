"""rate."""

import sqlalchemy as sa
from alembic import op

revision = "0071_rate"
down_revision = "0070_transfer"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate",
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("per_reference", sa.Numeric(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("per_reference > 0", name=op.f("ck_rate_per_reference")),
        sa.PrimaryKeyConstraint("asset", "reference", "source", "at", name=op.f("pk_rate")),
        schema="rate",
    )
    op.create_index("ix_rate_newest", "rate", ["reference", "asset", "at"], unique=False, schema="rate")
    op.create_table(
        "exchange_quote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sold_asset", sa.Text(), nullable=False),
        sa.Column("sold", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("bought_asset", sa.Text(), nullable=False),
        sa.Column("bought", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("sold_rate", sa.Numeric(), nullable=False),
        sa.Column("bought_rate", sa.Numeric(), nullable=False),
        sa.Column("spread_bps", sa.Integer(), nullable=False),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "bought >= 0 AND bought < 2::numeric ^ 256", name=op.f("ck_exchange_quote_bought")
        ),
        sa.CheckConstraint("sold >= 0 AND sold < 2::numeric ^ 256", name=op.f("ck_exchange_quote_sold")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.account.id"], name=op.f("fk_exchange_quote_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_quote")),
        schema="rate",
    )
    op.create_index(
        "ix_exchange_quote_account", "exchange_quote", ["account_id", "id"], unique=False, schema="rate"
    )
    op.create_index(
        "ix_exchange_quote_open",
        "exchange_quote",
        ["expires_at"],
        unique=False,
        schema="rate",
        postgresql_where="executed_at IS NULL",
    )
