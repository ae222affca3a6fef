"""The frame: blocks, raw logs, checkpoint, undo, and which contracts are read."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import PARTITIONED, SCHEMA, TABLE, State
from indexer.topics import READ_BY_VIEWS
from node.kernel.db.base import FUNCTION_WRITTEN, Base, length_check
from node.kernel.db.types import AddressColumn, Hash32Column, Utc
from node.kernel.hexes import Address, Hash32

_READ_BY_VIEWS = ", ".join(f"'\\x{topic}'::bytea" for topic in READ_BY_VIEWS)


class BlockRow(Base):
    """The blocks of the present fork, without gaps from the first one read."""

    __tablename__ = "block"
    __table_args__ = (length_check("hash", 32), TABLE)

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[Hash32] = mapped_column(Hash32Column)
    parent_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    timestamp: Mapped[dt.datetime] = mapped_column(Utc)


class LogRow(Base):
    """Every log of our contracts as the node gave it. `error` says why one could not be decoded.

    Its block's hash is that of the row in `chain.block`.
    """

    __tablename__ = "log"
    __table_args__ = (
        Index("ix_log_undecoded", "chain_id", "block_number", postgresql_where="error IS NOT NULL"),
        Index(
            "ix_log_topic",
            *("chain_id", "address", "topic0", "block_number", "log_index"),
            postgresql_where=f"topic0 IN ({_READ_BY_VIEWS})",
        ),
        PARTITIONED,
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log_index: Mapped[int] = mapped_column(Integer, primary_key=True)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    tx_index: Mapped[int] = mapped_column(Integer)
    address: Mapped[Address] = mapped_column(AddressColumn)
    topic0: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    topic1: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    topic2: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    topic3: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    error: Mapped[str | None] = mapped_column(Text)


class Checkpoint(Base):
    """How far a chain was read: one row per chain, moved in the transaction of the rows that it speaks for.

    `number` is the newest block indexed (`start_block - 1` before the first) and `hash` its hash.
    `undo_floor` is the lowest block that a reorg can go back to. `generation` grows when another hand than
    the writer's changed rows; the writer then reads its place anew. Events of blocks up to
    `finalized_number` are on the spine, but for those up to `emit_after`, which were past when we came.
    """

    __tablename__ = "checkpoint"
    __table_args__ = TABLE

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    genesis_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    start_block: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    block_time: Mapped[dt.datetime | None] = mapped_column(Utc)
    undo_floor: Mapped[int] = mapped_column(BigInteger)
    finalized_number: Mapped[int] = mapped_column(BigInteger)
    emit_after: Mapped[int] = mapped_column(BigInteger)
    head_number: Mapped[int] = mapped_column(BigInteger)
    head_time: Mapped[dt.datetime | None] = mapped_column(Utc)
    state: Mapped[str] = mapped_column(Text)  # syncing | live | rewinding | unreachable | stuck
    reason: Mapped[str | None] = mapped_column(Text)  # why it is stuck, or the last error
    seen_at: Mapped[dt.datetime] = mapped_column(Utc)  # when the indexer last spoke
    generation: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class PartitionRow(Base):
    """Blocks `first_block` to `end_block` - 1 of a chain have a partition in each partitioned table.

    `thinned`: of their raw logs only those are left that views read, as `ASOUD_RAW_LOG_BLOCKS` asked for.
    """

    __tablename__ = "partition"
    __table_args__ = {"schema": SCHEMA, "info": {FUNCTION_WRITTEN: True}}

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    first_block: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    end_block: Mapped[int] = mapped_column(BigInteger)
    thinned: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class ShedIndexRow(Base):
    """An index that was put aside while empty tables are filled, as the statement that makes it again.

    The app's role executes none of it: `chain.regrow_index` does, which belongs to the owner.
    """

    __tablename__ = "shed_index"
    __table_args__ = {"schema": SCHEMA, "info": {FUNCTION_WRITTEN: True}}

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    definition: Mapped[str] = mapped_column(Text)


class UndoRow(Base):
    """A state's row as it was before `block_number` first touched it; `before` NULL: there was none."""

    __tablename__ = "undo"
    __table_args__ = TABLE

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    table_name: Mapped[str] = mapped_column(Text, primary_key=True)
    row_key: Mapped[dict[str, Any]] = mapped_column(JSONB, primary_key=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class IncidentRow(Base):
    """A final event that the chain lost; `gone` False: it came back. No reorg or reindex undoes it.

    `block_number` to `contract` say where the event was seen last.
    """

    __tablename__ = "incident"
    __table_args__ = (Index("ix_incident_gone", "chain_id", "block_number", postgresql_where="gone"), TABLE)

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    event_type: Mapped[str] = mapped_column(Text)
    stream: Mapped[str] = mapped_column(Text)
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    tx_hash: Mapped[Hash32] = mapped_column(Hash32Column)
    log_index: Mapped[int] = mapped_column(Integer)
    contract: Mapped[Address] = mapped_column(AddressColumn)
    times: Mapped[int] = mapped_column(Integer)  # that it vanished
    gone: Mapped[bool] = mapped_column(Boolean)
    noticed_at: Mapped[dt.datetime] = mapped_column(Utc)


class ContractRow(State, Base):
    """A contract that is read.

    Kinds are those of `node.chain.logs.Kind`. An erc20 is known by name while its logs are not read.
    """

    __tablename__ = "contract"
    __table_args__ = (Index("ix_contract_kind", "chain_id", "kind"), TABLE)

    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    from_block: Mapped[int] = mapped_column(BigInteger)
    creator: Mapped[Address | None] = mapped_column(AddressColumn)  # of a collection: its merchant
