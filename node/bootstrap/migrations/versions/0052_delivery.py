"""Codes: the language of their message, and what carriers say of it."""

import sqlalchemy as sa
from alembic import op

revision = "0052_delivery"
down_revision = "0051_leaving"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column, kind, default in (("language", sa.Text(), "en"), ("tried", sa.ARRAY(sa.Text()), "{}")):
        op.add_column(
            "phone_challenge",
            sa.Column(column, kind, nullable=False, server_default=default),
            schema="identity",
        )
        op.alter_column("phone_challenge", column, server_default=None, schema="identity")
    op.add_column("phone_challenge", sa.Column("delivery", sa.Text(), nullable=True), schema="identity")
    op.create_check_constraint(
        op.f("ck_phone_challenge_delivery"),
        "phone_challenge",
        "delivery IN ('delivered', 'failed')",
        schema="identity",
    )
    op.create_index(
        "ix_phone_challenge_sent_as",
        "phone_challenge",
        ["sent_as"],
        unique=False,
        schema="identity",
        postgresql_where=sa.text("sent_as IS NOT NULL"),
    )
