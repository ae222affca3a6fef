"""A till with the sandbox gateway behind it, and a payer on its page."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select

from node.bootstrap.till import Desk
from node.kernel.clock import SystemClock
from node.services.gateway.provider import Callback
from node.services.gateway.service import GatewayService
from node.services.order.access import Caller
from node.services.order.models import Order
from node.services.order.states import Rail
from node.services.payment.models import Intent
from tests.sandbox import Sandbox
from tests.till import PRICE, Till
from wallet.incident.models import IncidentRow

HOME = "https://shop.test"


@dataclass
class Counter(Till):
    sandbox: Sandbox

    def __post_init__(self) -> None:
        super().__post_init__()
        self.gateway = GatewayService(
            self.shop.clock,
            self.sandbox.gateways(),
            Desk(self.shop.payment),
            callback_url=self.sandbox.inbox.url,
            return_origins=[HOME],
        )

    def begun(self, price: int = PRICE, *faults: str) -> tuple[Order, Caller, uuid.UUID]:
        """An order whose buyer is on the gateway's page."""
        buyer = self.buyer()
        order = self.order(buyer, Rail.GATEWAY, price=price)
        return order, buyer, self.begin(order, buyer, *faults)

    def begin(self, order: Order, buyer: Caller, *faults: str) -> uuid.UUID:
        payment_id = self.pay(order, buyer, method="sandbox")
        if faults:
            self.sandbox.break_(payment_id, *faults)
        back = self.gateway.back_to(payment_id, None)
        self.gateway.begin(self.shop.database.transaction, payment_id, title="Tea", return_url=back)
        return payment_id

    def intent(self, payment_id: uuid.UUID) -> Intent:
        with self.shop.database.transaction() as tx:
            return tx.get_one(Intent, payment_id)

    def page(self, payment_id: uuid.UUID) -> str:
        action = self.intent(payment_id).action
        assert action is not None
        return action["redirect_url"]

    def hear(self, told: tuple[dict[str, str], bytes]) -> None:
        headers, body = told
        with self.shop.database.transaction() as tx:
            self.gateway.hear(tx, "sandbox", Callback(headers, body, SystemClock().now()))

    def check(self, payment_id: uuid.UUID) -> None:
        self.gateway.check(self.shop.database.transaction, payment_id)

    def poll(self, *, after: dt.timedelta = dt.timedelta(hours=1)) -> int:
        self.shop.clock.advance(after)
        return self.gateway.poll(self.shop.database.transaction, limit=100)

    def incidents(self, payment_id: uuid.UUID) -> list[IncidentRow]:
        with self.shop.database.transaction() as tx:
            return list(
                tx.execute(
                    select(IncidentRow).where(IncidentRow.key.startswith(f"payment:{payment_id}:"))
                ).scalars()
            )

    def callbacks_of(self, payment_id: uuid.UUID, count: int) -> list[tuple[dict[str, str], bytes]]:
        self.sandbox.inbox.wait_for(count)
        return [told for told in self.sandbox.inbox.got if str(payment_id).encode() in told[1]]
