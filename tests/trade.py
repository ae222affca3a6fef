"""People who trade on a real chain through the edge: they sign everything themselves and relay it."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_account.signers.local import LocalAccount
from httpx import Response

from indexer.run import run as run_indexer
from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.chain.client import ChainClient
from node.chain.deployments import Deployment
from node.kernel.hexes import Address, checksummed, parse_address
from node.kernel.settings import Settings
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from tests.deployed_chain import deployed_on
from tests.edge import Edge, edge_settings, running_edge
from tests.stack import DatabaseUrls
from wallet.custody.dev import DEV_MNEMONIC

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


@dataclass
class Trader:
    """A dev account that is signed in."""

    node: "TradingNode"
    key: LocalAccount
    headers: Mapping[str, str]

    @property
    def address(self) -> Address:
        return Address(self.key.address.lower())

    async def post(self, path: str, body: object = None, *, status: int) -> Any:
        answer = await self.node.edge.client.post(path, json=body, headers=dict(self.headers))
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def refused(self, path: str, body: object = None, *, status: int) -> str:
        """The code of a problem."""
        answer = await self.post(path, body, status=status)
        return str(answer["code"])

    def sign(self, step: Mapping[str, Any], **changes: Any) -> str:
        """The raw transaction of a step."""
        populated = step["transaction"]
        fields = {
            "type": 2,
            "chainId": populated["chain_id"],
            "nonce": populated["nonce"],
            "to": checksummed(populated["to"]),
            "data": populated["data"],
            "value": int(populated["value"]),
            "gas": populated["gas"],
            "maxFeePerGas": int(populated["max_fee_per_gas"]),
            "maxPriorityFeePerGas": int(populated["max_priority_fee_per_gas"]),
        } | changes
        return "0x" + bytes(self.key.sign_transaction(fields).raw_transaction).hex()

    def sign_typed(self, step: Mapping[str, Any]) -> str:
        typed_data = step["signature"]["typed_data"]
        return "0x" + bytes(self.key.sign_typed_data(full_message=typed_data).signature).hex()

    async def do(self, steps: Sequence[Mapping[str, Any]]) -> str | None:
        """Sends the transactions of `steps` one after the other; returns the signature that they ask for."""
        signature = None
        for step in steps:
            if step["kind"] == "signature":
                signature = self.sign_typed(step)
                continue
            sent = await self.post("/v1/transactions", {"raw": self.sign(step)}, status=202)
            await self.node.mined(self, sent["hash"])
        await self.node.index()
        return signature

    async def collection(self, **fields: Any) -> Address:
        body = {"name": "Carpets", "symbol": "CRP", "royalty_bps": 500, **fields}
        plan = await self.post("/v1/collections", body, status=200)
        await self.do(plan["steps"])
        return parse_address(plan["address"])

    async def mint(
        self, collection: Address, *, uri: str = "ipfs://elsewhere", to: Address | None = None
    ) -> str:
        body = {"to": to or self.address, "uri": uri}
        plan = await self.post(f"/v1/collections/{collection}/mint", body, status=200)
        await self.do(plan["steps"])
        token_id: str = plan["token_id"]
        return token_id

    async def offer(self, collection: Address, token_id: str, **fields: Any) -> Any:
        """Prepares, signs and posts a listing."""
        prepared, signature = await self.prepare(collection, token_id, **fields)
        body = {"listing": prepared["listing"], "signature": signature}
        return await self.post("/v1/listings", body, status=201)

    async def prepare(self, collection: Address, token_id: str, **fields: Any) -> tuple[Any, str]:
        body = {"collection": collection, "token_id": token_id, "price": "1000", **fields}
        prepared = await self.post("/v1/listings/prepare", body, status=200)
        signature = await self.do(prepared["steps"])
        assert signature is not None
        return prepared, signature

    async def buy(self, digest: str) -> None:
        plan = await self.post(f"/v1/listings/{digest}/buy", status=200)
        await self.do(plan["steps"])


@dataclass
class TradingNode:
    """The application, its indexer and its worker, one turn at a time."""

    edge: Edge
    settings: Settings
    deployment: Deployment

    async def trader(self, number: int) -> Trader:
        key = key_of(number)
        return Trader(self, key, await self.edge.sign_in(key))

    async def get(self, path: str, *, status: int = 200, **params: str) -> Any:
        answer = await self.raw(path, **params)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def raw(self, path: str, **params: str) -> Response:
        return await self.edge.client.get(path, params=params)

    async def mined(self, trader: Trader, tx_hash: str) -> None:
        """anvil mines at once, but a receipt can take a moment."""
        for _ in range(200):
            answer = await self.edge.client.get(f"/v1/transactions/{tx_hash}", headers=dict(trader.headers))
            assert answer.status_code == 200, answer.text
            if answer.json()["state"] == "mined":
                assert answer.json()["succeeded"], answer.text
                return
            await anyio.sleep(0.02)
        raise AssertionError(f"{tx_hash} was not mined")

    async def index(self) -> None:
        """Reads the chain to its head and handles the events that came of it."""
        await run_indexer(self.settings, exit_at_head=True)
        await anyio.to_thread.run_sync(self._react)

    def _react(self) -> None:
        services = self.edge.services
        Sequencer(services.database).number_once()
        for subscription in subscriptions(reactions(services), self._run_task):
            while Consumer(services.database, subscription, services.clock).run_once().handled:
                pass

    def _run_task(self, task: str, arguments: Mapping[str, str]) -> None:
        """What the worker does with the task, at once."""
        begin = self.edge.services.database.transaction
        if task == "nft.refresh_metadata":
            collection, token_id = parse_address(arguments["collection"]), int(arguments["token_id"])
            self.edge.services.nft.refresh_metadata(begin, collection, token_id)
        elif task == "asset.learn":
            self.edge.services.assets.learn_all(begin)


def key_of(number: int) -> LocalAccount:
    """A dev account's."""
    key: LocalAccount = Account.from_key(
        key_from_seed(seed_from_mnemonic(DEV_MNEMONIC, ""), f"m/44'/60'/0'/0/{number}")
    )
    return key


@asynccontextmanager
async def trading_node(
    folder: Path, database: DatabaseUrls, *, redis_url: str, rpc_url: str, **more: object
) -> AsyncIterator[TradingNode]:
    """With the contracts deployed. The application's clock stands where the chain is."""
    settings = edge_settings(folder, database_url=database.app, redis_url=redis_url, rpc_url=rpc_url, **more)
    deployment = deployed_on(rpc_url, folder)
    async with running_edge(settings) as edge:
        edge.clock.at = _chain_time(edge.services.chain)
        node = TradingNode(edge, settings, deployment)
        await node.index()
        yield node


def _chain_time(chain: ChainClient) -> dt.datetime:
    head = chain.block("latest")
    assert head is not None
    return dt.datetime.fromtimestamp(head.timestamp, dt.UTC)
