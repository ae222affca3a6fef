"""Payouts to addresses, many in one transaction."""

import sqlalchemy as sa
from alembic import op

revision = "0101_payout_address"
down_revision = "0100_payout_refused"
branch_labels = None
depends_on = None

_STATES = ("waiting", "filed", "queued", "sending", "paid", "failed")


def upgrade() -> None:
    op.create_table(
        "part",
        sa.Column("outgoing_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reference", sa.LargeBinary(length=32), nullable=False),
        sa.Column("amount", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.Boolean(), nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("arrived", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_part_something")),
        sa.CheckConstraint("amount >= 0 AND amount < 2::numeric ^ 256", name=op.f("ck_part_amount")),
        sa.CheckConstraint("captured OR returned OR NOT arrived", name=op.f("ck_part_paid_by_somebody")),
        sa.CheckConstraint("octet_length(reference) = 32", name=op.f("ck_part_reference")),
        sa.ForeignKeyConstraint(["outgoing_id"], ["treasury.outgoing.id"], name=op.f("fk_part_outgoing_id")),
        sa.PrimaryKeyConstraint("outgoing_id", "number", name=op.f("pk_part")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_part_hold_id")),
        schema="treasury",
    )
    _terms()
    _payouts()


def _terms() -> None:
    address = sa.Column("address", sa.LargeBinary(length=20), nullable=True)
    op.add_column("terms", address, schema="payout")
    opens = sa.Column("address_open_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("terms", opens, schema="payout")
    for name, check in (
        ("rail_has_address", "(rail = 'address') = (address IS NOT NULL)"),
        ("address_opens", "(address IS NULL) = (address_open_at IS NULL)"),
        ("address", "octet_length(address) = 20"),
    ):
        op.create_check_constraint(op.f(f"ck_terms_{name}"), "terms", check, schema="payout")


def _payouts() -> None:
    for column in (
        sa.Column("address", sa.LargeBinary(length=20), nullable=True),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("outgoing_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("payout", column, schema="payout")
    op.alter_column("payout", "transfer_id", nullable=True, schema="payout")
    op.create_unique_constraint(op.f("uq_payout_hold_id"), "payout", ["hold_id"], schema="payout")
    op.drop_constraint(op.f("ck_payout_state"), "payout", schema="payout")
    states = ", ".join(f"'{state}'" for state in _STATES)
    for name, check in (
        ("state", f"state IN ({states})"),
        ("rail_has_address", "(rail = 'address') = (address IS NOT NULL)"),
        ("address_has_hold", "(address IS NULL) = (hold_id IS NULL)"),
        ("held_or_moved", "(hold_id IS NULL) <> (transfer_id IS NULL)"),
        ("sent_by_outbox", "outgoing_id IS NULL OR state IN ('sending', 'paid', 'failed')"),
        ("address", "octet_length(address) = 20"),
    ):
        op.create_check_constraint(op.f(f"ck_payout_{name}"), "payout", check, schema="payout")
    op.drop_index("ix_payout_waiting", table_name="payout", schema="payout")
    op.create_index(
        "ix_payout_waiting",
        "payout",
        ["asset", "id"],
        schema="payout",
        postgresql_where="state IN ('waiting', 'queued')",
    )
    op.create_index(
        "ix_payout_outgoing",
        "payout",
        ["outgoing_id"],
        schema="payout",
        postgresql_where="outgoing_id IS NOT NULL",
    )
