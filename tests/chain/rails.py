"""Every way to pay on one node with real parts: the edge, a chain with the contracts, the sandbox gateway.

Whatever the rail, its parties send the same requests. `Way` is one rail in one asset, and knows what paying
there is: also too little, too much and too late.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import text

from indexer.run import run
from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.chain.artifacts import load_artifact
from node.kernel.currencies import fiat_asset
from node.kernel.hexes import Address
from node.kernel.money import Amount
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from node.services.order.states import Rail
from tests.chain.bazaar import NATIVE, Bazaar, Person
from tests.chain_life import Chain, Life
from tests.chain_money import ETH, Vault
from tests.edge import new_wallet
from tests.sandbox import Sandbox
from wallet.owners import owner_of_account

EUR: Final = fiat_asset("EUR")
PRICE: Final = 10_001  # odd, so that splits have dust
WINDOWS: Final = {"ship_within_s": 600, "inspection_s": 600, "ruling_s": 300}
UNFUNDED: Final = dt.timedelta(minutes=1)
RICH: Final = 10**20  # wei, for gas
LIMIT: Final = 100
SENDS: Final = 3  # sweeps first, then what they pay for
LISTENERS: Final = {
    *("order.escrow", "order.payments", "payment.escrow", "payment.deposits"),
    *("gateway.refunds", "withdrawal.outgoing"),
}
CHAIN_RAILS: Final = (Rail.ESCROW, Rail.DEPOSIT, Rail.CHECKOUT)
Json = dict[str, Any]


@dataclass
class Sale:
    """An order, its buyer, and what paying it takes."""

    id: str
    buyer: Person
    address: Address | None = None  # to deposit to
    payment_id: str | None = None
    steps: tuple[Json, ...] = ()  # transactions for the buyer's wallet
    page: str = ""  # the gateway's


@dataclass
class Rails(Bazaar):
    """A bazaar with all ways to pay, and everybody who reacts to what happens."""

    gateway: Sandbox | None = None
    _listeners: list[Consumer] = field(default_factory=list)

    @property
    def sandbox(self) -> Sandbox:
        assert self.gateway is not None
        return self.gateway

    @property
    def chain(self) -> Chain:
        return Chain(self.suite.rpc_url)

    @property
    def vault(self) -> Vault:
        life = Life(self.chain, self.suite.deployment)
        return Vault(life, self.settings, self.edge.services, self.edge.clock)

    @property
    def dollar(self) -> str:
        return f"eip155:31337/erc20:{self.suite.dollar}"

    async def catch_up(self, *, consume: bool = True) -> None:
        """Indexes and books what is final, and lets everybody hear of everything."""
        assert consume
        services = self.edge.services
        await run(self.settings, exit_at_head=True)
        services.assets.learn_all(services.database.transaction)
        services.follower.follow(services.database.transaction)
        self.hear()

    def hear(self) -> None:
        """What was recorded is heard by all whom money concerns, until nothing new is said."""
        self._listeners = self._listeners or self.listeners()
        while Sequencer(self.edge.services.database).number_once():
            for listener in self._listeners:
                listener.run_once()  # one batch has room for what a step says
        self.assert_none_parked()

    def listeners(self) -> list[Consumer]:
        services = self.edge.services
        return [
            Consumer(services.database, subscription, services.clock)
            for subscription in subscriptions(reactions(services), self._task)
            if subscription.name in LISTENERS
        ]

    def assert_none_parked(self) -> None:
        with self.edge.services.database.transaction() as tx:
            assert tx.execute(text("SELECT consumer, error FROM kernel.parked_event")).all() == []

    def _task(self, task: str, arguments: Any) -> None:
        """Refunds at the gateway."""
        assert task == "gateway.refund"
        services = self.edge.services
        payment_id, number = uuid.UUID(arguments["payment"]), int(arguments["number"])
        services.gateway.send_refund(services.database.transaction, payment_id, number)

    def pass_minutes(self, minutes: int) -> None:
        self.pass_time(60 * minutes)
        self.chain.mine()

    def expire(self) -> None:
        """What the schedule does about orders that nobody paid."""
        services = self.edge.services
        with services.database.transaction() as tx:
            for due in (services.order, services.funding):
                due.expire_due(tx, now=services.clock.now(), limit=LIMIT)
        self.hear()

    def act_due(self) -> None:
        services = self.edge.services
        while services.order.acts.act_due(services.database.transaction, limit=LIMIT):
            pass
        self.hear()

    async def somebody(self) -> Person:
        wallet = new_wallet()
        found = Person(wallet, await self.edge.sign_in(wallet))
        self.chain.rpc("anvil_setBalance", found.address, hex(RICH))
        return found

    async def account(self, who: Person) -> uuid.UUID:
        me = await self.edge.client.get("/v1/me", headers=who.headers)
        return uuid.UUID(me.json()["account_id"])

    async def has(self, who: Person, asset: str) -> tuple[int, int]:
        """On the node: what is available and what is held."""
        answer = await self.edge.client.get("/v1/me/balances", headers=who.headers)
        for item in answer.json()["items"]:
            if item["asset"]["id"] == asset:
                return int(item["available"]), int(item["held"])
        return 0, 0

    async def open_shop(self, *assets: str) -> dict[str, str]:
        """One market, and a product in each of the assets."""
        body: Json = {"name": "Shop", "language": "en", "policy": WINDOWS}
        market = await self.post(self.seller, "/v1/markets", body, 201)
        products = {}
        for asset in assets:
            body = {"title": "Tea", "price": {"asset": asset, "amount": str(PRICE)}, "stock": 100}
            made = await self.post(self.seller, f"/v1/markets/{market['id']}/products", body, 201)
            products[asset] = made["id"]
        return products

    async def withdraw_all(self, people: Sequence[tuple[Person, str]]) -> None:
        """Whoever has money left on the node takes it to a wallet of his own: it is there, and whole."""
        vault, services = self.vault, self.edge.services
        self.chain.rpc("anvil_setBalance", services.outbox.address, hex(RICH))
        await self.catch_up()
        taken = []
        for who, asset_id in people:
            amount, _ = await self.has(who, asset_id)
            asset, to = (
                ETH if asset_id == NATIVE else vault.usd,
                Address("0x" + uuid.uuid4().hex + "00000000"),
            )
            vault.withdraw(await self.account(who), asset, amount, to)
            taken.append((to, asset, amount))
        with services.database.transaction() as tx:
            services.sweeper.sweep(tx)
        for _ in range(SENDS):
            vault.send()
            await self.catch_up()
        for to, asset, amount in taken:
            assert vault.lies_at(to, asset) == amount > 0
        for who, asset_id in people:
            assert await self.has(who, asset_id) == (0, 0)

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Whoever sends what a wallet of ours would never sign."""
        self.chain.rpc("anvil_autoImpersonateAccount", True)
        yield
        self.chain.rpc("anvil_autoImpersonateAccount", False)


