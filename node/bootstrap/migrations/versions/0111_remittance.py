"""remittance: collected tax that was paid out."""

import sqlalchemy as sa
from alembic import op

revision = "0111_remittance"
down_revision = "0110_charge"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remittance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("receiver IN ('market', 'authority')", name=op.f("ck_remittance_receiver")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_remittance_amount")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_remittance_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance")),
        schema="charge",
        info={"append_only": True},
    )
    op.create_index(
        "ix_remittance_market", "remittance", ["market_id", "asset_id"], unique=False, schema="charge"
    )
