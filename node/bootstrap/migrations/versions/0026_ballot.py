"""Votes that are signed, for anybody to cast."""

import sqlalchemy as sa
from alembic import op

revision = "0026_ballot"
down_revision = "0025_appeal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ballot",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("governor", sa.LargeBinary(length=20), nullable=False),
        sa.Column("proposal_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("voter", sa.LargeBinary(length=20), nullable=False),
        sa.Column("support", sa.SmallInteger(), nullable=False),
        sa.Column("nonce", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("nonce >= 0 AND nonce < 2::numeric ^ 256", name=op.f("ck_ballot_nonce")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_ballot_digest")),
        sa.CheckConstraint("octet_length(governor) = 20", name=op.f("ck_ballot_governor")),
        sa.CheckConstraint("octet_length(voter) = 20", name=op.f("ck_ballot_voter")),
        sa.CheckConstraint(
            "proposal_id >= 0 AND proposal_id < 2::numeric ^ 256", name=op.f("ck_ballot_proposal_id")
        ),
        sa.CheckConstraint("support BETWEEN 0 AND 2", name=op.f("ck_ballot_support")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_ballot")),
        schema="governance",
        info={"append_only": True},
    )
    op.create_index(
        "ix_ballot_proposal",
        "ballot",
        ["chain_id", "governor", "proposal_id", "signed_at", "digest"],
        unique=False,
        schema="governance",
    )
