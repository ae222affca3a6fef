"""nft."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_nft"
down_revision = "0005_market"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metadata",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'ok') = (name IS NOT NULL)", name=op.f("ck_metadata_ok_has_name")),
        sa.CheckConstraint("state IN ('ok', 'missing', 'invalid')", name=op.f("ck_metadata_state")),
        sa.CheckConstraint("octet_length(collection) = 20", name=op.f("ck_metadata_collection")),
        sa.CheckConstraint(
            "token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_metadata_token_id")
        ),
        sa.PrimaryKeyConstraint("chain_id", "collection", "token_id", name=op.f("pk_metadata")),
        schema="nft",
    )
    op.create_table(
        "planned_collection",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("creator", sa.LargeBinary(length=20), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(address) = 20", name=op.f("ck_planned_collection_address")),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_planned_collection")),
        schema="nft",
    )
    op.create_index(
        "ix_planned_collection_market",
        "planned_collection",
        ["market_id", "chain_id", "address"],
        unique=False,
        schema="nft",
    )
