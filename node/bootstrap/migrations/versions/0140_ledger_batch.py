"""The rows of accounts that a batch locks are read once; what it looked up again for each is gone."""

from alembic import op

revision = "0140_ledger_batch"
down_revision = "0112_tolerance"
branch_labels = None
depends_on = None

GONE = (
    "lock_accounts(bigint[])",
    "check_postings(bigint[], bigint[], text[], int[], numeric[])",
    "check_balances(bigint[], bigint[], numeric[])",
    "moved_by(bigint[], bigint[], numeric[])",
    "write_postings(bigint[], int[], int[], bigint[], bigint[], numeric[], timestamptz)",
)


def upgrade() -> None:
    op.create_index("ix_account_hot", "account", ["id"], schema="ledger", postgresql_where="floor IS NULL")
    for function in GONE:
        op.execute(f"DROP FUNCTION IF EXISTS ledger.{function}")
