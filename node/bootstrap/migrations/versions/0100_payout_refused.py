"""payout refused."""

import sqlalchemy as sa
from alembic import op

revision = "0100_payout_refused"
down_revision = "0094_payment_incident"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payout",
        sa.Column("refused", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema="chain",
    )
    op.alter_column("payout", "refused", server_default=None, schema="chain")
