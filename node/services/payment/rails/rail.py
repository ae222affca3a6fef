"""What a rail is. Each method moves money in the caller's transaction, under the key of its step."""

from typing import Protocol

from node.kernel.db.unit_of_work import Tx
from node.services.payment.models import Intent
from node.services.payment.split import Parts


class Rail(Protocol):
    @property
    def is_immediate(self) -> bool:
        """Whether the money is the market's as soon as it is paid: nothing is held."""

    def secure(self, tx: Tx, intent: Intent, *, key: str) -> None:
        """Takes the whole amount from wherever the payer has it, so that nobody else can."""

    def settle(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        """Pays out a part of what is held."""

    def give_back(self, tx: Tx, intent: Intent, *, key: str, amount: int) -> None:
        """Gives a part of what is held back to the payer."""

    def refund(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        """Takes back what was paid out, for the payer."""
