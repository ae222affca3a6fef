"""Contracts that are not ours: tokens by standard, others by a declared ABI."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041_foreign"
down_revision = "0040_incident"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "foreign_balance",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("balance", sa.Numeric(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_foreign_balance_token_id")
        ),
        sa.PrimaryKeyConstraint(
            "chain_id", "contract", "holder", "token_id", name=op.f("pk_foreign_balance")
        ),
        schema="chain",
    )
    op.create_index(
        "ix_foreign_balance_holder",
        "foreign_balance",
        ["chain_id", "holder", "contract", "token_id"],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "foreign_contract",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("from_block", sa.BigInteger(), nullable=False),
        sa.Column("done_block", sa.BigInteger(), nullable=False),
        sa.Column("from_birth", sa.Boolean(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("decimals", sa.Integer(), nullable=True),
        sa.Column("abi", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_foreign_contract")),
        schema="chain",
    )
    op.create_table(
        "foreign_token",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_foreign_token_token_id")
        ),
        sa.PrimaryKeyConstraint("chain_id", "contract", "token_id", name=op.f("pk_foreign_token")),
        schema="chain",
    )
    op.create_index(
        "ix_foreign_token_owner",
        "foreign_token",
        ["chain_id", "owner", "contract", "token_id"],
        unique=False,
        schema="chain",
    )
    op.create_table(
        "foreign_transfer",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("recipient", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("block_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_foreign_transfer_amount")
        ),
        sa.CheckConstraint(
            "token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_foreign_transfer_token_id")
        ),
        sa.PrimaryKeyConstraint(
            "chain_id", "block_number", "log_index", "item", name=op.f("pk_foreign_transfer")
        ),
        schema="chain",
    )
    op.create_index(
        "ix_foreign_transfer_contract",
        "foreign_transfer",
        ["chain_id", "contract", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_foreign_transfer_recipient",
        "foreign_transfer",
        [
            "chain_id",
            "recipient",
            sa.literal_column("block_number DESC"),
            sa.literal_column("log_index DESC"),
        ],
        unique=False,
        schema="chain",
    )
    op.create_index(
        "ix_foreign_transfer_sender",
        "foreign_transfer",
        ["chain_id", "sender", sa.literal_column("block_number DESC"), sa.literal_column("log_index DESC")],
        unique=False,
        schema="chain",
    )
