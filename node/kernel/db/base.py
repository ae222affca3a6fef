"""The one metadata of all tables; a schema per package keeps the rooms visible in the database."""

from sqlalchemy import CheckConstraint, MetaData
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# In `Table.info`: the app may insert and read, never change or remove. `updatable` names exceptions.
APPEND_ONLY = "append_only"
UPDATABLE_COLUMNS = "updatable_columns"
# In `Table.info`: the app may only read; functions of the owner in the same schema write.
FUNCTION_WRITTEN = "function_written"
# In `Table.info`: the app may ANALYZE it, where Postgres knows such a right (17 and newer).
MAINTAINED = "maintained"


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


def uint256_check(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0 AND {column} < 2::numeric ^ 256", name=column)


def length_check(column: str, length: int) -> CheckConstraint:
    return CheckConstraint(f"octet_length({column}) = {length}", name=column)
