"""Withdrawals by the chain."""

import sqlalchemy as sa
from alembic import op

revision = "0091_withdrawal"
down_revision = "0090_treasury"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("to", sa.LargeBinary(length=20), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("outgoing_id", sa.Uuid(), nullable=True),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(outgoing_id IS NOT NULL) = (state IN ('sending', 'done', 'failed'))",
            name=op.f("ck_withdrawal_sent_by_outbox"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'done', 'booked', 'cancelled', 'rejected', 'failed')",
            name=op.f("ck_withdrawal_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_withdrawal_something")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_withdrawal_amount")),
        sa.CheckConstraint('octet_length("to") = 20', name=op.f("ck_withdrawal_to")),
        sa.CheckConstraint("octet_length(tx_hash) = 32", name=op.f("ck_withdrawal_tx_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
        schema="withdrawal",
    )
    op.create_index(
        "ix_withdrawal_account",
        "withdrawal",
        ["account_id", "asset", "requested_at"],
        unique=False,
        schema="withdrawal",
    )
    op.create_index(
        "ix_withdrawal_waiting",
        "withdrawal",
        ["requested_at"],
        unique=False,
        schema="withdrawal",
        postgresql_where=sa.text("state = 'waiting'"),
    )
