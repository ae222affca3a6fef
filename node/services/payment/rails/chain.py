"""Through a contract: the chain has the money, the ledger knows nothing of it. The intent follows."""

from typing_extensions import override

from node.kernel.db.unit_of_work import Tx
from node.services.payment.models import Intent
from node.services.payment.rails.rail import Rail
from node.services.payment.split import Parts


class ChainRail(Rail):
    @property
    @override
    def is_immediate(self) -> bool:
        return False

    @override
    def secure(self, tx: Tx, intent: Intent, *, key: str) -> None: ...

    @override
    def settle(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None: ...

    @override
    def give_back(self, tx: Tx, intent: Intent, *, key: str, amount: int) -> None: ...

    @override
    def refund(self, tx: Tx, intent: Intent, *, key: str, parts: Parts) -> None: ...
