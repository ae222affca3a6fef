"""The query path: one SQL statement that returns finished JSON, bytes straight to the client.

Invariant: connections of this pool cannot write (`default_transaction_read_only`).
"""

from collections.abc import Mapping
from typing import Any, LiteralString, Self

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from typing_extensions import override

from node.kernel.db.unit_of_work import LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, typed
from node.kernel.errors import Bug, Transient

QUERY_TIMEOUT_MS = 5_000
ACQUIRE_TIMEOUT_S = 5.0

# The socket broke, or the server said why it closes it: admin_shutdown, crash_shutdown.
_LOST = (None, "57P01", "57P02")


class _RawJson(Loader):
    """Leaves JSON as the bytes that Postgres wrote."""

    @override
    def load(self, data: Buffer) -> bytes:
        return bytes(data)


async def _configure(connection: AsyncConnection[Any]) -> None:
    connection.adapters.register_loader("json", _RawJson)
    await connection.set_autocommit(True)


class QueryPool:
    """Open it in the server's lifespan: `async with QueryPool(...) as queries`."""

    passed_on: frozenset[str] = frozenset()
    """Of these states the driver's error passes: whoever asked knows what it means."""
    name = "asoud-query"
    options = f"-c default_transaction_read_only=on -c jit=off -c statement_timeout={QUERY_TIMEOUT_MS}"

    def __init__(self, url: str, *, size: int) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=size,
            timeout=ACQUIRE_TIMEOUT_S,
            open=False,
            configure=_configure,
            kwargs={"application_name": self.name, "connect_timeout": 5, "options": self.options},
        )

    async def __aenter__(self) -> Self:
        await self._pool.open(wait=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    def stats(self) -> Mapping[str, int]:
        """The pool's own counters (`pool_size`, `pool_available`, `pool_max`, ...), for metrics."""
        return self._pool.get_stats()

    async def json(self, sql: LiteralString, params: Mapping[str, object]) -> bytes | None:
        """The first column of the only row, of type `json`; None when there is no row or it is NULL.

        Raises:
            Transient: Postgres is away or all connections are busy.
        """
        rows = await self.rows(sql, params)
        if not rows or rows[0][0] is None:
            return None
        found = rows[0][0]
        if not isinstance(found, bytes):
            raise Bug("a view of the query path must return type json", got=type(found).__name__)
        return found

    async def rows(self, sql: LiteralString, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """All rows; their columns of type `json` as bytes. Raises as `json`.

        Asks again on another connection when one turns out to be dead: a read may be repeated.

        The pool drops a dead connection when it comes back. To check each one before its use would cost a
        round trip per query.
        """
        for tries_left in range(self._pool.max_size, -1, -1):
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(sql, params)
                    return await cursor.fetchall()
            except PoolTimeout as error:
                raise Transient("all database connections are busy", retry_after_s=1) from error
            except Error as error:
                if error.sqlstate is not None and error.sqlstate in self.passed_on:
                    raise
                lost = isinstance(error, OperationalError) and error.sqlstate in _LOST
                if not (lost and tries_left):
                    raise typed(error, connection_lost=lost) from error
        raise Bug("the last try neither returned nor raised")


class StatementPool(QueryPool):
    """The shortest command path: one call of a SQL function is the whole command, and commits by itself.

    Only for what may be repeated: a call whose connection broke is made again, and has no second effect.
    """

    name = "asoud-statement"
    options = f"-c jit=off -c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"

    def __init__(self, url: str, *, size: int, passed_on: frozenset[str]) -> None:
        super().__init__(url, size=size)
        self.passed_on = passed_on
