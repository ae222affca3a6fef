"""listing settled."""

import sqlalchemy as sa
from alembic import op

revision = "0012_listing_settled"
down_revision = "0009_governance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "listing", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True), schema="listing"
    )
    op.drop_index(op.f("ix_listing_collection_price"), table_name="listing", schema="listing")
    op.drop_index(op.f("ix_listing_price"), table_name="listing", schema="listing")
    op.create_index(
        "ix_listing_open_collection_price",
        "listing",
        ["chain_id", "collection", "currency", "price", "digest"],
        unique=False,
        schema="listing",
        postgresql_where="settled_at IS NULL",
    )
    op.create_index(
        "ix_listing_open_end",
        "listing",
        ["chain_id", "end_s"],
        unique=False,
        schema="listing",
        postgresql_where="settled_at IS NULL",
    )
    op.create_index(
        "ix_listing_open_newest",
        "listing",
        ["chain_id", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
        postgresql_where="settled_at IS NULL",
    )
    op.create_index(
        "ix_listing_open_price",
        "listing",
        ["chain_id", "currency", "price", "digest"],
        unique=False,
        schema="listing",
        postgresql_where="settled_at IS NULL",
    )
