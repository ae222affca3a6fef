"""Chain generation: what tells the indexer that a reindex changed the tables under it."""

import sqlalchemy as sa
from alembic import op

revision = "0032_chain_generation"
down_revision = "0031_chain_backfill"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "checkpoint",
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        schema="chain",
    )
