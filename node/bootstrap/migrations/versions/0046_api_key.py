"""API keys and their secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0046_api_key"
down_revision = "0045_member"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_key_per_minute")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_api_key_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        schema="identity",
    )
    op.create_index("ix_api_key_account", "api_key", ["account_id", "id"], unique=False, schema="identity")
    op.create_index(
        "ix_api_key_market",
        "api_key",
        ["market_id", "id"],
        unique=False,
        schema="identity",
        postgresql_where="market_id IS NOT NULL",
    )
    op.create_table(
        "api_key_secret",
        sa.Column("lookup", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_api_key_secret_digest")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["identity.api_key.id"], name=op.f("fk_api_key_secret_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_api_key_secret")),
        schema="identity",
    )
    op.create_index("ix_api_key_secret_key_id", "api_key_secret", ["key_id"], unique=False, schema="identity")
