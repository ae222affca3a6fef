"""Quotes: offers, bundles and prices that move."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_quote"
down_revision = "0026_ballot"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quote",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("exchange", sa.LargeBinary(length=20), nullable=False),
        sa.Column("maker", sa.LargeBinary(length=20), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=20), nullable=False),
        sa.Column("criteria", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("currency", sa.LargeBinary(length=20), nullable=False),
        sa.Column("start_price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("end_price", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("min_proceeds", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("taker", sa.LargeBinary(length=20), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("end_s", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("group_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("epoch", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("items", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("token_ids", sa.ARRAY(sa.Numeric(precision=78, scale=0)), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(scope = 'bundle') = (items IS NOT NULL)", name=op.f("ck_quote_bundle_has_items")
        ),
        sa.CheckConstraint(
            "(scope = 'trait') = (token_ids IS NOT NULL)", name=op.f("ck_quote_trait_has_tokens")
        ),
        sa.CheckConstraint(
            "scope IN ('token', 'collection', 'trait', 'bundle')", name=op.f("ck_quote_scope")
        ),
        sa.CheckConstraint("side IN ('sell', 'buy')", name=op.f("ck_quote_side")),
        sa.CheckConstraint("standard IN ('erc721', 'erc1155')", name=op.f("ck_quote_standard")),
        sa.CheckConstraint("0 <= start_s AND start_s <= end_s", name=op.f("ck_quote_window")),
        sa.CheckConstraint("criteria >= 0 AND criteria < 2::numeric ^ 256", name=op.f("ck_quote_criteria")),
        sa.CheckConstraint(
            "end_price >= 0 AND end_price < 2::numeric ^ 256", name=op.f("ck_quote_end_price")
        ),
        sa.CheckConstraint("epoch >= 0 AND epoch < 2::numeric ^ 256", name=op.f("ck_quote_epoch")),
        sa.CheckConstraint("group_id >= 0 AND group_id < 2::numeric ^ 256", name=op.f("ck_quote_group_id")),
        sa.CheckConstraint(
            "min_proceeds >= 0 AND min_proceeds < 2::numeric ^ 256", name=op.f("ck_quote_min_proceeds")
        ),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_quote_nonce")),
        sa.CheckConstraint("octet_length(collection) = 20", name=op.f("ck_quote_collection")),
        sa.CheckConstraint("octet_length(currency) = 20", name=op.f("ck_quote_currency")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_quote_digest")),
        sa.CheckConstraint("octet_length(exchange) = 20", name=op.f("ck_quote_exchange")),
        sa.CheckConstraint("octet_length(maker) = 20", name=op.f("ck_quote_maker")),
        sa.CheckConstraint("octet_length(taker) = 20", name=op.f("ck_quote_taker")),
        sa.CheckConstraint(
            "quantity > 0 AND start_price > 0 AND end_price > 0", name=op.f("ck_quote_above_zero")
        ),
        sa.CheckConstraint("quantity >= 0 AND quantity < 2::numeric ^ 256", name=op.f("ck_quote_quantity")),
        sa.CheckConstraint(
            "start_price >= 0 AND start_price < 2::numeric ^ 256", name=op.f("ck_quote_start_price")
        ),
        sa.PrimaryKeyConstraint("chain_id", "digest", name=op.f("pk_quote")),
        schema="listing",
        info={"append_only": True},
    )
    op.create_index(
        "ix_quote_collection",
        "quote",
        ["chain_id", "collection", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_quote_maker",
        "quote",
        ["chain_id", "maker", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_quote_newest",
        "quote",
        ["chain_id", sa.literal_column("created_at DESC"), sa.literal_column("digest DESC")],
        unique=False,
        schema="listing",
    )
    op.create_index(
        "ix_quote_nonce", "quote", ["chain_id", "exchange", "maker", "nonce"], unique=False, schema="listing"
    )
    op.create_index("ix_sale_tx", "sale", ["chain_id", "tx_hash"], unique=False, schema="chain")
