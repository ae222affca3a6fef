"""transaction."""

import sqlalchemy as sa
from alembic import op

revision = "0010_transaction"
down_revision = "0007_listing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relayed",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("recipient", sa.LargeBinary(length=20), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("value", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("selector", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'mined') = (block_number IS NOT NULL)", name=op.f("ck_relayed_mined_has_block")
        ),
        sa.CheckConstraint(
            "state IN ('sending', 'sent', 'refused', 'unknown', 'mined')", name=op.f("ck_relayed_state")
        ),
        sa.CheckConstraint(
            "(block_number IS NULL) = (succeeded IS NULL)", name=op.f("ck_relayed_block_has_status")
        ),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_relayed_nonce")),
        sa.CheckConstraint("octet_length(recipient) = 20", name=op.f("ck_relayed_recipient")),
        sa.CheckConstraint("octet_length(sender) = 20", name=op.f("ck_relayed_sender")),
        sa.CheckConstraint("octet_length(tx_hash) = 32", name=op.f("ck_relayed_tx_hash")),
        sa.CheckConstraint("value >= 0 AND value < 2::numeric ^ 256", name=op.f("ck_relayed_value")),
        sa.PrimaryKeyConstraint("chain_id", "tx_hash", name=op.f("pk_relayed")),
        schema="transaction",
    )
    op.create_index(
        "ix_relayed_account",
        "relayed",
        ["account_id", sa.literal_column("intended_at DESC")],
        unique=False,
        schema="transaction",
    )
