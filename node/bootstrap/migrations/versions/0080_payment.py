"""payment."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0080_payment"
down_revision = "0072_payout"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("action", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("payer_account_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column("asset_exponent", sa.SmallInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("tax", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("shipping", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("commission_bps", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("secured", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("settled", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("returned", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("refunded", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('created', 'requires_action', 'processing', 'unknown', 'parked', "
            "'authorised', 'partly_captured', 'captured', 'partly_refunded', 'refunded', "
            "'cancelled', 'failed', 'expired')",
            name=op.f("ck_intent_state"),
        ),
        sa.CheckConstraint("amount > 0 AND tax + shipping <= amount", name=op.f("ck_intent_charge")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_intent_amount")),
        sa.CheckConstraint("commission_bps BETWEEN 0 AND 10000", name=op.f("ck_intent_commission_bps")),
        sa.CheckConstraint("refunded >= 0 AND refunded < 2::numeric ^ 256", name=op.f("ck_intent_refunded")),
        sa.CheckConstraint("returned >= 0 AND returned < 2::numeric ^ 256", name=op.f("ck_intent_returned")),
        sa.CheckConstraint("secured >= 0 AND secured < 2::numeric ^ 256", name=op.f("ck_intent_secured")),
        sa.CheckConstraint(
            "settled + returned <= secured AND refunded <= settled", name=op.f("ck_intent_conserved")
        ),
        sa.CheckConstraint("settled >= 0 AND settled < 2::numeric ^ 256", name=op.f("ck_intent_settled")),
        sa.CheckConstraint("shipping >= 0 AND shipping < 2::numeric ^ 256", name=op.f("ck_intent_shipping")),
        sa.CheckConstraint("tax >= 0 AND tax < 2::numeric ^ 256", name=op.f("ck_intent_tax")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intent")),
        schema="payment",
    )
    op.create_index("ix_intent_order", "intent", ["order_id", "id"], unique=False, schema="payment")
    op.create_index("ix_intent_payer", "intent", ["payer_account_id", "id"], unique=False, schema="payment")
    op.create_index(
        "ix_intent_pending",
        "intent",
        ["look_at"],
        unique=False,
        schema="payment",
        postgresql_where="state IN ('created', 'requires_action', 'processing', 'unknown')",
    )
    op.create_index("uq_intent_reference", "intent", ["method", "reference"], unique=True, schema="payment")
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (reason IS NULL)", name=op.f("ck_incident_resolved_whole")
        ),
        sa.ForeignKeyConstraint(["intent_id"], ["payment.intent.id"], name=op.f("fk_incident_intent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        schema="payment",
    )
    op.create_index(
        "ix_incident_open",
        "incident",
        ["id"],
        unique=False,
        schema="payment",
        postgresql_where="resolved_at IS NULL",
    )
    op.create_index(
        "uq_incident",
        "incident",
        ["intent_id", "kind"],
        unique=True,
        schema="payment",
        postgresql_where="resolved_at IS NULL",
    )
    op.create_table(
        "step",
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("market", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("commission", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("tax", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("shipping", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('secure', 'give_back') OR market + commission + tax + shipping = amount",
            name=op.f("ck_step_split"),
        ),
        sa.CheckConstraint("kind IN ('secure', 'settle', 'give_back', 'refund')", name=op.f("ck_step_kind")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_step_amount")),
        sa.CheckConstraint(
            "commission >= 0 AND commission < 2::numeric ^ 256", name=op.f("ck_step_commission")
        ),
        sa.CheckConstraint("market >= 0 AND market < 2::numeric ^ 256", name=op.f("ck_step_market")),
        sa.CheckConstraint("shipping >= 0 AND shipping < 2::numeric ^ 256", name=op.f("ck_step_shipping")),
        sa.CheckConstraint("tax >= 0 AND tax < 2::numeric ^ 256", name=op.f("ck_step_tax")),
        sa.ForeignKeyConstraint(["intent_id"], ["payment.intent.id"], name=op.f("fk_step_intent_id")),
        sa.PrimaryKeyConstraint("intent_id", "number", name=op.f("pk_step")),
        sa.UniqueConstraint("key", name=op.f("uq_step_key")),
        schema="payment",
        info={"append_only": True},
    )
    op.alter_column(
        "product", "asset_address", existing_type=postgresql.BYTEA(), nullable=True, schema="catalog"
    )
    op.drop_index(
        op.f("ix_product_currency"),
        table_name="product",
        schema="catalog",
        postgresql_where="(status = 'active'::text)",
    )
    op.create_index(
        "ix_product_currency",
        "product",
        ["asset_id", "id"],
        unique=False,
        schema="catalog",
        postgresql_where="status = 'active'",
    )
    op.add_column(
        "shop_order", sa.Column("rail", sa.Text(), nullable=False, server_default="escrow"), schema="orders"
    )
    op.alter_column("shop_order", "rail", server_default=None, schema="orders")
    op.add_column("shop_order", sa.Column("payment_id", sa.Uuid(), nullable=True), schema="orders")
    op.alter_column("shop_order", "chain_id", existing_type=sa.BIGINT(), nullable=True, schema="orders")
    op.alter_column(
        "shop_order", "escrow_contract", existing_type=postgresql.BYTEA(), nullable=True, schema="orders"
    )
    op.alter_column(
        "shop_order", "escrow_id", existing_type=postgresql.BYTEA(), nullable=True, schema="orders"
    )
    op.alter_column("shop_order", "buyer", existing_type=postgresql.BYTEA(), nullable=True, schema="orders")
    op.alter_column("shop_order", "asset", existing_type=postgresql.BYTEA(), nullable=True, schema="orders")
    op.alter_column(
        "shop_order", "fee_receiver", existing_type=postgresql.BYTEA(), nullable=True, schema="orders"
    )
    op.create_index(
        "ix_shop_order_due",
        "shop_order",
        ["deadline"],
        unique=False,
        schema="orders",
        postgresql_where="rail <> 'escrow' AND state IN ('paid', 'shipped', 'disputed')",
    )
    op.create_check_constraint(
        op.f("ck_shop_order_rail"),
        "shop_order",
        "rail IN ('escrow', 'balance', 'hold', 'gateway')",
        schema="orders",
    )
    op.create_check_constraint(
        op.f("ck_shop_order_on_chain"),
        "shop_order",
        "num_nulls(chain_id, escrow_contract, escrow_id, asset, fee_receiver) ="
        " CASE WHEN rail = 'escrow' THEN 0 ELSE 5 END AND (rail <> 'escrow' OR buyer IS NOT NULL)",
        schema="orders",
    )