@dataclass
class Way:
    """One rail in one asset."""

    node: Rails
    rail: Rail
    asset: str
    product_id: str

    @property
    def is_coin(self) -> bool:
        return self.asset == NATIVE

    async def place(self, cents: int = PRICE) -> Sale:
        """By somebody who has so much."""
        node, buyer = self.node, await self.node.somebody()
        if self.rail in CHAIN_RAILS:
            if not self.is_coin:
                self._dollars("mint", buyer.address, 2 * PRICE, sender=buyer.address)
        elif self.rail is not Rail.GATEWAY:
            services, owner = node.edge.services, owner_of_account(await node.account(buyer))
            with services.database.transaction() as tx:
                services.balance.top_up(tx, owner, Amount(EUR, cents))
        body = {"product_id": self.product_id, "quantity": 1, "rail": self.rail.value}
        placed = await node.post(buyer, "/v1/orders", body, 201)
        node.hear()
        return Sale(placed["id"], buyer)

    async def prepare(self, sale: Sale) -> None:
        """What a buyer asks for before he pays: where to, and how."""
        node, path = self.node, f"/v1/orders/{sale.id}"
        if self.rail is Rail.ESCROW:
            sale.steps = tuple((await node.post(sale.buyer, f"{path}/fund"))["steps"])
        elif self.rail in {Rail.DEPOSIT, Rail.CHECKOUT, Rail.GATEWAY}:
            payment = await node.post(sale.buyer, f"{path}/pay", {}, 201)
            sale.payment_id, sale.page = payment["id"], payment["action"].get("redirect_url", "")
            sale.address = payment["action"].get("address")
        if self.rail is Rail.CHECKOUT:
            path = f"{path}/payments/{sale.payment_id}/checkout"
            sale.steps = tuple((await node.post(sale.buyer, path))["steps"])
        elif self.rail is Rail.DEPOSIT:
            sale.steps = (self._deposit(sale),)

    async def pay(self, sale: Sale, more: int = 0) -> None:
        """The price and `more`, which may be less. What refuses it is part of the table."""
        node = self.node
        if not (sale.steps or sale.payment_id):
            await self.prepare(sale)
        if self.rail is Rail.GATEWAY:
            fault = {1: ["overpaid"], -1: ["underpaid"], 0: []}[more]
            await asyncio.to_thread(node.sandbox.decide, sale.page, "pay", "lost", *fault)
            await node.post(sale.buyer, f"/v1/orders/{sale.id}/payments/{sale.payment_id}/check")
        elif self.rail in {Rail.BALANCE, Rail.HOLD}:
            path = f"/v1/orders/{sale.id}/pay"
            answer = await node.edge.client.post(path, headers=sale.buyer.headers)
            assert answer.status_code == 201 or answer.json()["code"] in REFUSALS, answer.text
        elif not more:
            await node.send(sale.buyer, sale.steps)
        else:
            if self.rail is Rail.DEPOSIT:
                self.send_to_address(sale, PRICE + more)
            else:
                self._pay_contract_otherwise(sale, more)
            await node.catch_up()
        node.hear()

    def _pay_contract_otherwise(self, sale: Sale, more: int) -> None:
        """Contracts take the price and nothing else: neither a coin nor an allowance too few or too many.

        Too much is approved and not taken, or refused and paid rightly. What a wallet sends to the deposit
        address besides the checkout is a deposit.
        """
        last = sale.steps[-1]["transaction"]
        value = int(last["value"]) + more if self.is_coin else 0
        if not self.is_coin:
            self._dollars("approve", last["to"], PRICE + more, sender=sale.buyer.address)
        is_taken = self.contract_takes(sale, value)
        assert is_taken == (not self.is_coin and more > 0)
        if self.rail is Rail.CHECKOUT:
            self.send_to_address(sale, more if more > 0 else PRICE + more)
        if more > 0 and not is_taken:
            with self.node.unlocked():
                assert self.contract_takes(sale, int(last["value"]))

    def contract_takes(self, sale: Sale, value: int) -> bool:
        """Sends the buyer's last step, with so many wei."""
        last, chain = sale.steps[-1]["transaction"], self.node.chain
        with self.node.unlocked():
            sent = chain.send(sale.buyer.address, last["to"], last["data"], value=value)
        return bool(chain.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1")

    def _deposit(self, sale: Sale) -> Json:
        """As a wallet does it that was told where to send how much."""
        assert sale.address is not None
        to, data, value = sale.address, "0x", PRICE
        if not self.is_coin:
            to, value = self.node.suite.dollar, 0
            data = load_artifact("DevDollar").encode("transfer", sale.address, PRICE)
        chain, sender = self.node.chain, sale.buyer.address
        transaction = {
            "from": sender,
            "to": to,
            "data": data,
            "value": str(value),
            "gas": 200_000,
            "nonce": int(chain.rpc("eth_getTransactionCount", sender, "latest"), 16),
            "chain_id": self.node.suite.deployment.chain_id,
            "max_fee_per_gas": str(20 * 10**9),
            "max_priority_fee_per_gas": str(10**9),
        }
        return {"transaction": transaction}

    def send_to_address(self, sale: Sale, amount: int = PRICE) -> None:
        assert sale.address is not None
        if self.is_coin:
            chain = self.node.chain
            with self.node.unlocked():
                chain.receipt(chain.send(sale.buyer.address, sale.address, "0x", value=amount))
        else:
            self._dollars("transfer", sale.address, amount, sender=sale.buyer.address)

    def _dollars(self, function: str, *args: object, sender: Address) -> None:
        life = self.node.vault.life
        with self.node.unlocked():
            sent = life.call(sender, "DevDollar", self.node.suite.dollar, function, *args)
            life.chain.receipt(sent)

    async def act(self, sale: Sale, who: Person, step: str, body: Json | None = None) -> None:
        """The same request on every rail; where a contract holds the money its answer has steps to send."""
        answer = await self.node.post(who, f"/v1/orders/{sale.id}/{step}", body)
        assert bool(answer["steps"]) == (self.rail is Rail.ESCROW)
        if answer["steps"]:
            await self.node.send(who, answer["steps"])
        self.node.hear()

    async def state(self, sale: Sale) -> tuple[str, str]:
        """Of the order, and of its newest payment."""
        order = await self.node.read(sale.buyer, sale.id)
        answer = await self.node.edge.client.get(f"/v1/orders/{sale.id}/payments", headers=sale.buyer.headers)
        payments = answer.json()["items"]
        return order["state"], payments[0]["state"] if payments else "no money"

    async def finish(self, sale: Sale) -> None:
        """The goods come, where the order was paid."""
        if (await self.state(sale))[0] == "paid":
            await self.act(sale, self.node.seller, "ship", {"tracking": "parcel"})
            await self.act(sale, sale.buyer, "confirm")


REFUSALS: Final = ("insufficient_funds", "wrong_order_state")
