"""Orders that can be appealed, and releases that buyers sign."""

import sqlalchemy as sa
from alembic import op

revision = "0025_appeal"
down_revision = "0020_suite"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signed_release",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("deadline_s", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_signed_release_amount")
        ),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_signed_release_nonce")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_signed_release_digest")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.shop_order.id"], name=op.f("fk_signed_release_order_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_signed_release")),
        schema="orders",
        info={"append_only": True},
    )
    op.create_index(
        "ix_signed_release_order", "signed_release", ["order_id", "signed_at"], unique=False, schema="orders"
    )
    op.add_column("shop_order", sa.Column("court", sa.LargeBinary(length=20), nullable=True), schema="orders")
    op.add_column("shop_order", sa.Column("appeal_window_s", sa.BigInteger(), nullable=True), schema="orders")
    op.add_column("shop_order", sa.Column("court_time_s", sa.BigInteger(), nullable=True), schema="orders")
    op.create_check_constraint(
        op.f("ck_shop_order_appeal_whole"),
        "shop_order",
        "num_nulls(court, appeal_window_s, court_time_s) IN (0, 3)",
        schema="orders",
    )
