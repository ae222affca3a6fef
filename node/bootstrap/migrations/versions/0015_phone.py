"""phone."""

import sqlalchemy as sa
from alembic import op

revision = "0015_phone"
down_revision = "0014_profile"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "starts_at", name=op.f("pk_counter")),
        schema="identity",
    )
    op.create_index("ix_counter_ends_at", "counter", ["ends_at"], unique=False, schema="identity")
    op.create_table(
        "phone",
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_phone_account_id")),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_phone")),
        schema="identity",
    )
    op.create_index(op.f("ix_phone_account_id"), "phone", ["account_id"], unique=False, schema="identity")
    op.create_table(
        "phone_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_as", sa.Text(), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_phone_challenge_digest")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["identity.account.id"],
            name=op.f("fk_phone_challenge_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_challenge")),
        schema="identity",
    )
    op.create_index(
        "ix_phone_challenge_expires_at",
        "phone_challenge",
        ["expires_at"],
        unique=False,
        schema="identity",
    )
    op.create_index(
        "ix_phone_challenge_phone",
        "phone_challenge",
        ["phone", "requested_at"],
        unique=False,
        schema="identity",
    )
    op.add_column("session", sa.Column("phone", sa.Text(), nullable=True), schema="identity")
    op.create_check_constraint(
        op.f("ck_session_proof"), "session", "(wallet IS NULL) <> (phone IS NULL)", schema="identity"
    )
