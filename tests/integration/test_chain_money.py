"""Money that comes and goes by the chain, as the edge tells it."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import httpx
import pytest
from click.testing import CliRunner
from eth_account.signers.local import LocalAccount
from sqlalchemy import select

from api.schemas import Page
from api.v1.deposit import DepositAddressOut, DepositOut
from api.v1.payout import PayoutOut, PayoutTermsOut
from api.v1.withdrawal import WithdrawalOut
from node.chain.artifacts import load_artifact
from node.cli.chain_money import treasury, withdrawal
from node.cli.payout import payout
from node.kernel.currencies import fiat_asset
from node.kernel.hexes import ZERO_ADDRESS
from node.services.identity.models import AuditEntry
from tests.chain_life import Chain
from tests.edge import new_wallet
from tests.integration.test_market import open_market
from tests.second_proof import with_totp
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


async def rich(node: TradingNode) -> dict[str, str]:
    """Somebody with 10 dollars and a second proof."""
    headers = await somebody(node)
    await with_totp(node.edge, headers)
    pay(node, await made(node, headers), 10_000_000)
    await turn(node)
    return headers


async def withdraw(
    node: TradingNode, headers: dict[str, str], to: str, amount: int, *, key: str | None = None
) -> httpx.Response:
    dollar = node.deployment.dev_dollar
    assert dollar is not None
    body = {"asset": f"eip155:31337/erc20:{dollar.address}", "amount": str(amount), "to": to}
    more = {} if key is None else {"Idempotency-Key": key}
    return await node.edge.client.post("/v1/me/withdrawals", json=body, headers=headers | more)


async def test_taking_money_out_needs_a_second_proof_and_a_quiet_account(node: TradingNode) -> None:
    headers, to = await somebody(node), new_wallet().address
    answer = await withdraw(node, headers, to, 10)
    assert (answer.status_code, answer.json()["code"]) == (403, "second_proof_missing")
    headers = await rich(node)
    body = await node.edge.signed(new_wallet(), "link")
    answer = await node.edge.client.post("/v1/me/wallets", json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    answer = await withdraw(node, headers, to, 10)
    assert (answer.status_code, answer.json()["code"]) == (403, "withdrawals_closed")
    assert answer.json()["open_at"] > node.edge.clock.now().isoformat()


async def test_money_goes_out(node: TradingNode) -> None:
    headers, to = await rich(node), new_wallet().address
    sent = [await withdraw(node, headers, to, 4_000_000, key="once") for _ in range(2)]
    found = [WithdrawalOut.model_validate_json(answer.content) for answer in sent]
    assert {answer.status_code for answer in sent} == {201}
    assert found[0] == found[1]
    assert (found[0].state.value, found[0].to, found[0].tx_hash) == ("sending", to.lower(), None)
    balances = (await asked(node, "/v1/me/balances", headers))["items"]
    assert (balances[0]["posted"], balances[0]["available"]) == ("10000000", "6000000")
    services = node.edge.services
    with services.database.transaction() as tx:
        services.sweeper.sweep(tx)
    chain_of(node).receipt(chain_of(node).send(dev_addresses()[6], services.outbox.address, "0x", value=COIN))
    for _ in range(3):
        await anyio.to_thread.run_sync(services.outbox.advance, services.database.transaction)
        await turn(node)
        await node.index()
    answer = await node.edge.client.get(f"/v1/me/withdrawals/{found[0].id}", headers=headers)
    done = WithdrawalOut.model_validate_json(answer.content)
    assert (done.state.value, done.reason) == ("done", None)
    assert done.tx_hash is not None
    chain_of(node).receipt(done.tx_hash)
    answer = await node.edge.client.get("/v1/me/withdrawals", headers=headers)
    assert Page[WithdrawalOut].model_validate_json(answer.content).items == [done]
    path = f"/v1/me/withdrawals/{found[0].id}"
    assert (await asked(node, path, await somebody(node), 404))["code"] == "withdrawal_unknown"
    answer = await node.edge.client.post(f"{path}/cancel", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "withdrawal_state_wrong")


@pytest.mark.parametrize(
    ("to", "amount", "status", "code"),
    [
        (ZERO_ADDRESS, 1, 422, "withdrawal_address_refused"),
        ("0x" + "aB" * 20, 1, 422, "invalid"),
        ("0x" + "12" * 20, 10_000_001, 409, "insufficient_funds"),
        ("0x" + "12" * 20, 0, 422, "amount_invalid"),
    ],
)
async def test_what_cannot_be_asked_for(
    node: TradingNode, to: str, amount: int, status: int, code: str
) -> None:
    answer = await withdraw(node, await rich(node), to, amount)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.fixture
def operator(node: TradingNode, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """At the node's own machine."""
    for name in ("database_url", "rpc_url", "redis_url"):
        monkeypatch.setenv(f"ASOUD_{name.upper()}", getattr(node.settings, name).get_secret_value())
    monkeypatch.setenv("ASOUD_DATA_DIR", str(node.settings.data_dir))
    return CliRunner()


