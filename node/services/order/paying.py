"""What orders ask of payments, where no contract holds the money."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Protocol

from node.kernel.db.unit_of_work import Tx
from node.services.order.models import Order


@dataclass(frozen=True, slots=True)
class PaidOut:
    """What the market has of a payment, and what others have of it."""

    to_seller: int
    fee: int


class Payments(Protocol):
    """Each call is atomic, locks the payment, and is made in the transaction that moves the order."""

    def begin(
        self, tx: Tx, order: Order, *, method: str | None, expires_at: dt.datetime
    ) -> tuple[uuid.UUID, bool]:
        """A payment of the order's amount; whether its money is here already."""

    def is_in_flight(self, tx: Tx, order_id: uuid.UUID) -> bool:
        """Whether money may be on its way that nobody has yet."""

    def release(self, tx: Tx, payment_id: uuid.UUID, *, amount: int) -> PaidOut:
        """A part goes to the market; what came of this part."""

    def give_back(self, tx: Tx, payment_id: uuid.UUID, *, amount: int) -> None:
        """A part goes back to the payer."""

    def end(self, tx: Tx, payment_id: uuid.UUID, *, to_payer: int) -> PaidOut:
        """So much goes back, the rest to the market; what came of all of it."""
