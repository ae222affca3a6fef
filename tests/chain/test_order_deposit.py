"""Orders paid by the chain: to the buyer's deposit address, and through the checkout contract."""

import datetime as dt
import secrets
import uuid
from collections.abc import Iterator

import pytest

from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.chain.checkout_actions import Invoice
from node.kernel.hexes import Address
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from node.services.catalog.currencies import Currency
from node.services.catalog.service import Price, ProductDraft
from node.services.market.service import MarketDraft
from node.services.order.access import Caller
from node.services.order.models import Order
from node.services.order.states import Action, Rail
from node.services.payment.queries import PAYMENT
from tests.chain_money import Vault, vault
from tests.stack import DatabaseUrls
from wallet.owners import NODE, TOLERANCE, WALLET, owner_of_market

pytestmark = [pytest.mark.chain, pytest.mark.pg]

PRICE = 12_345_679
TOLERATED = PRICE // 10_000
REST = 2 * TOLERATED


@pytest.fixture(scope="module")
def shared(
    anvil: str, module_database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    with vault(anvil, tmp_path_factory.mktemp("vault"), module_database, deposit_tolerance_bps=1) as found:
        yield found


class Sale:
    """A product in dollars of the chain, and a buyer who has some there."""

    def __init__(self, vault: Vault, rail: Rail) -> None:
        self.vault, self.services = vault, vault.services
        self.begin = self.services.database.transaction
        self.seller = Caller(uuid.uuid4(), Address("0x" + secrets.token_hex(20)))
        self.buyer = Caller(vault.account(), vault.life.others[0])
        assert self.seller.wallet is not None
        with self.begin() as tx:
            market = self.services.market.open(
                tx,
                account_id=self.seller.account_id,
                wallet=self.seller.wallet,
                draft=MarketDraft(name="Shop", language="en"),
            )
            product = self.services.catalog.add(
                tx,
                market.id,
                account_id=self.seller.account_id,
                draft=ProductDraft(title="Tea", stock=5),
                price=Price(Currency(vault.usd, vault.dollar), PRICE),
            )
            self.order = self.services.order.place(
                tx, self.buyer, product_id=product.id, quantity=1, note="", rail=rail
            )
            self.payment_id = self.services.order.acts.pay(tx, self.buyer, self.order.id, method=None)

    def follow(self) -> None:
        self.vault.turn()
        for name in ("payment.deposits", "order.payments"):
            Sequencer(self.services.database).number_once()
            for subscription in subscriptions(reactions(self.services), lambda _task, _arguments: None):
                if subscription.name == name:
                    while Consumer(self.services.database, subscription, self.vault.clock).run_once().handled:
                        pass

    def state(self) -> tuple[str, str]:
        with self.begin() as tx:
            order = tx.get_one(Order, self.order.id)
            return order.state, self.services.payment.locked(tx, self.payment_id).state

    def invoice(self, payment_id: uuid.UUID | None = None) -> tuple[str, int, int, int]:
        """Of the buyer's view: how it stands, what came, what is missing, what is too much."""
        params = {
            "payment_id": payment_id or self.payment_id,
            "account_id": self.buyer.account_id,
            "now": self.vault.clock.now(),
        }
        with self.begin() as tx:
            (seen,) = tx.connection().exec_driver_sql(PAYMENT, params).one()
        told = seen["invoice"]
        return told["status"], int(told["received"]), int(told["missing"]), int(told["over"])

    def act(self, caller: Caller, action: Action) -> None:
        with self.begin() as tx:
            self.services.order.acts.take(tx, caller, self.order.id, action, words=None, gross=None)

    def finish(self) -> None:
        """The goods come, and the market has its part in the ledger."""
        self.act(self.seller, Action.SHIP)
        self.act(self.buyer, Action.CONFIRM)
        assert self.state() == ("completed", "captured")
        owner = owner_of_market(self.order.market_id)
        fee = PRICE * self.order.fee_bps // 10_000
        assert self.vault.balance(owner, WALLET, self.vault.usd).available == PRICE - fee
        self.vault.assert_even()


def test_a_deposit_in_parts_pays_an_order(shared: Vault) -> None:
    sale = Sale(shared, Rail.DEPOSIT)
    address = shared.address(sale.buyer.account_id)
    shared.pay(address, PRICE - TOLERATED - 1)
    sale.follow()
    assert sale.state() == ("placed", "created")
    assert sale.invoice() == ("partial", PRICE - TOLERATED - 1, TOLERATED + 1, 0)
    shared.pay(address, TOLERATED + 10)
    sale.follow()
    assert sale.state() == ("paid", "authorised")
    left = shared.has(sale.buyer.account_id, shared.usd)
    assert (left.available, left.held) == (9, PRICE)
    assert sale.invoice() == ("over", PRICE + 9, 0, 9)
    sale.finish()


def test_a_deposit_that_is_almost_enough_pays(shared: Vault) -> None:
    sale = Sale(shared, Rail.DEPOSIT)
    assert sale.invoice() == ("waiting", 0, PRICE, 0)
    shared.pay(shared.address(sale.buyer.account_id), PRICE - TOLERATED)
    sale.follow()
    assert sale.state() == ("paid", "authorised")
    assert sale.invoice() == ("paid", PRICE - TOLERATED, 0, 0)
    assert shared.balance(NODE, TOLERANCE, shared.usd).posted == -TOLERATED
    shared.assert_even()
    sale.act(sale.seller, Action.REFUND)
    assert sale.state() == ("refunded", "refunded")
    assert shared.has(sale.buyer.account_id, shared.usd).available == PRICE - TOLERATED
    assert shared.balance(NODE, TOLERANCE, shared.usd).posted == 0
    shared.assert_even()


def test_money_that_comes_after_its_time_is_the_buyers(shared: Vault) -> None:
    sale = Sale(shared, Rail.DEPOSIT)
    with sale.begin() as tx:
        long_ago = sale.services.payment.locked(tx, sale.payment_id)
        long_ago.expires_at = shared.clock.now() - dt.timedelta(hours=1)
    assert sale.invoice() == ("ended", 0, 0, 0)
    shared.pay(shared.address(sale.buyer.account_id), PRICE)
    sale.follow()
    assert sale.state()[1] == "created"
    assert sale.invoice() == ("late", PRICE, 0, 0)
    assert shared.has(sale.buyer.account_id, shared.usd).available == PRICE
    shared.assert_even()


def test_a_deposit_that_the_chain_lost_pays_when_it_is_there_again(shared: Vault) -> None:
    sale, chain = Sale(shared, Rail.DEPOSIT), shared.life.chain
    address = shared.address(sale.buyer.account_id)
    sent = shared.pay(address, PRICE - REST)
    raw = chain.rpc("eth_getRawTransactionByHash", sent)
    sale.follow()
    chain.reorg(1)
    shared.pay(address, REST, sender=1)
    sale.follow()
    assert sale.state() == ("placed", "created")  # the rest is there, the others are frozen
    left = shared.has(sale.buyer.account_id, shared.usd)
    assert (left.available, left.held) == (REST, PRICE - REST)
    chain.rpc("eth_sendRawTransaction", raw)
    sale.follow()
    assert sale.state() == ("paid", "authorised")
    sale.finish()


def test_the_checkout_contract_pays_an_order_once(shared: Vault) -> None:
    sale = Sale(shared, Rail.CHECKOUT)
    assert sale.buyer.wallet is not None
    with sale.begin() as tx:
        expires = sale.services.payment.locked(tx, sale.payment_id).expires_at
    invoice = Invoice(
        payment_id=sale.payment_id,
        payee=shared.address(sale.buyer.account_id),
        asset=shared.dollar,
        amount=PRICE,
        expires=int(expires.timestamp()),
    )
    steps = sale.services.checkout_actions().pay(invoice, payer=sale.buyer.wallet)
    assert [step.action for step in steps] == ["approve_token", "pay_invoice"]
    for step in steps:
        shared.life.chain.receipt(shared.life.chain.send(step.sender, step.to, step.data, value=step.value))
    again = shared.life.chain.send(steps[-1].sender, steps[-1].to, steps[-1].data)
    with pytest.raises(AssertionError, match="'0x0'"):  # an invoice is paid once
        shared.life.chain.receipt(again)
    sale.follow()
    assert sale.state() == ("paid", "authorised")
    assert shared.has(sale.buyer.account_id, shared.usd).held == PRICE
    sale.finish()
