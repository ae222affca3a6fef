"""A shop with prices in euros, buyers with a phone alone, and what each has on the node."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select, text

from node.events.deposit import DepositCredited, deposit_stream
from node.kernel.currencies import fiat_asset
from node.kernel.ids import new_id
from node.kernel.money import Amount
from node.kernel.spine.consumer import Consumer, Subscription
from node.kernel.spine.sequencer import Sequencer
from node.services.catalog.currencies import Currency
from node.services.order.access import Caller
from node.services.order.models import Order
from node.services.order.statements import Kind as Said
from node.services.order.statements import Words
from node.services.order.states import Action, Rail
from node.services.payment.mirror import ORDER_EVENTS
from node.services.payment.models import Intent
from tests.shop import NATIVE, Shop
from wallet.ledger.verify import Difference, examine
from wallet.owners import WALLET, owner_of_account, owner_of_market

EUR = fiat_asset("EUR")
EUROS = Currency(EUR, None)
PRICE = 10_001  # odd, so that splits have dust
FEE = PRICE * 250 // 10_000

_BALANCE = text("""
    SELECT posted - held, held, floor FROM ledger.account
    WHERE owner = :owner AND purpose = :purpose AND asset = :asset
""")
_NODES = text("""
    SELECT coalesce(sum(CASE WHEN posting.destination = account.id THEN amount ELSE -amount END), 0)
    FROM ledger.account JOIN ledger.posting ON account.id IN (source, destination)
    WHERE account.owner = :owner AND account.purpose = :purpose
""")


@dataclass
class Till:
    shop: Shop

    def __post_init__(self) -> None:
        handlers = {"payment.secured": self.shop.order.acts.on_secured}
        funded = {"deposit.credited": self.shop.funding.on_deposit}
        mirrored = dict.fromkeys(ORDER_EVENTS, self.shop.mirror.on_order_event)
        self._consumers = [
            Consumer(self.shop.database, Subscription("order.payments", handlers), self.shop.clock),
            Consumer(self.shop.database, Subscription("payment.escrow", mirrored), self.shop.clock),
            Consumer(self.shop.database, Subscription("payment.deposits", funded), self.shop.clock),
        ]

    def follow(self) -> None:
        """Lets everybody hear what was recorded so far."""
        while Sequencer(self.shop.database).number_once():
            for consumer in self._consumers:
                while consumer.run_once().handled:
                    pass
        with self.shop.database.transaction() as tx:
            assert tx.execute(text("SELECT error FROM kernel.parked_event")).all() == []

    def buyer(self, cents: int = 0) -> Caller:
        """Somebody with a phone alone, and so many cents."""
        buyer = Caller(uuid.uuid4(), None)
        if cents:
            with self.shop.database.transaction() as tx:
                self.shop.balance.top_up(tx, owner_of_account(buyer.account_id), Amount(EUR, cents))
        return buyer

    def order(self, buyer: Caller, rail: Rail, *, price: int = PRICE) -> Order:
        currency = NATIVE if rail in {Rail.DEPOSIT, Rail.CHECKOUT} else EUROS
        product = self.shop.add_product(stock=5, price=price, currency=currency)
        return self.shop.place(product, buyer=buyer, rail=rail)

    def pay(self, order: Order, buyer: Caller, *, method: str | None = None) -> uuid.UUID:
        with self.shop.database.transaction() as tx:
            return self.shop.order.acts.pay(tx, buyer, order.id, method=method)

    def credit(self, buyer: Caller, wei: int) -> None:
        """Money came by the chain, as the book of deposits tells it."""
        shop, owner = self.shop, owner_of_account(buyer.account_id)
        event = DepositCredited(
            deposit_id=str(new_id()), owner=owner, asset_id=NATIVE.asset.id, amount=str(wei)
        )
        with shop.database.transaction() as tx:
            shop.balance.top_up(tx, owner, Amount(NATIVE.asset, wei))
            shop.events.record(tx, deposit_stream(event.deposit_id), event)
        self.follow()

    def has_coin(self, caller: Caller) -> tuple[int, int]:
        """In wei: what is free and what is held."""
        return self._balance(owner_of_account(caller.account_id), NATIVE.asset.id)[:2]

    def paid(self, rail: Rail, cents: int = PRICE) -> tuple[Order, Caller]:
        buyer = self.buyer(cents)
        order = self.order(buyer, rail)
        self.pay(order, buyer)
        return order, buyer

    def act(
        self, order: Order, caller: Caller, action: Action, *, gross: int | None = None, says: str = ""
    ) -> None:
        words = Words(Said.EVIDENCE, says) if says else None
        with self.shop.database.transaction() as tx:
            self.shop.order.acts.take(tx, caller, order.id, action, words=words, gross=gross)

    def act_due(self) -> int:
        return self.shop.order.acts.act_due(self.shop.database.transaction, limit=100)

    def payments(self, order: Order) -> list[Intent]:
        with self.shop.database.transaction() as tx:
            found = select(Intent).where(Intent.order_id == order.id).order_by(Intent.id)
            return list(tx.execute(found).scalars())

    def state(self, order: Order) -> tuple[str, str]:
        """Of the order and of its newest payment."""
        return self.shop.read(order.id).state, self.payments(order)[-1].state

    def split(self, order: Order) -> tuple[int | None, int | None, int | None]:
        """By the order: to the seller, to the buyer, fee."""
        found = self.shop.read(order.id)
        return found.to_seller, found.to_buyer, found.fee

    def has(self, caller: Caller) -> tuple[int, int]:
        """What is free and what is held."""
        return self._balance(owner_of_account(caller.account_id))[:2]

    def market_has(self, order: Order) -> int:
        return self._balance(owner_of_market(order.market_id))[0]

    def market_has_coin(self, order: Order) -> int:
        return self._balance(owner_of_market(order.market_id), NATIVE.asset.id)[0]

    def market_floor(self, order: Order) -> int:
        return self._balance(owner_of_market(order.market_id))[2]

    def node_has(self, purpose: str, owner: str = "node") -> int:
        with self.shop.database.transaction() as tx:
            return int(tx.execute(_NODES, {"owner": owner, "purpose": purpose}).scalar_one())

    def broken(self) -> tuple[Difference, ...]:
        with self.shop.database.transaction() as tx:
            return examine(tx).differences

    def _balance(self, owner: str, asset: str = EUR.id) -> tuple[int, int, int]:
        wanted = {"owner": owner, "purpose": WALLET, "asset": asset}
        with self.shop.database.transaction() as tx:
            found = tx.execute(_BALANCE, wanted).one_or_none()
        return (0, 0, 0) if found is None else (int(found[0]), int(found[1]), int(found[2]))
