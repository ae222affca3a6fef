"""Does the ledger hold what it promises? Walks the hash chain and adds everything up again.

Reads one snapshot, so commands may go on meanwhile: run it in a transaction that is REPEATABLE READ.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx

BLOCKS_AT_ONCE = 100
FOUND_MAX = 100  # differences that are told; more would tell nothing new

_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
_NO_TIMEOUT = text("SET LOCAL statement_timeout = 0")
_BLOCKS = text("""
    SELECT number, up_to, hash, ledger.block_hash(previous, after, up_to) = hash AS is_right, transfers = (
        SELECT count(*) FROM ledger.transfer WHERE id > after AND id <= up_to
    ) AS is_complete
    FROM (
        SELECT number, up_to, hash, transfers, lag(hash) OVER (ORDER BY number) AS previous,
            coalesce(lag(up_to) OVER (ORDER BY number), 0) AS after
        FROM ledger.block WHERE number >= :first - 1
    ) AS block WHERE number >= :first ORDER BY number LIMIT :limit
""")

# What is promised -> a query of everything that breaks it: (what, found, expected).
_SIDES = """
    SELECT source AS account_id, -amount AS delta, source_balance AS balance, transfer_id, n, false AS comes
    FROM ledger.posting
    UNION ALL
    SELECT destination, amount, destination_balance, transfer_id, n, true FROM ledger.posting
