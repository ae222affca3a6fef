"""A node and its people on a real chain, who trade over HTTP with their wallets' keys."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount

from api.v1.order import OrderOut
from indexer.run import run
from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.chain.artifacts import load_artifact
from node.kernel.hexes import Address, checksummed
from node.kernel.settings import Settings
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from node.services.order.verify import differences
from tests.chain.suite import Suite
from tests.chain_life import Chain
from tests.edge import Edge, edge_settings, running_edge
from tests.stack import DatabaseUrls
from wallet.custody.dev import DEV_MNEMONIC

NATIVE = "eip155:31337/slip44:60"
CONSUMER = "order.escrow"
PRICE = 10_000
Account.enable_unaudited_hdwallet_features()


def dev_wallet(number: int) -> LocalAccount:
    wallet: LocalAccount = Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
    return wallet


@dataclass
class Person:
    wallet: LocalAccount
    headers: dict[str, str]

    @property
    def address(self) -> Address:
        return Address(self.wallet.address.lower())

    def sign(self, answer: Mapping[str, Any]) -> str:
        """The one signature that the steps ask for."""
        (step,) = answer["steps"]
        message = step["signature"]["typed_data"]
        return "0x" + bytes(self.wallet.sign_typed_data(full_message=message).signature).hex()


@dataclass
class Bazaar:
    """A node and its people: they speak HTTP and sign; only `catch_up` looks behind the scenes."""

    edge: Edge
    suite: Suite
    settings: Settings
    seller: Person
    buyer: Person
    arbiter: Person

    async def post(self, who: Person, path: str, body: object = None, status: int = 200) -> dict[str, Any]:
        answer = await self.edge.client.post(path, json=body, headers=who.headers)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def order(self, asset: str = NATIVE, *, appeal: bool = False, **market: object) -> str:
        body = {"name": "Shop", "language": "en", **market}
        opened = await self.post(self.seller, "/v1/markets", body, 201)
        body = {"title": "Tea", "price": {"asset": asset, "amount": str(PRICE)}, "stock": 1}
        product = await self.post(self.seller, f"/v1/markets/{opened['id']}/products", body, 201)
        body = {"product_id": product["id"], "quantity": 1, "appeal": appeal}
        placed = await self.post(self.buyer, "/v1/orders", body, 201)
        order_id: str = placed["id"]
        return order_id

    async def step(self, who: Person, order_id: str, step: str, body: object = None) -> dict[str, Any]:
        """Asks for the steps, signs and sends each, and lets the node hear of it."""
        return await self.do(who, f"/v1/orders/{order_id}/{step}", body)

    async def do(self, who: Person, path: str, body: object = None) -> dict[str, Any]:
        """As `step`, for steps of any noun."""
        answer = await self.post(who, path, body)
        await self.send(who, answer["steps"])
        return answer

    async def send(self, who: Person, steps: Sequence[Mapping[str, Any]]) -> None:
        for item in steps:
            await asyncio.to_thread(self._send, who, item["transaction"])
        await self.catch_up()

    async def read(self, who: Person, order_id: str) -> dict[str, Any]:
        answer = await self.edge.client.get(f"/v1/orders/{order_id}", headers=who.headers)
        OrderOut.model_validate_json(answer.content)
        found: dict[str, Any] = answer.json()
        return found

    async def catch_up(self, *, consume: bool = True) -> None:
        await run(self.settings, exit_at_head=True)
        services = self.edge.services
        Sequencer(services.database).number_once()
        table = {CONSUMER: reactions(services)[CONSUMER]}
        (subscription,) = subscriptions(table, send=_no_tasks)
        if consume:
            Consumer(services.database, subscription, services.clock).run_once()
        with services.database.transaction() as tx:
            assert not consume or differences(tx) == []

    async def directly(
        self, who: Person, order_id: str, function: str, *args: object, value: int = 0
    ) -> dict[str, Any]:
        """A wallet uses the contract without the node, knowing only the order's terms."""
        terms = (await self.read(who, order_id))["escrow"]["terms"]
        values = terms | {"amount": int(terms["amount"])}
        chain, escrow = Chain(self.suite.rpc_url), self.suite.deployment.escrow.address
        data = load_artifact("Escrow").encode(function, values, *args)
        chain.receipt(chain.send(who.address, escrow, data, value=value))
        await self.catch_up()
        return await self.read(who, order_id)

    def pass_time(self, seconds: int) -> None:
        Chain(self.suite.rpc_url).rpc("evm_increaseTime", seconds)
        self.edge.clock.advance(dt.timedelta(seconds=seconds))

    def balance(self, who: Address, asset: Address | None = None) -> int:
        if asset is None:
            return self.suite.client.balance(who)
        held: int = self.suite.client.read(load_artifact("DevDollar"), asset, "balanceOf", who)
        return held

    def _send(self, who: Person, transaction: Mapping[str, Any]) -> None:
        assert transaction["from"] == who.address
        fields = {
            "chainId": transaction["chain_id"],
            "to": checksummed(transaction["to"]),
            "data": transaction["data"],
            "value": int(transaction["value"]),
            "gas": transaction["gas"],
            "nonce": transaction["nonce"],
            "maxFeePerGas": int(transaction["max_fee_per_gas"]),
            "maxPriorityFeePerGas": int(transaction["max_priority_fee_per_gas"]),
        }
        raw = bytes(who.wallet.sign_transaction(fields).raw_transaction)
        receipt = self.suite.client.wait_receipt(self.suite.client.send_raw(raw), timeout_s=10)
        assert receipt.succeeded


def _no_tasks(task: str, arguments: object) -> None:
    raise AssertionError((task, arguments))


AnyBazaar = TypeVar("AnyBazaar", bound=Bazaar)


@asynccontextmanager
async def running_bazaar(
    suite: Suite,
    database: DatabaseUrls,
    redis_url: str,
    folder: Path,
    *,
    kind: type[AnyBazaar] = Bazaar,  # type: ignore[assignment] - the default of the type
    **more: object,
) -> AsyncIterator[AnyBazaar]:
    """`more` are settings."""
    settings = edge_settings(
        folder,
        database_url=database.app,
        redis_url=redis_url,
        rpc_url=suite.rpc_url,
        appeal_window_s=600,
        **more,
    )
    async with running_edge(settings) as edge:
        Chain(suite.rpc_url).mine()  # the newest block may be as old as the module
        edge.clock.at = dt.datetime.fromtimestamp(suite.now(), dt.UTC)
        people = []
        for number in (1, 2, 9):
            wallet = dev_wallet(number)
            people.append(Person(wallet, await edge.sign_in(wallet)))
        await run(settings, exit_at_head=True)
        yield kind(edge, suite, settings, *people)
