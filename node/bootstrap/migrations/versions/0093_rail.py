"""rail."""

from alembic import op

revision = "0093_rail"
down_revision = "0092_book"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_shop_order_rail"), "shop_order", schema="orders")
    op.create_check_constraint(
        op.f("ck_shop_order_rail"),
        "shop_order",
        "rail IN ('escrow', 'balance', 'hold', 'gateway', 'deposit', 'checkout')",
        schema="orders",
    )
