"""People with money in their wallets, and what the node does about their transfers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from eth_account.signers.local import LocalAccount

from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.kernel.currencies import fiat_asset
from node.kernel.money import Amount, Asset
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from tests.edge import Edge, new_wallet
from wallet.owners import owner_of_account, owner_of_market

EUR, KWD, USD = fiat_asset("EUR"), fiat_asset("KWD"), fiat_asset("USD")
Json = dict[str, Any]


@dataclass
class Person:
    edge: Edge
    headers: dict[str, str]
    account_id: uuid.UUID
    wallet: LocalAccount

    @property
    def owner(self) -> str:
        return owner_of_account(self.account_id)

    async def renew(self) -> None:
        """Signs in again: the clock has moved on."""
        self.headers = await self.edge.sign_in(self.wallet)

    async def post(self, path: str, body: Json | None = None) -> httpx.Response:
        return await self.edge.client.post(path, json=body, headers=self.headers)

    async def put(self, path: str, body: Json) -> httpx.Response:
        return await self.edge.client.put(path, json=body, headers=self.headers)

    async def get(self, path: str, **params: str) -> Json:
        answer = await self.edge.client.get(path, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def named(self, handle: str) -> "Person":
        answer = await self.put("/v1/me/handle", {"handle": handle})
        assert answer.status_code == 200, answer.text
        return self

    async def prepare(self, to: Json, value: int | None, asset: Asset = EUR, **more: str) -> httpx.Response:
        body: Json = {"to": to, **more}
        if value is not None:
            body["amount"] = {"asset": asset.id, "value": str(value)}
        return await self.post("/v1/me/transfers", body)

    async def pay(self, to: Json, value: int | None, asset: Asset = EUR, **more: str) -> httpx.Response:
        """Prepares and confirms."""
        prepared = await self.prepare(to, value, asset, **more)
        assert prepared.status_code == 201, prepared.text
        return await self.post(f"/v1/me/transfers/{prepared.json()['id']}/confirm")

    async def has(self, asset: Asset = EUR) -> int:
        """What is available."""
        items = (await self.get("/v1/me/balances"))["items"]
        return next((int(item["available"]) for item in items if item["asset"]["id"] == asset.id), 0)


async def person(edge: Edge, *money: Amount, headers: dict[str, str] | None = None) -> Person:
    """Somebody with a wallet and money, or whoever has signed in otherwise."""
    wallet = new_wallet()
    headers = headers or await edge.sign_in(wallet)
    me = (await edge.client.get("/v1/me", headers=headers)).json()
    found = Person(edge, headers, uuid.UUID(me["account_id"]), wallet)
    give(edge, found.owner, *money)
    return found


def give(edge: Edge, owner: str, *money: Amount) -> None:
    for amount in money:
        with edge.services.database.transaction() as tx:
            edge.services.balance.top_up(tx, owner, amount)


def market_owner(market: Mapping[str, Any]) -> str:
    return owner_of_market(uuid.UUID(market["id"]))


def react(edge: Edge, *consumers: str) -> None:
    """What the spine and the worker do about what has happened, of the consumers whose names begin so."""
    services = edge.services

    def run_task(task: str, arguments: Mapping[str, str]) -> None:
        assert task == "transfer.tell", task
        services.transfers.tell(services.database.transaction, uuid.UUID(arguments["transfer"]))

    Sequencer(services.database).number_once()
    for subscription in subscriptions(reactions(services), run_task):
        if subscription.name.startswith(consumers or ("transfer.",)):
            consumer = Consumer(services.database, subscription, services.clock)
            while consumer.run_once().handled:
                pass


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
