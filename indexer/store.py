"""The writing side: one connection that holds the chain's lock and makes every change.

Invariants: a range's blocks, logs, projections, undo rows, spine events and the checkpoint commit together or
not at all; the checkpoint moves only from the very block that the range builds upon. The lock lives in the
connection that writes, so a process that lost it can write no more.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row, dict_row

from indexer import statements
from indexer.checkpoint import BEGIN, MOVE, READ, SPEAK, Checkpoint, CheckpointMoved
from indexer.codec import COPIED_FROM, Model, Row, Spelt, codec
from indexer.models import BlockRow, ContractRow, LogRow, UndoRow
from indexer.tables import FACTS, STATES
from indexer.workset import Before, Ref
from node.chain.rpc import Log
from node.kernel.db.unit_of_work import typed_database_errors
from node.kernel.errors import Bug
from node.kernel.hexes import Address, Hash32

Query = LiteralString | sql.Composed
_LOCK_SPACE = 0x_250D << 48  # advisory locks of ours; the chain id fills the lower bits
_STATEMENT_TIMEOUT_MS = 60_000
_UNLOCK_S = 1.0
# Every statement here goes by keys or block numbers, while statistics of tables that grow this fast are old.
_PLANS = "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
STATISTICS_FROM = 1_000  # rows changed in a table before its statistics are renewed; then 4 times as many
STATISTICS_STEP = 4


class Store:
    """`async with Store.connect(url, chain_id) as store`; every write goes through `transaction`."""

    reads_strangers = True  # and not only contracts of our own

    def __init__(self, connection: psycopg.AsyncConnection[Any], url: str, chain_id: int) -> None:
        self._connection = connection
        self._url = url
        self.chain_id = chain_id
        self.declared: tuple[Model, ...] = ()  # tables of declared ABIs
        self._changed: Counter[Model] = Counter()
        self._copies = True  # not amid statements that are sent in one go
        self._statistics_at: dict[Model, int] = {}

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, chain_id: int) -> AsyncIterator[Self]:
        options = f"-c timezone=UTC -c statement_timeout={_STATEMENT_TIMEOUT_MS} {_PLANS}"
        with typed_database_errors():
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=5, options=options, application_name="asoud-indexer"
            )
        try:
            yield cls(connection, url, chain_id)
        finally:
            # The server sees a closed connection a moment late; who follows at once finds it unlocked.
            if connection.info.transaction_status is TransactionStatus.IDLE:
                with suppress(psycopg.Error, TimeoutError):
                    async with asyncio.timeout(_UNLOCK_S):
                        await connection.execute("SELECT pg_advisory_unlock_all()")
            await connection.close()

    async def try_lock(self) -> bool:
        """True when this connection is now the one that may write this chain."""
        key = _LOCK_SPACE | (self.chain_id & (1 << 48) - 1)
        return bool((await self.column("SELECT pg_try_advisory_lock(%s)", (key,)))[0])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with typed_database_errors():
            async with self._connection.transaction():
                yield

    @asynccontextmanager
    async def in_one_go(self, *, few: bool) -> AsyncIterator[None]:
        """Where they are `few`, statements inside are sent without waiting for each other's answers.

        Only one whose rows are looked at waits, for itself and all before it. How many rows one changed is
        not known; what is wrong with one is raised at the end, if nobody waited.
        """
        if not few:
            yield
            return
        self._copies = False
        try:
            with typed_database_errors():
                async with self._connection.pipeline():
                    yield
        finally:
            self._copies = True

    # ------------------------------------------------------------------------------------- checkpoint

    async def checkpoint(self) -> Checkpoint | None:
        return await self._checkpoint_of(self._placed(READ))

    async def _checkpoint_of(self, query: Query) -> Checkpoint | None:
        with typed_database_errors():
            async with self._connection.cursor(row_factory=class_row(Checkpoint)) as cursor:
                await cursor.execute(query, (self.chain_id,))
                return await cursor.fetchone()

    @asynccontextmanager
    async def holding(self, standing: Checkpoint) -> AsyncIterator[None]:
        """A transaction in which the checkpoint stands where the caller believes it does.

        Raises:
            CheckpointMoved: It does not.
        """
        async with self.transaction():
            await self.hold()
            if await self.checkpoint() != standing:
                raise CheckpointMoved("the checkpoint is not where it was read", number=standing.number)
            yield

    async def hold(self) -> None:
        """Lets nobody else move the checkpoint until the transaction ends, whoever has the lock."""
        query = "SELECT FROM chain.checkpoint WHERE chain_id = %s FOR UPDATE"
        await self.run(query, (self.chain_id,))

    async def begin(
        self, *, genesis: Hash32, start: int, emit_after: int, head: int, now: dt.datetime
    ) -> None:
        """Writes the first checkpoint, or sets it back to before the first block."""
        await self.run(
            BEGIN,
            {
                "chain_id": self.chain_id,
                "genesis": _bytes(genesis),
                "start": start,
                "emit_after": emit_after,
                "head": head,
                "now": now,
            },
        )

    async def move(self, before: Checkpoint, after: Checkpoint, *, time: dt.datetime | None) -> None:
        """Raises `CheckpointMoved` unless the checkpoint still stands where the caller read it."""
        moved = await self.run(
            MOVE,
            {
                "chain_id": self.chain_id,
                "number": after.number,
                "hash": None if after.hash is None else _bytes(after.hash),
                "time": time,
                "undo_floor": after.undo_floor,
                "finalized": after.finalized_number,
                "emit_after": after.emit_after,
                "from_number": before.number,
                "generation": before.generation,
                "from_hash": None if before.hash is None else _bytes(before.hash),
            },
        )
        if moved != 1:
            raise CheckpointMoved("the checkpoint is not where it was read", number=before.number)

    async def speak(
        self,
        *,
        state: str,
        reason: str | None,
        now: dt.datetime,
        standing_at: Checkpoint | None = None,
        head: int | None = None,
        head_time: dt.datetime | None = None,
    ) -> None:
        """Tells `/health/chain` how things stand. None leaves the head as it was told last.

        Raises:
            CheckpointMoved: It does not stand at `standing_at` any more.
        """
        spoken = await self.run(
            SPEAK,
            {
                "chain_id": self.chain_id,
                "state": state,
                "reason": reason,
                "head": head,
                "head_time": head_time,
                "now": now,
                "number": None if standing_at is None else standing_at.number,
                "generation": None if standing_at is None else standing_at.generation,
            },
        )
        if standing_at is not None and spoken == 0:
            raise CheckpointMoved("the checkpoint is not where it was left", number=standing_at.number)

    # ------------------------------------------------------------------------------------- partitions

    async def partitions_end(self) -> int:
        """The first block that has no partition."""
        query = "SELECT coalesce(max(end_block), 0) FROM chain.partition WHERE chain_id = %s"
        return int((await self.column(query, (self.chain_id,)))[0])

    async def make_partition(self, first: int, end: int) -> None:
        await self.run("SELECT chain.make_partition(%s, %s, %s)", (self.chain_id, first, end))

    async def thinned_first(self) -> int | None:
        """The first block whose raw logs were dropped; None: they are all there."""
        query = "SELECT min(first_block) FROM chain.partition WHERE chain_id = %s AND thinned"
        found: int | None = (await self.column(query, (self.chain_id,)))[0]
        return found

    async def thin_logs(self, *, below: int) -> list[int]:
        """Drops raw logs that no view reads, of partitions that lie below; returns their first blocks."""
        query = (
            "SELECT first_block FROM chain.partition"
            " WHERE chain_id = %s AND end_block <= %s AND NOT thinned ORDER BY first_block"
        )
        found: list[int] = await self.column(query, (self.chain_id, below))
        for first in found:
            await self.run("SELECT chain.thin_logs(%s, %s)", (self.chain_id, first))
        return found

    async def raw_logs_from(self) -> int:
        """The first block of which all raw logs are kept: below, tables can't be made from them."""
        query = "SELECT coalesce(max(end_block), 0) FROM chain.partition WHERE chain_id = %s AND thinned"
        return int((await self.column(query, (self.chain_id,)))[0])

    # ---------------------------------------------------------------------------------------- indexes

    async def shed_indexes(self) -> bool:
        """Puts the indexes of views aside until `regrow_indexes`; False where other chains need them."""
        return bool((await self.column("SELECT chain.shed_indexes(%s)", (self.chain_id,)))[0])

    async def indexes_are_shed(self) -> bool:
        return bool((await self.column("SELECT EXISTS (SELECT FROM chain.shed_index)", ()))[0])

    async def regrow_indexes(self) -> None:
        """On a connection of its own, however long it takes: this one goes on telling that it lives."""
        async with Store.connect(self._url, self.chain_id) as beside:
            await beside.run("SET statement_timeout = 0")
            while (await beside.column("SELECT chain.regrow_index()", ()))[0] is not None:
                pass

    # ------------------------------------------------------------------------------------------- rows

    async def load(self, refs: Iterable[Ref]) -> dict[Ref, Row | None]:
        """The present rows of these states, one statement per table; None where there is none."""
        found: dict[Ref, Row | None] = dict.fromkeys(refs)
        by_model: dict[Model, list[Ref]] = {}
        for ref in found:
            by_model.setdefault(ref.model, []).append(ref)
        for model, wanted in by_model.items():
            form = codec(model)
            keys = _sent(model, [form.key_row(self.chain_id, ref.key) for ref in wanted], form.key)
            for (text,) in await self.rows(statements.select_by_keys(model), keys):
                row = form.load(text)
                found[Ref(model, form.key_of(row))] = row
        return found

    async def insert(self, rows: Mapping[Model, Sequence[Row]]) -> None:
        """New rows; one that exists already is a broken invariant."""
        for model, items in rows.items():
            enough = len(items) >= COPIED_FROM or isinstance(items, Spelt)
            if self._copies and enough and codec(model).by_columns:
                with typed_database_errors():
                    await self._copy(model, items)
            else:
                await self.run(statements.insert(model), _sent(model, items, codec(model).columns))

    async def upsert(self, rows: Mapping[Model, Sequence[Row]]) -> None:
        for model, items in rows.items():
            await self.run(statements.upsert(model), _sent(model, items, codec(model).columns))
            self._changed[model] += len(items)

    async def add(self, model: Model, rows: Sequence[Row]) -> None:
        """As `upsert`, for rows of which hardly any exists: a copy, and the slow way when one does."""
        if len(rows) < COPIED_FROM or not codec(model).by_columns:
            return await self.upsert({model: rows})
        try:
            async with self._connection.transaction():
                await self._copy(model, rows)
        except UniqueViolation:
            return await self.upsert({model: rows})
        self._changed[model] += len(rows)
        return None

    async def patch(self, model: Model, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Changes some columns of rows that must be there; `columns` begin with those of the key."""
        changed = await self.run(statements.patch(model, columns), _sent(model, rows, columns))
        if changed != len(rows):
            raise Bug("a state that was never made is changed", table=codec(model).name)

    async def renew_statistics(self) -> None:
        """Of states that grew much since; without them the planner takes one index for another.

        To be called outside of a transaction. A role without the right has to wait for autovacuum.
        """
        for model, changed in self._changed.items():
            due = self._statistics_at.get(model, STATISTICS_FROM)
            if changed >= due:
                self._statistics_at[model] = changed * STATISTICS_STEP
                await self.run(sql.SQL("ANALYZE {}").format(statements.table(model)))

    async def _copy(self, model: Model, rows: Sequence[Row]) -> None:
        async with (
            self._connection.cursor() as cursor,
            cursor.copy(self._placed(statements.copy(model))) as copy,
        ):
            spelt = rows.lines if isinstance(rows, Spelt) else None
            await copy.write(codec(model).lines(rows) if spelt is None else spelt)

    async def keep(self, befores: Sequence[Before]) -> None:
        """Writes the undo rows of a range."""
        rows = []
        for before in befores:
            form = codec(before.ref.model)
            rows.append(
                {
                    "chain_id": self.chain_id,
                    "block_number": before.block,
                    "table_name": form.name,
                    "row_key": form.plain(form.key_row(self.chain_id, before.ref.key)),
                    "before": None if before.row is None else form.plain(before.row),
                }
            )
        if rows:
            await self.insert({UndoRow: rows})

    async def prune_undo(self, *, below: int) -> None:
        query = "DELETE FROM chain.undo WHERE chain_id = %s AND block_number < %s"
        await self.run(query, (self.chain_id, below))

    async def undo(self, *, above: int) -> None:
        """Takes every row back to how it was after block `above`."""
        for model in STATES:
            await self._restore(model, above)
        await self.cut(above=above)

    async def cut(self, *, above: int) -> None:
        """Takes out blocks, logs and facts above a block, and what is kept to undo them."""
        for model in (*FACTS, *self.declared):
            await self.run(statements.delete_above(model, "block_number"), (self.chain_id, above))
        await self.run(statements.delete_above(BlockRow, "number"), (self.chain_id, above))
        await self.run(statements.delete_above(UndoRow, "block_number"), (self.chain_id, above))

    async def forget_states(self) -> None:
        """Takes out all that logs have changed, so that it can be made from them anew.

        Contracts of the deployment stay: no log made them. However long that takes.
        """
        await self.run("SET LOCAL statement_timeout = 0")
        for model in STATES:
            query = sql.SQL("DELETE FROM {} WHERE chain_id = %s").format(statements.table(model))
            made = sql.SQL(" AND creator IS NOT NULL" if model is ContractRow else "")
            await self.run(query + made, (self.chain_id,))

    async def wipe(self) -> None:
        """Forgets all rows of this chain but the checkpoint, which `begin` sets back.

        However long that takes: its time grows with the tables, unlike that of all other statements.
        """
        await self.run("SET LOCAL statement_timeout = 0")
        everything: tuple[Model, ...] = (*STATES, *FACTS, *self.declared, BlockRow, UndoRow)
        for model in everything:
            query = sql.SQL("DELETE FROM {} WHERE chain_id = %s").format(statements.table(model))
            await self.run(query, (self.chain_id,))

    async def _restore(self, model: Model, above: int) -> None:
        params = {"chain_id": self.chain_id, "above": above, "name": codec(model).name}
        await self.run(statements.take_out(model), params)
        await self.run(statements.put_back(model), params)

    # ------------------------------------------------------------------------------------------ reads

    async def block_hashes(self, *, first: int, last: int) -> dict[int, Hash32]:
        rows = await self.rows(
            "SELECT number, '0x' || encode(hash, 'hex') FROM chain.block"
            " WHERE chain_id = %s AND number BETWEEN %s AND %s",
            (self.chain_id, first, last),
        )
        return {number: Hash32(hash_) for number, hash_ in rows}

    async def block_time(self, number: int) -> dt.datetime | None:
        rows = await self.rows(
            "SELECT timestamp FROM chain.block WHERE chain_id = %s AND number = %s", (self.chain_id, number)
        )
        return rows[0][0] if rows else None

    async def block_times(self, numbers: Collection[int]) -> dict[int, dt.datetime]:
        query = "SELECT number, timestamp FROM chain.block WHERE chain_id = %s AND number = ANY(%s)"
        return dict(await self.rows(query, (self.chain_id, list(numbers))))

    async def contracts(self) -> dict[Address, str]:
        """Address -> kind of all contracts known so far."""
        rows = await self.rows(
            "SELECT '0x' || encode(address, 'hex'), kind FROM chain.contract WHERE chain_id = %s",
            (self.chain_id,),
        )
        return {Address(address): kind for address, kind in rows}

    async def logs(self, *, first: int, last: int) -> list[tuple[Log, dt.datetime]]:
        """Decodable logs of these blocks with the times of their blocks, in order."""
        return await self.logs_after((first, -1), last=last, limit=None)

    async def logs_after(
        self, place: tuple[int, int], *, last: int, limit: int | None
    ) -> list[tuple[Log, dt.datetime]]:
        """As `logs`, but from behind a block number and log index on, and no more than `limit`."""
        rows = await self.rows(
            "SELECT row_to_json(log)::text, '0x' || encode(block.hash, 'hex'), block.timestamp"
            " FROM chain.log AS log"
            " JOIN chain.block AS block ON block.chain_id = log.chain_id AND block.number = log.block_number"
            " WHERE log.chain_id = %s AND (log.block_number, log.log_index) > (%s, %s)"
            " AND log.block_number <= %s AND log.error IS NULL"
            " ORDER BY log.block_number, log.log_index LIMIT %s",
            (self.chain_id, *place, last, limit),
        )
        return [(_log(codec(LogRow).load(text), Hash32(hash_)), time) for text, hash_, time in rows]

    async def run(self, query: Query, params: Any = None) -> int:  # noqa: ANN401
        return (await self._executed(self._placed(query), params)).rowcount

    async def column(self, query: LiteralString, params: Any) -> list[Any]:  # noqa: ANN401
        return [row[0] for row in await self.rows(query, params)]

    async def dicts(self, query: LiteralString, params: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        with typed_database_errors():
            async with self._connection.cursor(row_factory=dict_row) as cursor:
                return await (await cursor.execute(self._placed(query), params)).fetchall()

    async def rows(self, query: Query, params: Any) -> list[Any]:  # noqa: ANN401
        with typed_database_errors():
            return await (await self._executed(self._placed(query), params)).fetchall()

    async def _executed(self, query: Query, params: Any = None) -> psycopg.AsyncCursor[Any]:  # noqa: ANN401
        with typed_database_errors():
            return await self._connection.execute(query, params)

    def _placed(self, query: Query) -> Query:
        """Every statement that names tables goes through here; `indexer.twin` has other tables."""
        return query


def _sent(model: Model, rows: Sequence[Row], columns: Sequence[str]) -> Sequence[str]:
    """The parameters of a statement that takes rows."""
    if isinstance(rows, Spelt) and rows.arrays is not None:
        return rows.arrays
    form = codec(model)
    return form.arrays(rows, columns) if form.by_columns else (form.dump(rows),)


def _log(row: Row, block_hash: Hash32) -> Log:
    topics = tuple(row[name] for name in ("topic0", "topic1", "topic2", "topic3") if row[name] is not None)
    fields = ("block_number", "log_index", "tx_hash", "tx_index", "address", "data")
    return Log(topics=topics, block_hash=block_hash, **{name: row[name] for name in fields})


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])
