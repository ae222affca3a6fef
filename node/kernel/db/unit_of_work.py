"""The command path: one command, one transaction, committed by the edge before it answers.

Invariant: a `Tx` commits exactly once, at the end of `Database.transaction`, or not at all. Below the
edge code may `flush`; what Postgres refuses for reasons of load or order comes out as `Transient`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from sqlalchemy import CursorResult, Engine, Executable, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from node.kernel.errors import AsoudError, Bug, Transient

Tx = Session

# A command that needs longer than this holds locks that others wait for.
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000

_RETRYABLE = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.TooManyConnections,
    pg.IdleInTransactionSessionTimeout,
)


def sqlalchemy_url(url: str) -> str:
    """The same address with the driver that we use."""
    scheme, _, rest = url.partition("://")
    return url if "+" in scheme else f"postgresql+psycopg://{rest}"


class Database:
    """Opens transactions on the command path."""

    def __init__(self, url: str, *, pool_size: int, application_name: str = "asoud") -> None:
        self.engine: Engine = create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={
                "application_name": application_name,
                "connect_timeout": 5,
                "options": (
                    f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
                    f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}"
                ),
            },
        )

    def session(self) -> Tx:
        """A session that its caller ends; only the edge, which splits begin and commit, needs this."""
        return Session(self.engine, expire_on_commit=False, autoflush=True)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Commits when the block ends, rolls back when it raises; database errors come out typed."""
        with typed_database_errors(), self.session() as session, session.begin():
            yield session

    def dispose(self) -> None:
        self.engine.dispose()


def rows_touched(tx: Tx, statement: Executable, parameters: Mapping[str, object] | None = None) -> int:
    """Runs an INSERT, UPDATE or DELETE and tells how many rows it touched."""
    result = tx.execute(statement, parameters)
    assert isinstance(result, CursorResult)
    return result.rowcount


@contextmanager
def typed_database_errors() -> Iterator[None]:
    """Maps what the driver raises to `Transient` (worth a retry) or `Bug` (everything else)."""
    try:
        yield
    except AsoudError:
        raise
    except PoolTimeout as error:
        raise Transient("all database connections are busy", retry_after_s=1) from error
    except DBAPIError as error:
        raise typed(error.orig, connection_lost=_connection_lost(error)) from error
    except psycopg.Error as error:
        raise typed(error, connection_lost=error.sqlstate is None) from error


def _connection_lost(error: DBAPIError) -> bool:
    return error.connection_invalidated or isinstance(error, InterfaceError)


def typed(error: BaseException | None, *, connection_lost: bool) -> AsoudError:
    if connection_lost or isinstance(error, _RETRYABLE):
        return Transient("the database is busy or away", retry_after_s=1)
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return Transient("the database is away", retry_after_s=1)
    constraint = error.diag.constraint_name if isinstance(error, psycopg.Error) else None
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return Bug("the database refused a statement", sqlstate=state, constraint=constraint)
