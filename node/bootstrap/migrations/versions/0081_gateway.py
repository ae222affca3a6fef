"""gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0081_gateway"
down_revision = "0080_payment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callback",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "event_id", name=op.f("pk_callback")),
        schema="gateway",
        info={"append_only": True},
    )
    op.create_index("ix_callback_payment", "callback", ["payment_id"], unique=False, schema="gateway")
    op.create_table(
        "sent_refund",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "number", name=op.f("pk_sent_refund")),
        schema="gateway",
        info={"append_only": True},
    )
