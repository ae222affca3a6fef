"""payment incident: all incidents of money are in one table."""

from alembic import op

revision = "0094_payment_incident"
down_revision = "0093_rail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("incident", schema="payment")
