"""Links transfers into the hash chain, some time after they were made: `functions/sealing.sql`."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx

BLOCK_MAX = 10_000  # transfers in a block: bounds what a statement hashes
ROUNDS_MAX = 100  # of one run; what is left waits for the next one

_SEAL = text("SELECT ledger.seal(:limit)")


def seal(begin: Callable[[], AbstractContextManager[Tx]]) -> int:
    """Seals what is committed; returns how many transfers. Each block is a transaction of its own.

    While a transaction is under way, what was made after it waits: for the next run.
    """
    sealed = idle = 0
    for _ in range(ROUNDS_MAX):
        with begin() as tx:
            count: int = tx.execute(_SEAL, {"limit": BLOCK_MAX}).scalar_one()
        sealed += count
        idle = 0 if count else idle + 1
        if idle > 1:  # the first idle round only notes how far the next one may go
            break
    return sealed
