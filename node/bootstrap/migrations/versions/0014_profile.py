"""profile."""

import sqlalchemy as sa
from alembic import op

revision = "0014_profile"
down_revision = "0013_session"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("language", sa.Text(), nullable=True), schema="identity")
    op.add_column("account", sa.Column("currency", sa.Text(), nullable=True), schema="identity")
    op.add_column("account", sa.Column("country", sa.Text(), nullable=True), schema="identity")
    op.add_column("account", sa.Column("time_zone", sa.Text(), nullable=True), schema="identity")
