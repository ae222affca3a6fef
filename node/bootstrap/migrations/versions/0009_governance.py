"""An index for the quorum at a past moment, which the DAO's views look up among the governor's logs."""

import sqlalchemy as sa
from alembic import op

revision = "0009_governance"
down_revision = "0008_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_log_quorum",
        "log",
        ["chain_id", "address", "block_number", "log_index"],
        unique=False,
        schema="chain",
        postgresql_where=sa.text(
            "topic0 = '\\x0553476bf02ef2726e8ce5ced78d63e26e602e4a2257b1f559418e24b4633997'"
        ),
    )
