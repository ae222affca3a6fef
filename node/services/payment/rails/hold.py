"""Escrow in the ledger: the money stays in the payer's wallet, promised, until it is clear whose it is."""

import datetime as dt

from typing_extensions import override

from node.kernel.db.unit_of_work import Tx
from node.services.payment.books import Books
from node.services.payment.models import Intent
from node.services.payment.rails.rail import Rail
from node.services.payment.split import Parts
from wallet.ledger.commands import HoldId, Posting, Transfer

# The order's deadlines end a hold, and the node acts on them by itself. This is for what no order knows of.
HOLD_LIFE = dt.timedelta(days=10 * 366)


class HoldRail(Rail):
    def __init__(self, books: Books) -> None:
        self._books = books
        self._ledger = books.ledger

    @property
    @override
    def is_immediate(self) -> bool:
        return False

    @override
    def secure(self, tx: Tx, intent: Intent, *, key: str) -> None:
        payer = self._books.payer(tx, intent)
        expires_at = intent.created_at + HOLD_LIFE
        intent.hold_id = self._ledger.hold(tx, key, payer, intent.of(intent.amount), expires_at=expires_at)

    @override
    def settle(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        receivers = self._books.receivers(tx, intent, parts)
        amounts = [(account, intent.of(value)) for account, value in receivers]
        self._ledger.capture(tx, key, "payment.settle", _hold(intent), amounts, is_last=False)
        self._books.raise_floor(tx, intent)

    @override
    def give_back(self, tx: Tx, intent: Intent, *, key: str, amount: int) -> None:
        own = intent.to_payer(amount)
        if own < amount:  # what the node added goes back to it, last
            added = (self._books.tolerance(tx, intent.asset), intent.of(amount - own))
            self._ledger.capture(
                tx, f"{key}>node", "payment.give_back", _hold(intent), [added], is_last=False
            )
        if amount == intent.held:
            if own:
                self._ledger.void(tx, _hold(intent))
            return
        if own:
            self._hand_back(tx, intent, key=key, amount=own)

    def _hand_back(self, tx: Tx, intent: Intent, *, key: str, amount: int) -> None:
        passing, value = self._books.passing(tx, intent.asset), intent.of(amount)
        self._ledger.capture(tx, key, "payment.give_back", _hold(intent), [(passing, value)], is_last=False)
        back = Posting(passing, self._books.payer(tx, intent), value)
        self._ledger.post(tx, Transfer(f"{key}>back", "payment.give_back", (back,)))

    @override
    def refund(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        self._books.claw_back(tx, intent, self._books.payer(tx, intent), key=key, parts=parts)


def _hold(intent: Intent) -> HoldId:
    assert intent.hold_id is not None  # it was secured
    return HoldId(intent.hold_id)
