"""Second proofs: authenticator apps, recovery codes, known devices, and what codes and nonces are for."""

import sqlalchemy as sa
from alembic import op

revision = "0050_step_up"
down_revision = "0035_endpoint"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_device_digest")),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_device_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        schema="identity",
    )
    op.create_index("ix_device_seen_at", "device", ["seen_at"], unique=False, schema="identity")
    op.create_index(
        "uq_device_account_id", "device", ["account_id", "digest"], unique=True, schema="identity"
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_recovery_code_digest")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.account.id"], name=op.f("fk_recovery_code_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_recovery_code")),
        schema="identity",
    )
    op.create_table(
        "totp",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_totp_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp")),
        schema="identity",
    )
    op.add_column(
        "account",
        sa.Column("withdrawals_open_at", sa.DateTime(timezone=True), nullable=True),
        schema="identity",
    )
    # What is under way was asked for before there were other purposes.
    op.add_column(
        "nonce",
        sa.Column("purpose", sa.Text(), nullable=False, server_default="sign_in"),
        schema="identity",
    )
    op.alter_column("nonce", "purpose", server_default=None, schema="identity")
    op.add_column("phone_challenge", sa.Column("purpose", sa.Text(), nullable=True), schema="identity")
    op.execute(
        "UPDATE identity.phone_challenge"
        " SET purpose = CASE WHEN account_id IS NULL THEN 'sign_in' ELSE 'link' END"
    )
    op.alter_column("phone_challenge", "purpose", nullable=False, schema="identity")
    op.create_check_constraint(
        op.f("ck_phone_challenge_purpose"),
        "phone_challenge",
        "(purpose = 'sign_in') = (account_id IS NULL)",
        schema="identity",
    )
    op.add_column("session", sa.Column("device_id", sa.Uuid(), nullable=True), schema="identity")
    op.add_column(
        "session", sa.Column("stepped_up_at", sa.DateTime(timezone=True), nullable=True), schema="identity"
    )
    op.add_column("session", sa.Column("stepped_up_by", sa.Text(), nullable=True), schema="identity")
    op.create_index(op.f("ix_session_device_id"), "session", ["device_id"], unique=False, schema="identity")
    op.create_foreign_key(
        op.f("fk_session_device_id"),
        "session",
        "device",
        ["device_id"],
        ["id"],
        source_schema="identity",
        referent_schema="identity",
        ondelete="SET NULL",
    )
    op.create_check_constraint(
        op.f("ck_session_stepped_up"),
        "session",
        "(stepped_up_at IS NULL) = (stepped_up_by IS NULL)",
        schema="identity",
    )
