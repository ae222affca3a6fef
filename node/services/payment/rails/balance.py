"""From the payer's wallet on the node, at once: the market has the money, and gives it back in a refund."""

from typing_extensions import override

from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.services.payment.books import Books
from node.services.payment.models import Intent
from node.services.payment.rails.rail import Rail
from node.services.payment.split import Parts


class BalanceRail(Rail):
    def __init__(self, books: Books) -> None:
        self._books = books

    @property
    @override
    def is_immediate(self) -> bool:
        return True

    @override
    def secure(self, tx: Tx, intent: Intent, *, key: str) -> None:
        """Nothing is held: `settle` follows in the same transaction, and takes it from the wallet."""

    @override
    def settle(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        self._books.pay_out(tx, intent, self._books.payer(tx, intent), key=key, parts=parts)

    @override
    def give_back(self, tx: Tx, intent: Intent, *, key: str, amount: int) -> None:
        raise Bug("nothing is held that could be given back", intent_id=str(intent.id))

    @override
    def refund(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        self._books.claw_back(tx, intent, self._books.payer(tx, intent), key=key, parts=parts)
