"""listing."""

import sqlalchemy as sa
from alembic import op

revision = "0007_listing"
down_revision = "0006_nft"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("seller", sa.LargeBinary(length=20), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("token_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("currency", sa.LargeBinary(length=20), nullable=False),
        sa.Column("price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("min_proceeds", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("buyer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("epoch", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("epoch >= 0 AND epoch < 2::numeric ^ 256", name=op.f("ck_listing_epoch")),
        sa.CheckConstraint(
            "min_proceeds >= 0 AND min_proceeds < 2::numeric ^ 256", name=op.f("ck_listing_min_proceeds")
        ),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_listing_nonce")),
        sa.CheckConstraint("octet_length(buyer) = 20", name=op.f("ck_listing_buyer")),
        sa.CheckConstraint("octet_length(collection) = 20", name=op.f("ck_listing_collection")),
        sa.CheckConstraint("octet_length(currency) = 20", name=op.f("ck_listing_currency")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_listing_digest")),
        sa.CheckConstraint("octet_length(exchange) = 20", name=op.f("ck_listing_exchange")),
        sa.CheckConstraint("octet_length(seller) = 20", name=op.f("ck_listing_seller")),
        sa.CheckConstraint("price > 0 AND min_proceeds <= price", name=op.f("ck_listing_price_sane")),
        sa.CheckConstraint("price >= 0 AND price < 2::numeric ^ 256", name=op.f("ck_listing_price")),
        sa.CheckConstraint("0 <= start_s AND start_s <= end_s", name=op.f("ck_listing_window")),
        sa.CheckConstraint("token_id >= 0 AND token_id < 2::numeric ^ 256", name=op.f("ck_listing_token_id")),
        sa.PrimaryKeyConstraint("chain_id", "digest", name=op.f("pk_listing")),
        schema="listing",
    )
    op.create_index(
        "ix_listing_collection",
        "listing",
        ["chain_id", "collection", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_listing_collection_price",
        "listing",
        ["chain_id", "collection", "currency", "price", "digest"],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_listing_newest",
        "listing",
        ["chain_id", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_listing_nonce",
        "listing",
        ["chain_id", "exchange", "seller", "nonce"],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_listing_price",
        "listing",
        ["chain_id", "currency", "price", "digest"],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_listing_seller",
        "listing",
        ["chain_id", "seller", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_listing_token",
        "listing",
        [
            "chain_id",
            "collection",
            "token_id",
            sa.literal_column("created_at DESC"),
            sa.literal_column("digest DESC"),
        ],
        unique=False,
        schema="listing",
    )
    op.create_table(
        "nonce_counter",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("seller", sa.LargeBinary(length=20), nullable=False),
        sa.Column("next_nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.CheckConstraint(
            "next_nonce >= 0 AND next_nonce < 2::numeric ^ 256", name=op.f("ck_nonce_counter_next_nonce")
        ),
        sa.PrimaryKeyConstraint("chain_id", "exchange", "seller", name=op.f("pk_nonce_counter")),
        schema="listing",
    )
