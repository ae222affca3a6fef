"""Tables beside the live ones, filled by the same pipeline, that take their place in one transaction.

A twin's tables are temporary: they belong to its connection, nobody else sees them, nothing of them reaches
the write-ahead log, and they are gone when it ends, however it ends. So a reindex that dies leaves no trace.

Taking their place means changing those rows of the live tables that differ, and no others. Readers see the
tables as they were until the transaction ends, and then as they are; they never wait. The live writer waits
for that one transaction, and reads its place anew after it.
"""

import re
from dataclasses import dataclass
from typing import Any, LiteralString, cast

from psycopg import sql
from typing_extensions import override

from indexer import statements
from indexer.checkpoint import READ, Checkpoint
from indexer.codec import Model, codec
from indexer.models import (
    SCHEMA,
    BlockRow,
    ForeignBalanceRow,
    ForeignTokenRow,
    ForeignTransferRow,
    LogRow,
    UndoRow,
)
from indexer.models import Checkpoint as CheckpointRow
from indexer.store import Query, Store
from indexer.tables import FACTS, STATES

FILLED: tuple[Model, ...] = (*STATES, *FACTS, BlockRow, UndoRow)
OWN: tuple[Model, ...] = (*FILLED, CheckpointRow)
_OWN_NAMES = "|".join(codec(model).name for model in OWN)
_LIVE_NAME = re.compile(rf'(?:"{SCHEMA}"|\b{SCHEMA})\.("?)({_OWN_NAMES})\1(?!\w)')
_STRANGERS: tuple[Model, ...] = (ForeignTransferRow, ForeignBalanceRow, ForeignTokenRow)
COMPARED = tuple(model for model in FILLED if model not in _STRANGERS)
_EVERYWHERE = 2**62  # a block that no chain reaches
_REINDEX_LOCK_SPACE = 0x_250E << 48

# The live tables are compared as a whole, unlike in all other statements of a store.
_WHOLE_TABLES = """
    SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB';
    SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on
"""


_REMOVE = sql.SQL("""
    DELETE FROM {live} AS live WHERE chain_id = %s AND NOT EXISTS (
        SELECT FROM {own} AS own
        WHERE {same_key} AND ROW({own_columns}) IS NOT DISTINCT FROM ROW({live_columns}))
""")
# What strangers said is in the live tables alone.
_OURS: dict[Model, sql.SQL] = {
    LogRow: sql.SQL(
        " AND (chain_id, address) NOT IN"
        " (SELECT stranger.chain_id, stranger.address FROM chain.foreign_contract AS stranger)"
    ),
    UndoRow: sql.SQL(" AND table_name NOT IN ('foreign_balance', 'foreign_token')"),
}
_ADD = sql.SQL("""
    INSERT INTO {live} ({columns}) SELECT {columns} FROM {own} AS own
    WHERE chain_id = %s AND NOT EXISTS (SELECT FROM {live} AS live WHERE {same_key})
""")
_MOVE_LIVE = """
    UPDATE chain.checkpoint SET undo_floor = greatest(undo_floor, %s), generation = generation + 1
    WHERE chain_id = %s
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one table that were not those of the twin; a changed row counts on both sides."""

    removed: int
    added: int


class Twin(Store):
    """`async with Twin.connect(url, chain_id) as twin`, then `begin_apart`.

    The statements of a store name live tables; here those that logs fill mean the temporary tables of these
    names. What people have set is read where it is.
    """

    @override
    async def try_lock(self) -> bool:
        """True when nobody else reindexes this chain."""
        key = _REINDEX_LOCK_SPACE | (self.chain_id & (1 << 48) - 1)
        return bool((await self.column("SELECT pg_try_advisory_lock(%s)", (key,)))[0])

    async def begin_apart(self) -> None:
        """Makes the tables, with keys and checks alone: what only views use would cost and serve nobody."""
        await self.run("SET temp_buffers = '64MB'")
        for model in OWN:
            name = codec(model).name
            await self._executed(
                sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
                    sql.Identifier(name), sql.Identifier(SCHEMA, name)
                )
            )
            await self.run(
                sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(
                    statements.table(model), statements.names(codec(model).key)
                )
            )

    @override
    def _placed(self, query: Query) -> Query:
        text = query if isinstance(query, str) else query.as_string(self._connection)
        placed: Any = _LIVE_NAME.sub(r"pg_temp.\1\2\1", text)  # made of literals, so a literal
        return cast("LiteralString", placed)

    reads_strangers = False  # their tables are left as they are

    @override
    async def thinned_first(self) -> int | None:
        return None

    # The live tables have their partitions and indexes already.
    @override
    async def partitions_end(self) -> int:
        return _EVERYWHERE

    @override
    async def shed_indexes(self) -> bool:
        return False

    @override
    async def indexes_are_shed(self) -> bool:
        return False

    # ------------------------------------------------------------------------------- the live tables

    async def live(self, *, held: bool = False) -> Checkpoint | None:
        """Where the live tables stand; `held`: and there they stay until the transaction ends."""
        if held:
            query = "SELECT FROM chain.checkpoint WHERE chain_id = %s FOR UPDATE"
            await self._executed(query, (self.chain_id,))
        return await self._checkpoint_of(READ)

    async def take_place(self, *, at: Checkpoint) -> dict[str, Difference]:
        """Makes the live tables equal to these, in the caller's transaction, which holds the live checkpoint.

        Returns what differed, by table. The live checkpoint stays where it is, which is where this one
        stands, but for how far back one can go, and its generation, which tells the writer to look anew.
        """
        await self._executed(_WHOLE_TABLES)
        for model in FILLED:
            await self.run(sql.SQL("ANALYZE {}").format(statements.table(model)))
        kept_from = await self.raw_logs_from()
        found = {}
        for model in COMPARED:
            since = kept_from if model is LogRow else 0
            removed = await self._compare(_REMOVE, model, since)
            added = await self._compare(_ADD, model, since)
            if model is not UndoRow and (removed or added):
                found[codec(model).name] = Difference(removed, added)
        await self._executed(_MOVE_LIVE, (at.undo_floor, self.chain_id))
        return found

    async def _compare(self, template: sql.SQL, model: Model, since: int) -> int:
        form = codec(model)
        query = template.format(
            live=statements.table(model),
            own=sql.Identifier("pg_temp", form.name),
            columns=statements.names(form.columns),
            live_columns=statements.names(form.columns, "live."),
            own_columns=statements.names(form.columns, "own."),
            same_key=statements.matches(form.key, "own", "live"),
        )
        params: tuple[int, ...] = (self.chain_id,)
        query += _OURS.get(model, sql.SQL(""))
        if since:
            query, params = query + sql.SQL(" AND block_number >= %s"), (self.chain_id, since)
        return (await self._executed(query, params)).rowcount
