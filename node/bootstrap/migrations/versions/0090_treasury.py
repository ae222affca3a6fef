"""Deposits, the treasury's own transactions, incidents of money."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0090_treasury"
down_revision = "0081_gateway"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("deposit_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("deposits", sa.LargeBinary(length=20), nullable=False),
        sa.Column("destination", sa.LargeBinary(length=20), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("market_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(account_id IS NULL) <> (market_id IS NULL)", name=op.f("ck_address_one_owner")),
        sa.CheckConstraint("octet_length(address) = 20", name=op.f("ck_address_address")),
        sa.CheckConstraint("octet_length(deposit_id) = 32", name=op.f("ck_address_deposit_id")),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_address")),
        schema="deposit",
    )
    op.create_index(
        "ix_address_account", "address", ["account_id", "made_at"], unique=False, schema="deposit"
    )
    op.create_index(
        "ix_address_looked_at",
        "address",
        ["chain_id", sa.literal_column("looked_at NULLS FIRST")],
        unique=False,
        schema="deposit",
    )
    op.create_index("ix_address_market", "address", ["market_id", "made_at"], unique=False, schema="deposit")
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (reason IS NULL)", name=op.f("ck_incident_resolved_for_a_reason")
        ),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolved_by IS NULL)", name=op.f("ck_incident_resolved_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        schema="incident",
    )
    op.create_index(
        "uq_incident_open_key",
        "incident",
        ["key"],
        unique=True,
        schema="incident",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "book",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_book_hash")),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_book")),
        schema="treasury",
    )
    op.create_table(
        "mark",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_mark_hash")),
        sa.PrimaryKeyConstraint("chain_id", "number", name=op.f("pk_mark")),
        schema="treasury",
    )
    op.create_table(
        "nonce",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("octet_length(address) = 20", name=op.f("ck_nonce_address")),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_nonce")),
        schema="treasury",
    )
    op.create_table(
        "outgoing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.LargeBinary(length=20), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("to", sa.LargeBinary(length=20), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("gas", sa.BigInteger(), nullable=True),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.Column("cost", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("times", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("paid", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(nonce IS NULL) = (state IN ('queued', 'refused'))", name=op.f("ck_outgoing_nonce_by_state")
        ),
        sa.CheckConstraint(
            "(state = 'final') = (block_number IS NOT NULL)", name=op.f("ck_outgoing_final_has_block")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'numbered', 'final', 'refused')", name=op.f("ck_outgoing_state")
        ),
        sa.CheckConstraint(
            "(block_number IS NULL) = (succeeded IS NULL)", name=op.f("ck_outgoing_block_has_outcome")
        ),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_outgoing_amount")),
        sa.CheckConstraint("cost >= 0 AND cost < 2::numeric ^ 256", name=op.f("ck_outgoing_cost")),
        sa.CheckConstraint("value >= 0 AND value < 2::numeric ^ 256", name=op.f("ck_outgoing_value")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        schema="treasury",
    )
    op.create_index(
        "ix_outgoing_block", "outgoing", ["chain_id", "block_number"], unique=False, schema="treasury"
    )
    op.create_index(
        "ix_outgoing_open",
        "outgoing",
        ["chain_id", "state", "id"],
        unique=False,
        schema="treasury",
        postgresql_where=sa.text("state IN ('queued', 'numbered')"),
    )
    op.create_index("ix_outgoing_subject", "outgoing", ["subject"], unique=False, schema="treasury")
    op.create_index(
        "uq_outgoing_nonce", "outgoing", ["chain_id", "sender", "nonce"], unique=True, schema="treasury"
    )
    op.create_table(
        "tracked",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("octet_length(address) = 20", name=op.f("ck_tracked_address")),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_tracked")),
        schema="treasury",
    )
    op.create_table(
        "deposit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("frozen", sa.Numeric(precision=78, scale=0), server_default=sa.text("0"), nullable=False),
        sa.Column("credited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('credited', 'vanished', 'forgiven', 'clawed_back')", name=op.f("ck_deposit_state")
        ),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_deposit_amount")),
        sa.CheckConstraint("frozen >= 0 AND frozen < 2::numeric ^ 256", name=op.f("ck_deposit_frozen")),
        sa.CheckConstraint("octet_length(block_hash) = 32", name=op.f("ck_deposit_block_hash")),
        sa.CheckConstraint("octet_length(tx_hash) = 32", name=op.f("ck_deposit_tx_hash")),
        sa.ForeignKeyConstraint(
            ["chain_id", "address"],
            ["deposit.address.chain_id", "deposit.address.address"],
            name=op.f("fk_deposit_chain_id_address"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit")),
        schema="deposit",
    )
    op.create_index(
        "ix_deposit_address", "deposit", ["chain_id", "address", "asset"], unique=False, schema="deposit"
    )
    op.create_index(
        "ix_deposit_block", "deposit", ["chain_id", "block_number"], unique=False, schema="deposit"
    )
    op.create_index("ix_deposit_owner", "deposit", ["owner", "id"], unique=False, schema="deposit")
    op.create_table(
        "attempt",
        sa.Column("outgoing_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("max_fee", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("max_priority_fee", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["outgoing_id"], ["treasury.outgoing.id"], name=op.f("fk_attempt_outgoing_id")
        ),
        sa.PrimaryKeyConstraint("outgoing_id", "number", name=op.f("pk_attempt")),
        sa.UniqueConstraint("tx_hash", name=op.f("uq_attempt_tx_hash")),
        schema="treasury",
        info={"append_only": True, "updatable_columns": ("sent_at",)},
    )
