"""Through a gateway: its money waits in an account of the payment's own until it is clear whose it is.

What goes back is owed to the payer at once; the gateway is told by a task (the noun `gateway`).
"""

from typing_extensions import override

from node.kernel.db.unit_of_work import Tx
from node.services.payment.books import Books
from node.services.payment.models import Intent
from node.services.payment.rails.rail import Rail
from node.services.payment.split import Parts
from wallet.ledger.commands import AccountId, Posting, Transfer


class GatewayRail(Rail):
    def __init__(self, books: Books) -> None:
        self._books = books

    @property
    @override
    def is_immediate(self) -> bool:
        return False

    @override
    def secure(self, tx: Tx, intent: Intent, *, key: str) -> None:
        came = Posting(self._gateway(tx, intent), self._books.held_for(tx, intent), intent.of(intent.amount))
        self._books.ledger.post(tx, Transfer(key, "payment.secure", (came,)))

    @override
    def settle(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        self._books.pay_out(tx, intent, self._books.held_for(tx, intent), key=key, parts=parts)

    @override
    def give_back(self, tx: Tx, intent: Intent, *, key: str, amount: int) -> None:
        held = [(self._books.held_for(tx, intent), amount)]
        self._books.move_back(tx, intent, held, self._gateway(tx, intent), key=key)

    @override
    def refund(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None:
        self._books.claw_back(tx, intent, self._gateway(tx, intent), key=key, parts=parts)

    def _gateway(self, tx: Tx, intent: Intent) -> AccountId:
        assert intent.method is not None  # a payment of this rail names its gateway
        return self._books.gateway(tx, intent.method, intent.asset)
