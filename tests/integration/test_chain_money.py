"""Money that comes and goes by the chain, as the edge tells it."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
import pytest
from eth_account.signers.local import LocalAccount

from api.schemas import Page
from api.v1.deposit import DepositAddressOut, DepositOut
from node.chain.artifacts import load_artifact
from node.kernel.hexes import ZERO_ADDRESS
from tests.chain_life import Chain
from tests.edge import new_wallet
from tests.integration.test_market import open_market
from tests.stack import DatabaseUrls
from tests.trade import TradingNode, trading_node
from wallet.custody.dev import dev_addresses

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

COIN = 10**18


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def node(
    module_database: DatabaseUrls,
    module_redis_url: str,
    anvil: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[TradingNode]:
    folder = tmp_path_factory.mktemp("node")
    async with trading_node(folder, module_database, redis_url=module_redis_url, rpc_url=anvil) as found:
        yield found


def chain_of(node: TradingNode) -> Chain:
    return Chain(node.settings.rpc_url.get_secret_value())


def pay(node: TradingNode, to: str, amount: int, *, in_coin: bool = False) -> None:
    """From outside: a dev account has both."""
    chain, payer, dollar = chain_of(node), dev_addresses()[6], node.deployment.dev_dollar
    assert dollar is not None
    if in_coin:
        sent = chain.send(payer, to, "0x", value=amount)  # type: ignore[arg-type]
    else:
        data = load_artifact("IERC20Metadata").encode("transfer", to, amount)
        sent = chain.send(payer, dollar.address, data)
    chain.receipt(sent)


async def turn(node: TradingNode) -> None:
    await node.index()
    services = node.edge.services
    await anyio.to_thread.run_sync(services.assets.learn_all, services.database.transaction)
    await anyio.to_thread.run_sync(services.follower.follow, services.database.transaction)


async def somebody(node: TradingNode, wallet: LocalAccount | None = None) -> dict[str, str]:
    return await node.edge.sign_in(wallet or new_wallet())


async def asked(node: TradingNode, path: str, headers: dict[str, str], status: int = 200) -> Any:
    answer = await node.edge.client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def made(node: TradingNode, headers: dict[str, str], path: str = "/v1/me/deposit-addresses") -> str:
    answer = await node.edge.client.post(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["address"])


async def test_an_address_with_its_links_and_what_came_there(node: TradingNode) -> None:
    headers, other = await somebody(node), await somebody(node)
    address = await made(node, headers)
    assert await made(node, headers) == address
    await turn(node)
    answer = await node.edge.client.get("/v1/me/deposit-addresses", headers=headers)
    (item,) = Page[DepositAddressOut].model_validate_json(answer.content).items
    links = {payment.token: payment.uri for payment in item.payments}
    dollar = node.deployment.dev_dollar
    assert dollar is not None
    assert links == {
        ZERO_ADDRESS: f"ethereum:{address}@31337",
        dollar.address: f"ethereum:{dollar.address}@31337/transfer?address={address}",
    }
    pay(node, address, 2_500_000)
    pay(node, address, COIN, in_coin=True)
    await turn(node)
    answer = await node.edge.client.get("/v1/me/deposits", headers=headers)
    found = Page[DepositOut].model_validate_json(answer.content).items
    assert {(one.amount.asset.code, one.amount.value, one.state.value) for one in found} == {
        ("DUSD", 2_500_000, "credited"),
        ("ETH", COIN, "credited"),
    }
    balances = (await asked(node, "/v1/me/balances", headers))["items"]
    assert {(one["asset"]["code"], one["available"]) for one in balances} == {
        ("DUSD", "2500000"),
        ("ETH", str(COIN)),
    }
    assert (await asked(node, "/v1/me/deposits", other))["items"] == []


async def test_the_link_as_a_qr_code(node: TradingNode) -> None:
    headers, other = await somebody(node), await somebody(node)
    address = await made(node, headers)
    await turn(node)
    path = f"/v1/me/deposit-addresses/{address}/qr.svg"
    coin = {"asset": "eip155:31337/slip44:60"}
    answer = await node.edge.client.get(path, params=coin, headers=headers)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert b"<svg" in answer.content
    answer = await node.edge.client.get(path, params={"asset": "iso4217:EUR"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "asset_not_taken")
    answer = await node.edge.client.get(path, params=coin, headers=other)
    assert (answer.status_code, answer.json()["code"]) == (404, "deposit_address_unknown")


async def test_a_market_has_its_own(node: TradingNode) -> None:
    headers = await somebody(node)
    market = await open_market(node.edge, headers)
    path = f"/v1/markets/{market['id']}/deposit-addresses"
    address = await made(node, headers, path)
    assert address != await made(node, headers)
    pay(node, address, 1_000)
    await turn(node)
    (item,) = (await asked(node, path, headers))["items"]
    assert item["address"] == address
    (deposit,) = (await asked(node, f"/v1/markets/{market['id']}/deposits", headers))["items"]
    assert (deposit["amount"]["value"], deposit["state"]) == ("1000", "credited")
    assert (await asked(node, "/v1/me/deposits", headers))["items"] == []


async def test_without_a_key_there_are_no_deposits(node: TradingNode) -> None:
    headers = await somebody(node)
    outbox = node.edge.services.outbox
    signer, outbox._signer = outbox._signer, None
    try:
        answer = await node.edge.client.post("/v1/me/deposit-addresses", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "treasury_missing")
        assert node.edge.services.follower.follow(node.edge.services.database.transaction) == 0
    finally:
        outbox._signer = signer
    assert uuid.UUID((await asked(node, "/v1/me", headers))["account_id"])
