"""Whether a chain's book is whole at its block."""

import sqlalchemy as sa
from alembic import op

revision = "0092_book"
down_revision = "0091_withdrawal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "book",
        sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="treasury",
    )
