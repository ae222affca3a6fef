"""What an account had and has, and every posting that made it so.

Postings of an account are in the order of `at`, then of their transfer's id: time never runs backwards in an
account with a floor, so its balance at any time is the one told by the last posting until then.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final, LiteralString

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx
from wallet.ledger.commands import AccountId
from wallet.ledger.errors import LedgerAccountUnknown

# What an `account` has. Without a floor: what is folded, and what came after the newest block.
POSTED: Final[LiteralString] = """
    account.posted + CASE WHEN account.floor IS NOT NULL THEN 0 ELSE coalesce((
        SELECT sum(CASE WHEN destination = account.id THEN amount ELSE -amount END) FROM ledger.posting
        WHERE transfer_id > (SELECT coalesce(max(up_to), 0) FROM ledger.block)
            AND account.id IN (source, destination)
    ), 0) END
"""
_BALANCE = text(f"SELECT held, floor, {POSTED} AS posted FROM ledger.account WHERE id = :account")  # noqa: S608
_TOLD = text("""
    SELECT balance FROM (
        (SELECT at, transfer_id, n, source_balance AS balance FROM ledger.posting
        WHERE source = :account AND at <= :at ORDER BY at DESC, transfer_id DESC, n DESC LIMIT 1)
        UNION ALL
        (SELECT at, transfer_id, n, destination_balance FROM ledger.posting
        WHERE destination = :account AND at <= :at ORDER BY at DESC, transfer_id DESC, n DESC LIMIT 1)
    ) AS last ORDER BY at DESC, transfer_id DESC, n DESC LIMIT 1
""")
# The newest block before which nothing is younger, and what came after it until then.
_FOLDED = text("""
    WITH base AS (
        SELECT coalesce(max(number), 0) AS number, coalesce(max(up_to), 0) AS up_to
        FROM ledger.block WHERE latest_at <= :at
    )
    SELECT coalesce((
        SELECT fold.posted FROM ledger.fold, base WHERE account_id = :account AND block <= base.number
        ORDER BY block DESC LIMIT 1
    ), 0) + coalesce((
        SELECT sum(CASE WHEN destination = :account THEN amount ELSE -amount END) FROM ledger.posting, base
        WHERE transfer_id > base.up_to AND at <= :at AND :account IN (source, destination)
    ), 0)
""")

# Of the account of `owner` for `purpose` in `asset`; no such account has no entries.
_ACCOUNT: Final[LiteralString] = """(
    SELECT id FROM ledger.account WHERE owner = %(owner)s AND purpose = %(purpose)s AND asset = %(asset)s
)"""
ENTRIES: Final[LiteralString] = f"""FROM (
        SELECT at, transfer_id, n, -amount AS delta, source_balance AS balance, destination AS other_id
        FROM ledger.posting WHERE source = {_ACCOUNT}
        UNION ALL
        SELECT at, transfer_id, n, amount, destination_balance, source
        FROM ledger.posting WHERE destination = {_ACCOUNT}
    ) AS entry
    JOIN ledger.transfer ON transfer.id = transfer_id
    JOIN ledger.account AS other ON other.id = other_id
    WHERE true"""  # noqa: S608 - literals


@dataclass(frozen=True, slots=True)
class Balance:
    posted: int
    held: int
    available: int | None
    """None for an account that never runs dry."""


def balance(tx: Tx, account: AccountId) -> Balance:
    row = tx.execute(_BALANCE, {"account": account}).one_or_none()
    if row is None:
        raise LedgerAccountUnknown("there is no such account in the ledger")
    available = None if row.floor is None else int(row.posted - row.held - row.floor)
    return Balance(int(row.posted), int(row.held), available)


def posted_at(tx: Tx, account: AccountId, at: dt.datetime) -> int:
    """What was posted up to and including that time."""
    found = tx.execute(_BALANCE, {"account": account}).one_or_none()
    if found is None:
        raise LedgerAccountUnknown("there is no such account in the ledger")
    statement = _FOLDED if found.floor is None else _TOLD
    return int(tx.execute(statement, {"account": account, "at": at}).scalar_one_or_none() or 0)
