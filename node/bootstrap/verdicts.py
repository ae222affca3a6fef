"""What the indexer found out about the chain's servers, for the processes that ask them beside it."""

import time
from collections.abc import Callable, Collection

from sqlalchemy import text

from indexer.endpoints import SET_ASIDE
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError
from node.kernel.log import get_logger

log = get_logger(__name__)

FRESH_S = 5.0  # as often as the indexer looks itself


class IndexerVerdicts:
    """Names of the servers that are set aside, asked of the database every few seconds.

    While the database is away the last answer stands: it only orders servers, so none is lost by it.
    """

    def __init__(
        self, database: Database, chain_id: int, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._chain_id = chain_id
        self._now = now
        self._read_at: float | None = None
        self._names: frozenset[str] = frozenset()

    def __call__(self) -> Collection[str]:
        if self._read_at is None or self._now() - self._read_at > FRESH_S:
            self._read_at = self._now()
            try:
                self._names = self._read()
            except AsoudError as error:
                log.warning("verdicts_unread", error=error.message)
        return self._names

    def _read(self) -> frozenset[str]:
        with self._database.transaction() as tx:
            rows = tx.scalars(text(SET_ASIDE), {"chain_id": self._chain_id})
            return frozenset(rows)
