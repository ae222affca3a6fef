"""Translations of markets and products, and products by currency."""

import sqlalchemy as sa
from alembic import op

revision = "0060_translation"
down_revision = "0041_foreign"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "translation",
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["thing_id"], ["market.market.id"], name=op.f("fk_translation_thing_id")),
        sa.PrimaryKeyConstraint("thing_id", "language", name=op.f("pk_translation")),
        schema="market",
    )
    op.create_table(
        "translation",
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["thing_id"], ["catalog.product.id"], name=op.f("fk_translation_thing_id")),
        sa.PrimaryKeyConstraint("thing_id", "language", name=op.f("pk_translation")),
        schema="catalog",
    )
    op.create_index(
        "ix_product_currency",
        "product",
        ["asset_address", "id"],
        unique=False,
        schema="catalog",
        postgresql_where="status = 'active'",
    )
