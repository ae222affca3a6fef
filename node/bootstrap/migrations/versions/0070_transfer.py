"""transfer."""

import sqlalchemy as sa
from alembic import op

revision = "0070_transfer"
down_revision = "0060_translation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spent",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.CheckConstraint("span IN ('day', 'month')", name=op.f("ck_spent_span")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_spent_amount")),
        sa.PrimaryKeyConstraint("owner", "asset", "span", "starts_at", name=op.f("pk_spent")),
        schema="spending",
    )
    op.create_index("ix_spent_starts_at", "spent", ["starts_at"], unique=False, schema="spending")
    op.create_table(
        "handle",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_handle_account_id")),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_handle")),
        schema="identity",
    )
    op.create_index("ix_handle_account_id", "handle", ["account_id"], unique=False, schema="identity")
    op.create_index(
        "uq_handle_current",
        "handle",
        ["account_id"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "bound",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("operation", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("day", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("month", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("next_operation", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("next_day", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("next_month", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("day >= 0 AND day < 2::numeric ^ 256", name=op.f("ck_bound_day")),
        sa.CheckConstraint("month >= 0 AND month < 2::numeric ^ 256", name=op.f("ck_bound_month")),
        sa.CheckConstraint("next_day >= 0 AND next_day < 2::numeric ^ 256", name=op.f("ck_bound_next_day")),
        sa.CheckConstraint(
            "next_month >= 0 AND next_month < 2::numeric ^ 256", name=op.f("ck_bound_next_month")
        ),
        sa.CheckConstraint(
            "next_operation >= 0 AND next_operation < 2::numeric ^ 256", name=op.f("ck_bound_next_operation")
        ),
        sa.CheckConstraint(
            "operation >= 0 AND operation < 2::numeric ^ 256", name=op.f("ck_bound_operation")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_bound_account_id")),
        sa.PrimaryKeyConstraint("account_id", "asset", name=op.f("pk_bound")),
        schema="spending",
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_once", sa.Boolean(), nullable=False),
        sa.Column("paid", sa.Integer(), server_default="0", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("NOT is_once OR paid <= 1", name=op.f("ck_request_once")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_request_amount")),
        sa.CheckConstraint("amount IS NULL OR asset IS NOT NULL", name=op.f("ck_request_asset")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_request_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("code", name=op.f("uq_request_code")),
        schema="transfer",
    )
    op.create_index("ix_request_account", "request", ["account_id", "id"], unique=False, schema="transfer")
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("receiver_account_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("destination", sa.BigInteger(), nullable=False),
        sa.Column("fees", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("returns_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(way = 'phone') = (returns_at IS NOT NULL)", name=op.f("ck_transfer_returns")),
        sa.CheckConstraint("(way = 'request') = (request_id IS NOT NULL)", name=op.f("ck_transfer_request")),
        sa.CheckConstraint(
            "state IN ('quoted', 'sent', 'delivered', 'returned')", name=op.f("ck_transfer_state")
        ),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_transfer_amount")),
        sa.CheckConstraint("fee >= 0 AND fee < 2::numeric ^ 256", name=op.f("ck_transfer_fee")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_transfer_account_id")),
        sa.ForeignKeyConstraint(["market_id"], ["market.market.id"], name=op.f("fk_transfer_market_id")),
        sa.ForeignKeyConstraint(
            ["receiver_account_id"], ["identity.account.id"], name=op.f("fk_transfer_receiver_account_id")
        ),
        sa.ForeignKeyConstraint(["request_id"], ["transfer.request.id"], name=op.f("fk_transfer_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        schema="transfer",
    )
    op.create_index("ix_transfer_account", "transfer", ["account_id", "id"], unique=False, schema="transfer")
    op.create_index(
        "ix_transfer_due",
        "transfer",
        ["returns_at"],
        unique=False,
        schema="transfer",
        postgresql_where="state = 'sent'",
    )
    op.create_index(
        "ix_transfer_market",
        "transfer",
        ["market_id", "id"],
        unique=False,
        schema="transfer",
        postgresql_where="market_id IS NOT NULL",
    )
    op.create_index(
        "ix_transfer_quoted",
        "transfer",
        ["expires_at"],
        unique=False,
        schema="transfer",
        postgresql_where="state = 'quoted'",
    )
    op.create_index(
        "ix_transfer_receiver",
        "transfer",
        ["receiver_account_id", "id"],
        unique=False,
        schema="transfer",
        postgresql_where="receiver_account_id IS NOT NULL",
    )
    op.create_index(
        "ix_transfer_request",
        "transfer",
        ["request_id"],
        unique=False,
        schema="transfer",
        postgresql_where="request_id IS NOT NULL",
    )
    op.create_index(
        "ix_transfer_waiting",
        "transfer",
        ["target"],
        unique=False,
        schema="transfer",
        postgresql_where="state = 'sent'",
    )
