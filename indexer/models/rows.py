"""What the tables of the chain have in common: the columns of facts and of states."""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    desc,
)
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import MAINTAINED
from node.kernel.db.types import Hash32Column, Utc
from node.kernel.hexes import Hash32

SCHEMA = "chain"
# A backfill fills tables faster than autovacuum looks at them, so the indexer renews their statistics itself.
TABLE = {"schema": SCHEMA, "info": {MAINTAINED: True}}
# Partitions are made by `chain.make_partition`; `indexer.partitions` says when and how wide.
PARTITIONED = TABLE | {"postgresql_partition_by": "RANGE (chain_id, block_number)"}


def newest_first(name: str, *columns: str) -> Index:
    """An index for keyset pages that go backwards in time."""
    return Index(name, "chain_id", *columns, desc("block_number"), desc("log_index"))


class Fact:
    """Columns of a row that one log made, for ever."""

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-3)
    block_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-2)
    log_index: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=-1)
    block_time: Mapped[dt.datetime] = mapped_column(Utc)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)


class State:
    """Columns of a row that logs change; `changed_*` name the last of them."""

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-1)
    changed_block: Mapped[int] = mapped_column(BigInteger)
    changed_log: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
