"""Escrows in parts, with settlements, appeals and signed releases; quotes for several units."""

import sqlalchemy as sa
from alembic import op

revision = "0016_escrow_growth"
down_revision = "0015_phone"
branch_labels = None
depends_on = None

_STATES = ("placed", "paid", "shipped", "disputed", "completed", "refunded", "ruled", "cancelled", "expired")
_NEW_STATES = ("proposed", "appealed", "settled")


def upgrade() -> None:
    op.create_table(
        "escrow_settlement",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("escrow_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("party", sa.LargeBinary(length=20), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("to_seller", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("held", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("held >= 0 AND held < 2::numeric ^ 256", name=op.f("ck_escrow_settlement_held")),
        sa.CheckConstraint(
            "to_seller >= 0 AND to_seller < 2::numeric ^ 256", name=op.f("ck_escrow_settlement_to_seller")
        ),
        sa.PrimaryKeyConstraint("chain_id", "escrow_id", "party", name=op.f("pk_escrow_settlement")),
        schema="chain",
    )
    op.create_table(
        "escrow_signature",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("escrow_id", sa.LargeBinary(length=32), nullable=True),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_escrow_signature_nonce")),
        sa.PrimaryKeyConstraint("chain_id", "contract", "signer", "nonce", name=op.f("pk_escrow_signature")),
        schema="chain",
    )
    op.create_table(
        "quote_fill",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("filled", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("filled >= 0 AND filled < 2::numeric ^ 256", name=op.f("ck_quote_fill_filled")),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_quote_fill_nonce")),
        sa.CheckConstraint(
            "quantity >= 0 AND quantity < 2::numeric ^ 256", name=op.f("ck_quote_fill_quantity")
        ),
        sa.PrimaryKeyConstraint("chain_id", "exchange", "signer", "nonce", name=op.f("pk_quote_fill")),
        schema="chain",
    )
    op.create_table(
        "quote_group",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("group_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_log", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "group_id >= 0 AND group_id < 2::numeric ^ 256", name=op.f("ck_quote_group_group_id")
        ),
        sa.PrimaryKeyConstraint("chain_id", "exchange", "signer", "group_id", name=op.f("pk_quote_group")),
        schema="chain",
    )
    op.add_column("escrow", sa.Column("court", sa.LargeBinary(length=20), nullable=True), schema="chain")
    op.add_column("escrow", sa.Column("appeal_window_s", sa.BigInteger(), nullable=True), schema="chain")
    op.add_column("escrow", sa.Column("court_time_s", sa.BigInteger(), nullable=True), schema="chain")
    op.add_column(
        "escrow",
        sa.Column("proposed_to_seller", sa.Numeric(precision=78, scale=0), nullable=True),
        schema="chain",
    )
    op.add_column(
        "escrow", sa.Column("proposed_reason", sa.LargeBinary(length=32), nullable=True), schema="chain"
    )
    op.add_column(
        "escrow", sa.Column("appealed_by", sa.LargeBinary(length=20), nullable=True), schema="chain"
    )
    op.add_column(
        "escrow_event", sa.Column("held", sa.Numeric(precision=78, scale=0), nullable=True), schema="chain"
    )
    for table, column in (("escrow", "proposed_to_seller"), ("escrow_event", "held")):
        op.create_check_constraint(
            op.f(f"ck_{table}_{column}"),
            table,
            f"{column} >= 0 AND {column} < 2::numeric ^ 256",
            schema="chain",
        )
    ends = "state IN ('completed', 'refunded', 'ruled', 'settled')"
    for old, name, condition in (
        ("state", "state", f"state IN {(*_STATES, *_NEW_STATES)}"),
        ("has_ended", "ended", f"({ends}) = (ended_at IS NOT NULL)"),
    ):
        op.drop_constraint(op.f(f"ck_shop_order_{old}"), "shop_order", schema="orders")
        op.create_check_constraint(op.f(f"ck_shop_order_{name}"), "shop_order", condition, schema="orders")
