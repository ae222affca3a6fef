"""order."""

import sqlalchemy as sa
from alembic import op

revision = "0008_order"
down_revision = "0011_asset"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handled_escrow_event",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("escrow_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("type_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_handled_escrow_event")),
        schema="orders",
        info={"append_only": True},
    )
    op.create_index(
        "ix_handled_escrow_event_order", "handled_escrow_event", ["order_id"], unique=False, schema="orders"
    )
    op.create_table(
        "shop_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("out_of_stock", sa.Boolean(), nullable=False),
        sa.Column("stock_held", sa.Boolean(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buyer_account_id", sa.Uuid(), nullable=False),
        sa.Column("seller_account_id", sa.Uuid(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column("asset_exponent", sa.SmallInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("escrow_contract", sa.LargeBinary(length=20), nullable=False),
        sa.Column("escrow_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("buyer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("seller", sa.LargeBinary(length=20), nullable=False),
        sa.Column("arbiter", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee_receiver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.Column("silence_seller_bps", sa.Integer(), nullable=False),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inspection_s", sa.BigInteger(), nullable=False),
        sa.Column("ruling_s", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("to_seller", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("to_buyer", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("fee", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.CheckConstraint(
            "(state IN ('completed', 'refunded', 'ruled')) = (ended_at IS NOT NULL)",
            name=op.f("ck_shop_order_has_ended"),
        ),
        sa.CheckConstraint(
            "state IN ('placed', 'paid', 'shipped', 'disputed', 'completed', 'refunded', 'ruled',"
            " 'cancelled', 'expired')",
            name=op.f("ck_shop_order_state"),
        ),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_shop_order_amount")),
        sa.CheckConstraint("fee >= 0 AND fee < 2::numeric ^ 256", name=op.f("ck_shop_order_fee")),
        sa.CheckConstraint("octet_length(arbiter) = 20", name=op.f("ck_shop_order_arbiter")),
        sa.CheckConstraint("octet_length(buyer) = 20", name=op.f("ck_shop_order_buyer")),
        sa.CheckConstraint("octet_length(escrow_id) = 32", name=op.f("ck_shop_order_escrow_id")),
        sa.CheckConstraint("octet_length(seller) = 20", name=op.f("ck_shop_order_seller")),
        sa.CheckConstraint(
            "quantity > 0 AND amount = unit_price * quantity", name=op.f("ck_shop_order_amount_is_price")
        ),
        sa.CheckConstraint(
            "received >= 0 AND received < 2::numeric ^ 256", name=op.f("ck_shop_order_received")
        ),
        sa.CheckConstraint(
            "to_buyer >= 0 AND to_buyer < 2::numeric ^ 256", name=op.f("ck_shop_order_to_buyer")
        ),
        sa.CheckConstraint(
            "to_seller >= 0 AND to_seller < 2::numeric ^ 256", name=op.f("ck_shop_order_to_seller")
        ),
        sa.CheckConstraint(
            "unit_price >= 0 AND unit_price < 2::numeric ^ 256", name=op.f("ck_shop_order_unit_price")
        ),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_shop_order_market_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog.product.id"], name=op.f("fk_shop_order_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_order")),
        schema="orders",
    )
    op.create_index("ix_shop_order_arbiter", "shop_order", ["arbiter", "id"], unique=False, schema="orders")
    op.create_index(
        "ix_shop_order_buyer", "shop_order", ["buyer_account_id", "id"], unique=False, schema="orders"
    )
    op.create_index("ix_shop_order_market", "shop_order", ["market_id", "id"], unique=False, schema="orders")
    op.create_index("ix_shop_order_product", "shop_order", ["product_id"], unique=False, schema="orders")
    op.create_index(
        "ix_shop_order_seller", "shop_order", ["seller_account_id", "id"], unique=False, schema="orders"
    )
    op.create_index(
        "ix_shop_order_unfunded",
        "shop_order",
        ["deadline"],
        unique=False,
        schema="orders",
        postgresql_where="state = 'placed'",
    )
    op.create_index(
        "ix_shop_order_unpaid",
        "shop_order",
        ["buyer_account_id"],
        unique=False,
        schema="orders",
        postgresql_where="state = 'placed'",
    )
    op.create_index(
        "uq_shop_order_escrow", "shop_order", ["chain_id", "escrow_id"], unique=True, schema="orders"
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_statement_digest")),
        sa.CheckConstraint("octet_length(salt) = 32", name=op.f("ck_statement_salt")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.shop_order.id"], name=op.f("fk_statement_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        schema="orders",
        info={"append_only": True},
    )
    op.create_index("ix_statement_order", "statement", ["order_id", "id"], unique=False, schema="orders")
    op.create_index("uq_statement_digest", "statement", ["digest"], unique=True, schema="orders")
