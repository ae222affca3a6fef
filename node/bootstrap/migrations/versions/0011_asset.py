"""asset."""

import sqlalchemy as sa
from alembic import op

revision = "0011_asset"
down_revision = "0010_transaction"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("exponent BETWEEN 0 AND 255", name=op.f("ck_asset_exponent")),
        sa.CheckConstraint("octet_length(address) = 20", name=op.f("ck_asset_address")),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_asset")),
        schema="asset",
    )
