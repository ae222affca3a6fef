"""Payments that wait for money by the chain: an invoice of the payer's own deposit address.

    what is final at the address is the payer's balance -> as soon as that is enough, the amount is held

Invariant: whatever comes is the payer's own: too little waits there for the rest, what is too much stays
there, and so does what comes after the order's time. Nothing of it can get stuck in a payment. What a deposit
leaves short by no more than the node's tolerance the node adds, and gets again before the payer gets more
than they paid.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text

from node.events.deposit import DepositCredited, DepositReturned
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, typed_database_errors
from node.kernel.errors import Bug
from node.kernel.money import BASIS_POINTS
from node.kernel.spine.event import StoredEvent
from node.services.payment.books import Books
from node.services.payment.models import Intent
from node.services.payment.service import PaymentService
from node.services.payment.states import OPEN, State
from wallet.ledger.errors import AccountFrozen, InsufficientFunds
from wallet.ledger.statements import balance

RAILS: Final = ("deposit", "checkout")
_OWNER: Final = "account:"
# Of orders that wait still: who gave one up does not pay it by the next deposit.
_WAITING = text("""
    SELECT intent.id FROM payment.intent JOIN orders.shop_order ON shop_order.id = intent.order_id
    WHERE intent.payer_account_id = :payer AND intent.asset_id = :asset_id AND intent.rail = ANY (:rails)
        AND intent.state IN ('created', 'requires_action') AND intent.expires_at > :now
        AND shop_order.state = 'placed' AND shop_order.payment_id IS NULL
    ORDER BY intent.id
""")
_OVER = text("""
    SELECT id FROM payment.intent
    WHERE rail = ANY (:rails) AND state IN ('created', 'requires_action') AND expires_at <= :now
    ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
""")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much deposits may fall short: in basis points of the amount, or in units by asset id."""

    bps: int = 0
    units: Mapping[str, int] = field(default_factory=dict)

    def of(self, intent: Intent) -> int:
        """The greater of the two."""
        return max(intent.amount * self.bps // BASIS_POINTS, self.units.get(intent.asset_id, 0))


class _Moved(Exception):
    """Something came or went meanwhile: nothing is added. What came tells of itself."""


class Funding:
    def __init__(self, clock: Clock, payments: PaymentService, books: Books, tolerance: Tolerance) -> None:
        self._clock = clock
        self._payments = payments
        self._books = books
        self._tolerance = tolerance

    def on_deposit(self, tx: Tx, stored: StoredEvent) -> None:
        """Money came by the chain, or is there again: it pays the oldest that it is enough for."""
        event = stored.decode()
        if not isinstance(event, DepositCredited | DepositReturned):
            raise Bug("not an event that a payment follows", type_name=stored.type_name)
        if not event.owner.startswith(_OWNER):
            return
        wanted = {
            "payer": uuid.UUID(event.owner.removeprefix(_OWNER)),
            "asset_id": event.asset_id,
            "rails": list(RAILS),
            "now": self._clock.now(),
        }
        with typed_database_errors():
            for intent_id in tx.execute(_WAITING, wanted).scalars().all():
                self.take(tx, self._payments.locked(tx, intent_id), by_deposit=True)

    def take(self, tx: Tx, intent: Intent, *, by_deposit: bool = False) -> bool:
        """Holds the amount of a locked intent when the payer has it; False when there is too little yet.

        What a deposit leaves short of it within the tolerance the node adds.
        """
        if State(intent.state) not in OPEN or intent.expires_at <= self._clock.now():
            return False
        try:
            with tx.begin_nested():
                free = self._free(tx, intent)
                missing = intent.amount - free
                intent.received = free if by_deposit else min(free, intent.amount)
                if by_deposit and free and 0 < missing <= self._tolerance.of(intent):
                    self._cover(tx, intent, missing)
                return self._payments.authorise(tx, intent)
        except (InsufficientFunds, AccountFrozen, _Moved):
            tx.refresh(intent)
            return False

    def _cover(self, tx: Tx, intent: Intent, missing: int) -> None:
        self._books.cover(tx, intent, missing)
        intent.covered = missing
        # The posting has locked the account: what came or went just before it is seen now.
        if self._free(tx, intent) != intent.amount:
            raise _Moved

    def _free(self, tx: Tx, intent: Intent) -> int:
        now = balance(tx, self._books.payer(tx, intent))
        return max(now.posted - now.held, 0)

    def wait(self, tx: Tx, intent_id: uuid.UUID, action: dict[str, str]) -> None:
        """Tells the payer where to send it."""
        intent = self._payments.locked(tx, intent_id)
        if self._payments.go(tx, intent, State.REQUIRES_ACTION):
            intent.action = action
            tx.flush()

    def expire_due(self, tx: Tx, *, now: dt.datetime, limit: int) -> int:
        """Ends those whose time is over; returns how many."""
        due = tx.execute(_OVER, {"rails": list(RAILS), "now": now, "limit": limit}).scalars().all()
        for intent_id in due:
            self._payments.go(tx, self._payments.locked(tx, intent_id), State.EXPIRED)
        return len(due)
