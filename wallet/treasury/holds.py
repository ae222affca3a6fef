"""Booking what a chain took out of a hold: a fact, also where an operator froze the account meanwhile."""

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx
from node.kernel.money import Amount
from wallet.ledger.commands import AccountId, HoldId, Ledger

_SOURCE = text("""
    SELECT account.id, account.state FROM ledger.hold JOIN ledger.account ON account.id = hold.account_id
    WHERE hold.id = :hold
""")


def source_of(tx: Tx, hold: HoldId) -> AccountId:
    """Whose money is held."""
    return AccountId(tx.execute(_SOURCE, {"hold": hold}).one().id)


def capture_left(
    tx: Tx, ledger: Ledger, hold: HoldId, to: tuple[AccountId, Amount], *, key: str, kind: str
) -> None:
    """A freeze stops what is to leave. What has left is booked, or the book would stand still for all."""
    source = tx.execute(_SOURCE, {"hold": hold}).one()
    is_frozen = source.state == "frozen"
    if is_frozen:
        ledger.unfreeze(tx, AccountId(source.id))
    ledger.capture(tx, key, kind, hold, [to])
    if is_frozen:
        ledger.freeze(tx, AccountId(source.id))