@dataclass
class Shop:
    """A market with a dollar, and its owner."""

    node: TradingNode
    wallet: LocalAccount
    headers: dict[str, str]
    path: str
    asset: str

    @classmethod
    async def begin(cls, node: TradingNode) -> "Shop":
        wallet, dollar = new_wallet(), node.deployment.dev_dollar
        assert dollar is not None
        headers = await somebody(node, wallet)
        path = f"/v1/markets/{(await open_market(node.edge, headers))['id']}"
        pay(node, await made(node, headers, f"{path}/deposit-addresses"), 1_000_000)
        await turn(node)
        return cls(node, wallet, headers, path, f"eip155:31337/erc20:{dollar.address}")

    async def terms(self, address: str | None, rail: str = "address") -> httpx.Response:
        body = {"schedule": "never", "rail": rail, "address": address}
        client = self.node.edge.client
        return await client.put(f"{self.path}/payout-terms", json=body, headers=self.headers)

    async def ask(self, amount: int, asset: str | None = None) -> httpx.Response:
        body = {"asset": asset or self.asset, "amount": str(amount)}
        return await self.node.edge.client.post(f"{self.path}/payouts", json=body, headers=self.headers)


async def test_a_market_names_an_address(node: TradingNode) -> None:
    shop = await Shop.begin(node)
    assert (await shop.terms(shop.wallet.address)).json()["code"] == "second_proof_missing"
    await with_totp(node.edge, shop.headers)
    for address, rail, code in (
        ("0x" + "aB" * 20, "address", "invalid"),
        (shop.asset[-42:], "address", "payout_address_refused"),
        (None, "address", "payout_rail_unfit"),
        (shop.wallet.address, "wallet", "payout_rail_unfit"),
    ):
        assert (await shop.terms(address, rail)).json()["code"] == code
    shown = (await shop.terms(new_wallet().address)).json()
    answer = (await shop.ask(10)).json()
    assert (answer["code"], answer["open_at"][:16]) == ("payout_address_new", shown["address_open_at"][:16])
    terms = PayoutTermsOut.model_validate_json((await shop.terms(shop.wallet.address)).content)
    assert (terms.rail.value, terms.address) == ("address", shop.wallet.address.lower())
    with node.edge.services.database.transaction() as tx:
        node.edge.services.ledger.register(tx, fiat_asset("EUR"))
    assert (await shop.ask(10, "iso4217:EUR")).json()["code"] == "payout_rail_unfit"
    assert (await shop.ask(900_001)).json()["code"] == "reserve_needed"


async def test_an_operator_decides_on_payouts(node: TradingNode, operator: CliRunner) -> None:
    shop, rail = await Shop.begin(node), node.edge.services.payouts.addresses
    await with_totp(node.edge, shop.headers)
    await shop.terms(shop.wallet.address)
    rules, rail._rules = rail._rules, type(rail._rules)({shop.asset: 100}, asks_about_others=True)
    try:
        asked_for = [PayoutOut.model_validate_json((await shop.ask(n)).content) for n in (100, 1, 2)]
    finally:
        rail._rules = rules
    assert [one.state.value for one in asked_for] == ["queued", "waiting", "waiting"]
    _, second, third = (str(one.id) for one in asked_for)
    assert {second, third} <= set(operator.invoke(payout, ["list"]).output.split())
    assert operator.invoke(payout, ["approve", second]).exit_code == 0
    assert operator.invoke(payout, ["reject", third, "--reason", "not today"]).exit_code == 0
    assert operator.invoke(payout, ["approve", third]).exit_code == 1
    found = {one["id"]: one for one in (await asked(node, f"{shop.path}/payouts", shop.headers))["items"]}
    assert (found[second]["state"], found[second]["tx_hash"]) == ("queued", None)
    assert (found[third]["state"], found[third]["reason"]) == ("failed", "not today")
    (balance,) = (await asked(node, f"{shop.path}/balances", shop.headers))["items"]
    assert (balance["posted"], balance["available"]) == ("1000000", "999899")


async def test_an_operator_decides_at_the_command_line(node: TradingNode, operator: CliRunner) -> None:
    headers, runner = await rich(node), operator
    service = node.edge.services.withdrawals
    rules = service._rules
    service._rules = type(rules)({}, asks_about_others=True)
    try:
        made = [(await withdraw(node, headers, new_wallet().address, 7)).json() for _ in range(3)]
    finally:
        service._rules = rules
    assert {one["state"] for one in made} == {"waiting"}
    first, second, third = (one["id"] for one in made)
    listed = runner.invoke(withdrawal, ["list"])
    assert all(one in listed.output for one in (first, second, third))
    assert runner.invoke(withdrawal, ["approve", first]).exit_code == 0
    assert runner.invoke(withdrawal, ["reject", second, "--reason", "not today"]).exit_code == 0
    again = runner.invoke(withdrawal, ["approve", second])
    assert (again.exit_code, "does not wait" in again.output) == (1, True)
    answer = await node.edge.client.post(f"/v1/me/withdrawals/{third}/cancel", headers=headers)
    assert answer.json()["state"] == "cancelled"
    found = {one["id"]: one for one in (await asked(node, "/v1/me/withdrawals", headers))["items"]}
    assert (found[first]["state"], found[second]["state"]) == ("sending", "rejected")
    assert found[second]["reason"] == "not today"
    shown = runner.invoke(treasury, ["show"])
    assert f"withdrawal:{first}" in shown.output
    with node.edge.services.database.transaction() as tx:
        acts = tx.execute(select(AuditEntry.act).where(AuditEntry.subject.like("withdrawal:%"))).scalars()
        assert set(acts) == {"withdrawal_approved", "withdrawal_rejected"}
