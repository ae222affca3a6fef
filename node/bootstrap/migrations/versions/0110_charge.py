"""charge: taxes and ways of shipping of markets; orders say what they are made up of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0110_charge"
down_revision = "0101_payout_address"
branch_labels = None
depends_on = None

AMOUNTS = ("goods", "shipping", "tax", "shipping_tax")


def upgrade() -> None:
    op.create_table(
        "shipping_method",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column("asset_exponent", sa.SmallInteger(), nullable=False),
        sa.Column("price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("further", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("free_from", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("is_taxed", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("countries <> '{}'", name=op.f("ck_shipping_method_countries")),
        sa.CheckConstraint(
            "free_from >= 0 AND free_from < 2::numeric ^ 256", name=op.f("ck_shipping_method_free_from")
        ),
        sa.CheckConstraint(
            "further >= 0 AND further < 2::numeric ^ 256", name=op.f("ck_shipping_method_further")
        ),
        sa.CheckConstraint("price >= 0 AND price < 2::numeric ^ 256", name=op.f("ck_shipping_method_price")),
        sa.ForeignKeyConstraint(
            ["market_id"], ["market.market.id"], name=op.f("fk_shipping_method_market_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_method")),
        schema="charge",
    )
    op.create_index(
        "ix_shipping_method_market", "shipping_method", ["market_id", "id"], unique=False, schema="charge"
    )
    op.create_table(
        "tax",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_included", sa.Boolean(), nullable=False),
        sa.Column("standard_bps", sa.Integer(), nullable=False),
        sa.Column("reduced_bps", sa.Integer(), nullable=True),
        sa.Column("super_reduced_bps", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_tax_country")),
        sa.CheckConstraint("reduced_bps BETWEEN 0 AND 10000", name=op.f("ck_tax_reduced_bps")),
        sa.CheckConstraint("standard_bps BETWEEN 0 AND 10000", name=op.f("ck_tax_standard_bps")),
        sa.CheckConstraint("super_reduced_bps BETWEEN 0 AND 10000", name=op.f("ck_tax_super_reduced_bps")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_tax_market_id")),
        sa.PrimaryKeyConstraint("market_id", "country", name=op.f("pk_tax")),
        schema="charge",
    )
    op.add_column(
        "product",
        sa.Column("tax_class", sa.Text(), server_default="standard", nullable=False),
        schema="catalog",
    )
    op.add_column(
        "product",
        sa.Column("needs_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        schema="catalog",
    )
    op.create_check_constraint(
        op.f("ck_product_tax_class"),
        "product",
        "tax_class IN ('standard', 'reduced', 'super_reduced', 'zero')",
        schema="catalog",
    )
    # Orders that were placed before cost their goods and nothing else. The defaults go again: whoever places
    # an order says it all.
    for name in ("goods", "shipping", "tax", "shipping_tax", "tax_bps", "shipping_tax_bps"):
        kind = sa.Integer() if name.endswith("bps") else sa.Numeric(precision=78, scale=0)
        zero = sa.Column(name, kind, server_default="0", nullable=False)
        op.add_column("shop_order", zero, schema="orders")
        if name in AMOUNTS:
            check = f"{name} >= 0 AND {name} < 2::numeric ^ 256"
            op.create_check_constraint(op.f(f"ck_shop_order_{name}"), "shop_order", check, schema="orders")
    included: sa.Column[bool] = sa.Column(
        "tax_included", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("shop_order", included, schema="orders")
    for name in ("tax_name", "country", "shipping_name"):
        op.add_column("shop_order", sa.Column(name, sa.Text(), nullable=True), schema="orders")
    op.add_column("shop_order", sa.Column("shipping_method_id", sa.Uuid(), nullable=True), schema="orders")
    op.execute("UPDATE orders.shop_order SET goods = amount")
    for name in (*AMOUNTS, "tax_bps", "shipping_tax_bps", "tax_included"):
        op.alter_column("shop_order", name, server_default=None, schema="orders")
    op.drop_constraint(op.f("ck_shop_order_amount_is_price"), "shop_order", schema="orders")
    op.create_check_constraint(
        op.f("ck_shop_order_amount_is_charged"),
        "shop_order",
        "quantity > 0 AND amount = goods + shipping + tax",
        schema="orders",
    )
    op.create_check_constraint(
        op.f("ck_shop_order_goods_are_price"),
        "shop_order",
        "shipping_tax <= tax AND unit_price * quantity ="
        " goods + CASE WHEN tax_included THEN tax - shipping_tax ELSE 0 END",
        schema="orders",
    )
