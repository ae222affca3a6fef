"""Roles of the node and of markets; invitations; accounts that are frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0045_member"
down_revision = "0032_chain_generation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "role_grant",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('admin', 'operator', 'arbiter')", name=op.f("ck_role_grant_role")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.account.id"], name=op.f("fk_role_grant_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "role", name=op.f("pk_role_grant")),
        schema="identity",
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("wallet", sa.LargeBinary(length=20), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('manager', 'staff', 'accountant')", name=op.f("ck_invitation_role")),
        sa.CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name=op.f("ck_invitation_one_end")),
        sa.CheckConstraint(
            "num_nonnulls(phone, wallet, digest) = 1", name=op.f("ck_invitation_one_addressee")
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_invitation_digest")),
        sa.CheckConstraint("octet_length(wallet) = 20", name=op.f("ck_invitation_wallet")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_invitation_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        schema="market",
    )
    op.create_index("ix_invitation_expires_at", "invitation", ["expires_at"], unique=False, schema="market")
    op.create_index("ix_invitation_market", "invitation", ["market_id", "id"], unique=False, schema="market")
    op.create_index(
        "ix_invitation_phone",
        "invitation",
        ["phone"],
        unique=False,
        schema="market",
        postgresql_where="phone IS NOT NULL",
    )
    op.create_index(
        "ix_invitation_wallet",
        "invitation",
        ["wallet"],
        unique=False,
        schema="market",
        postgresql_where="wallet IS NOT NULL",
    )
    op.create_table(
        "member",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'manager', 'staff', 'accountant')", name=op.f("ck_member_role")
        ),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_member_market_id")),
        sa.PrimaryKeyConstraint("market_id", "account_id", name=op.f("pk_member")),
        schema="market",
    )
    op.create_index("ix_member_account_id", "member", ["account_id"], unique=False, schema="market")
    op.create_index(
        "uq_member_owner",
        "member",
        ["market_id"],
        unique=True,
        schema="market",
        postgresql_where="role = 'owner'",
    )
    op.execute(
        "INSERT INTO market.member (market_id, account_id, role, since)"
        " SELECT id, owner_account_id, 'owner', opened_at FROM market.market"
    )
    op.add_column(
        "account", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True), schema="identity"
    )
    op.create_index(
        "ix_shop_order_dispute",
        "shop_order",
        ["id"],
        unique=False,
        schema="orders",
        postgresql_where="state IN ('disputed', 'proposed', 'appealed')",
    )