"""
CHECKS: Final = {
    "each asset sums to zero": f"""
        SELECT account.asset, sum(delta)::text, '0' FROM ({_SIDES}) AS side
        JOIN ledger.account ON account.id = account_id GROUP BY account.asset HAVING sum(delta) <> 0
    """,  # noqa: S608 - constants
    "both sides of a posting count in one asset": """
        SELECT 'posting ' || transfer_id || '.' || n, coalesce(source.asset, 'no account'),
            coalesce(destination.asset, 'no account')
        FROM ledger.posting LEFT JOIN ledger.account AS source ON source.id = source
        LEFT JOIN ledger.account AS destination ON destination.id = destination
        WHERE source.asset IS DISTINCT FROM destination.asset OR source.asset IS NULL
    """,
    "a balance is the sum of its postings": f"""
        SELECT 'account ' || id, posted::text, coalesce(total, 0)::text FROM ledger.account
        LEFT JOIN (
            SELECT account_id, sum(delta) AS total FROM ({_SIDES}) AS side
            WHERE balance IS NOT NULL OR transfer_id <= (SELECT coalesce(max(up_to), 0) FROM ledger.block)
            GROUP BY account_id
        ) AS summed ON account_id = id
        WHERE posted <> coalesce(total, 0)
    """,  # noqa: S608 - constants
    "a posting tells the balance after it": f"""
        SELECT 'posting ' || transfer_id || '.' || n, balance::text, running::text FROM (
            SELECT transfer_id, n, balance, floor,
                sum(delta) OVER (PARTITION BY account_id ORDER BY transfer_id, n, comes) AS running
            FROM ({_SIDES}) AS side JOIN ledger.account ON account.id = account_id
        ) AS walked WHERE balance IS DISTINCT FROM CASE WHEN floor IS NOT NULL THEN running END
    """,  # noqa: S608 - constants
    "what is available lies above the floor": """
        SELECT 'account ' || id, (posted - held)::text, floor::text FROM ledger.account
        WHERE posted - held < floor OR held < 0
    """,
    "an account holds what its open holds hold": """
        SELECT 'account ' || account.id, held::text, coalesce(total, 0)::text FROM ledger.account
        LEFT JOIN (
            SELECT account_id, sum(amount - captured) AS total FROM ledger.hold
            WHERE state = 'open' GROUP BY account_id
        ) AS open ON account_id = account.id
        WHERE held <> coalesce(total, 0)
    """,
    "a hold was captured by its transfers": """
        SELECT 'hold ' || hold.id, captured::text, coalesce(total, 0)::text FROM ledger.hold
        LEFT JOIN (
            SELECT hold_id, sum(amount) AS total FROM ledger.transfer
            JOIN ledger.posting ON transfer_id = transfer.id WHERE hold_id IS NOT NULL GROUP BY hold_id
        ) AS paid ON hold_id = hold.id
        WHERE captured <> coalesce(total, 0) OR captured > amount
    """,
    "no more goes back than came": """
        SELECT 'posting ' || original.transfer_id || '.' || original.n, sum(posting.amount)::text,
            original.amount::text
        FROM ledger.transfer JOIN ledger.posting ON posting.transfer_id = transfer.id
        JOIN ledger.posting AS original ON original.transfer_id = reverses AND original.n = posting.n
        WHERE reverses IS NOT NULL
        GROUP BY original.transfer_id, original.n, original.amount
        HAVING sum(posting.amount) > original.amount
    """,
    "a transfer has postings, an exchange two transfers": """
        SELECT 'transfer ' || id, 'none', 'some' FROM ledger.transfer
        WHERE NOT EXISTS (SELECT FROM ledger.posting WHERE transfer_id = transfer.id)
        UNION ALL
        SELECT 'exchange ' || linked, count(*)::text, '2' FROM ledger.transfer
        WHERE linked IS NOT NULL GROUP BY linked HAVING count(*) <> 2
    """,
}


@dataclass(frozen=True, slots=True)
class Difference:
    promise: str
    what: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Report:
    blocks: int
    transfers: int
    """Sealed ones; what is not sealed yet is added up all the same."""
    unsealed: int
    head: bytes | None
    """The newest hash. Kept somewhere else, it proves later that the past was not written anew."""
    differences: tuple[Difference, ...]


def verify(tx: Tx, *, head: str | None = None) -> Report:
    """In a transaction of its own, as it sets the isolation. Takes minutes for millions of postings.

    Args:
        head: A hash in hex that was the newest once; it has to be in the chain still.
    """
    tx.execute(_SNAPSHOT)
    tx.execute(_NO_TIMEOUT)
    return examine(tx, head=head)


def examine(tx: Tx, *, head: str | None = None) -> Report:
    """As `verify`, of what the transaction sees."""
    found, newest, blocks = _chain(tx)
    if head is not None and not tx.execute(_IS_THERE, {"hash": head}).scalar_one():
        found.append(Difference("the chain is the one that was seen before", "the chain", "another", head))
    for promise, query in CHECKS.items():
        rows = tx.execute(text(f"{query} LIMIT :limit"), {"limit": FOUND_MAX})
        found += [Difference(promise, *map(str, row)) for row in rows]
    sealed, unsealed = tx.execute(_COUNTS).one()
    return Report(blocks, sealed, unsealed, newest, tuple(found))


_IS_THERE = text("SELECT EXISTS (SELECT FROM ledger.block WHERE encode(hash, 'hex') = lower(:hash))")
_COUNTS = text("""
    SELECT count(*) FILTER (WHERE id <= up_to), count(*) FILTER (WHERE id > up_to)
    FROM ledger.transfer, (SELECT coalesce(max(up_to), 0) AS up_to FROM ledger.block) AS newest
""")


def _chain(tx: Tx) -> tuple[list[Difference], bytes | None, int]:
    found: list[Difference] = []
    head: bytes | None = None
    number = 0
    while True:
        rows = tx.execute(_BLOCKS, {"first": number + 1, "limit": BLOCKS_AT_ONCE}).all()
        for row in rows:
            if row.number != number + 1:
                found.append(
                    Difference("blocks follow each other", "block", str(row.number), str(number + 1))
                )
            if not (row.is_right and row.is_complete):
                found.append(
                    Difference(
                        "a block's hash is that of its transfers", f"block {row.number}", "another", "it"
                    )
                )
            number, head = row.number, bytes(row.hash)
        if len(rows) < BLOCKS_AT_ONCE:
            return found, head, number
