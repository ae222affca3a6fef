"""market."""

import sqlalchemy as sa
from alembic import op

revision = "0005_market"
down_revision = "0004_edge"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "market",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_account_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("payout_address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("arbiter", sa.LargeBinary(length=20), nullable=False),
        sa.Column("ship_within_s", sa.Integer(), nullable=False),
        sa.Column("inspection_s", sa.Integer(), nullable=False),
        sa.Column("ruling_s", sa.Integer(), nullable=False),
        sa.Column("silence_seller_bps", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "least(ship_within_s, inspection_s, ruling_s) > 0", name=op.f("ck_market_windows")
        ),
        sa.CheckConstraint("octet_length(arbiter) = 20", name=op.f("ck_market_arbiter")),
        sa.CheckConstraint("octet_length(payout_address) = 20", name=op.f("ck_market_payout_address")),
        sa.CheckConstraint(
            "silence_seller_bps BETWEEN 0 AND 10000", name=op.f("ck_market_silence_seller_bps")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market")),
        schema="market",
    )
    op.create_index("ix_market_owner", "market", ["owner_account_id", "id"], unique=False, schema="market")
    op.create_index("uq_market_slug", "market", ["slug"], unique=True, schema="market")
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("asset_code", sa.Text(), nullable=False),
        sa.Column("asset_exponent", sa.SmallInteger(), nullable=False),
        sa.Column("asset_address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'active', 'archived')", name=op.f("ck_product_status")),
        sa.CheckConstraint("least(available, reserved, sold) >= 0", name=op.f("ck_product_stock")),
        sa.CheckConstraint("octet_length(asset_address) = 20", name=op.f("ck_product_asset_address")),
        sa.CheckConstraint("price > 0", name=op.f("ck_product_price_positive")),
        sa.CheckConstraint("price >= 0 AND price < 2::numeric ^ 256", name=op.f("ck_product_price")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_product_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        schema="catalog",
    )
    op.create_index(
        "ix_product_active",
        "product",
        ["id"],
        unique=False,
        schema="catalog",
        postgresql_where="status = 'active'",
    )
    op.create_index("ix_product_market", "product", ["market_id", "id"], unique=False, schema="catalog")
    op.create_index(
        "ix_product_market_active",
        "product",
        ["market_id", "id"],
        unique=False,
        schema="catalog",
        postgresql_where="status = 'active'",
    )
    op.create_index(
        "uq_product_sku",
        "product",
        ["market_id", "sku"],
        unique=True,
        schema="catalog",
        postgresql_where="sku IS NOT NULL",
    )
