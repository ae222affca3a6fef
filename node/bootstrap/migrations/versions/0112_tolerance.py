"""tolerance: what deposits brought, and what the node added to those that were almost enough."""

import sqlalchemy as sa
from alembic import op

revision = "0112_tolerance"
down_revision = "0111_remittance"
branch_labels = None
depends_on = None

AMOUNT = sa.Numeric(precision=78, scale=0)


def upgrade() -> None:
    covered = sa.Column("covered", AMOUNT, server_default="0", nullable=False)
    op.add_column("intent", covered, schema="payment")
    op.add_column("intent", sa.Column("received", AMOUNT, nullable=True), schema="payment")
    for name in ("covered", "received"):
        check = f"{name} >= 0 AND {name} < 2::numeric ^ 256"
        op.create_check_constraint(op.f(f"ck_intent_{name}"), "intent", check, schema="payment")
    op.create_check_constraint(
        op.f("ck_intent_covered_part"), "intent", "covered <= amount", schema="payment"
    )
