"""identity."""

import sqlalchemy as sa
from alembic import op

revision = "0003_identity"
down_revision = "0002_chain"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        schema="identity",
    )
    op.create_table(
        "nonce",
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_nonce")),
        schema="identity",
    )
    op.create_index("ix_nonce_expires_at", "nonce", ["expires_at"], unique=False, schema="identity")
    op.create_table(
        "wallet",
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(address) = 20", name=op.f("ck_wallet_address")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_wallet_account_id")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_wallet")),
        schema="identity",
    )
    op.create_index(op.f("ix_wallet_account_id"), "wallet", ["account_id"], unique=False, schema="identity")
