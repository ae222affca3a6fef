"""Somebody with a phone alone buys in lira over HTTP: from a balance, held, and at the sandbox gateway."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy import text

from api.schemas import Page
from api.v1.charge import TaxReportOut
from api.v1.order import OrderOut
from api.v1.order_payment import PaymentOut
from node.cli.payments import payments
from node.events.payment import PaymentSecured
from node.kernel.currencies import fiat_asset
from node.kernel.money import Amount
from node.services.charge.models import Receiver
from node.services.gateway.providers.sandbox import signature
from node.services.order.access import Caller
from node.services.payment.reconciling import PaymentsAgainstLedger
from tests.edge import Edge, edge_settings, running_edge
from tests.handset import Handset, bearer
from tests.integration.test_market import open_market
from tests.integration.test_product import add_product
from tests.sandbox import SECRET, Sandbox, running_sandbox
from tests.shop import stored
from tests.stack import DatabaseUrls
from wallet.ledger.verify import examine
from wallet.owners import owner_of_account

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

TRY = fiat_asset("TRY")
PRICE = {"asset": TRY.id, "amount": "49900"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
async def shop(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path, sandbox: Sandbox
) -> AsyncIterator[Edge]:
    options = {"sandbox.url": sandbox.url, "sandbox.secret": SECRET, "sandbox.currencies": "TRY,EUR"}
    settings = edge_settings(
        tmp_path,
        database_url=fresh_database.app,
        redis_url=redis_url,
        rpc_url=anvil,
        gateways="sandbox",
        gateway_options={name: SecretStr(value) for name, value in options.items()},
    )
    async with running_edge(settings) as running:
        yield running
        running.services.gateway.choice.provider("sandbox")._http.close()  # type: ignore[attr-defined]


async def sent(edge: Edge, path: str, headers: dict[str, str], body: Any = None, status: int = 200) -> Any:
    answer = await edge.client.post(path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


class Trade:
    """One product in lira, its seller, and a buyer with a phone."""

    edge: Edge
    seller: dict[str, str]
    buyer: dict[str, str]
    product: dict[str, Any]

    async def order(self, rail: str) -> str:
        body = {"product_id": self.product["id"], "quantity": 1, "rail": rail}
        answer = await self.edge.client.post("/v1/orders", json=body, headers=self.buyer)
        assert answer.status_code == 201, answer.text
        order = OrderOut.model_validate_json(answer.content)
        assert (order.buyer, order.escrow, order.rail) == (None, None, rail)
        return f"/v1/orders/{order.id}"

    async def read(self, path: str) -> OrderOut:
        answer = await self.edge.client.get(path, headers=self.seller)
        return OrderOut.model_validate_json(answer.content)

    async def has(self) -> tuple[str, str]:
        answer = await self.edge.client.get("/v1/me/balances", headers=self.buyer)
        (balance,) = answer.json()["items"]
        return balance["available"], balance["held"]


@pytest.fixture
async def trade(shop: Edge, tmp_path: Path) -> Trade:
    found = Trade()
    found.edge, found.seller = shop, await shop.sign_in()
    found.buyer = bearer(await Handset(shop, tmp_path).sign_in())
    market = await open_market(shop, found.seller)
    found.product = await add_product(shop, found.seller, market["id"], price=PRICE)
    assert found.product["price"]["asset"] == {"id": "iso4217:TRY", "code": "TRY", "exponent": 2}
    me = (await shop.client.get("/v1/me", headers=found.buyer)).json()
    with shop.services.database.transaction() as tx:
        owner = owner_of_account(uuid.UUID(me["account_id"]))
        shop.services.balance.top_up(tx, owner, Amount(TRY, 100_000))
    return found


async def test_a_phone_buys_from_its_balance(trade: Trade) -> None:
    edge = trade.edge
    assert [
        item["id"] for item in (await edge.client.get(f"/v1/products?currency={TRY.id}")).json()["items"]
    ] == [trade.product["id"]]
    for rail, available, held in (("balance", "50100", "0"), ("hold", "1100", "49900")):
        path = await trade.order(rail)
        headers = trade.buyer | {"Idempotency-Key": rail}
        first, again = [await sent(edge, f"{path}/pay", headers, status=201) for _ in range(2)]
        assert first == again
        assert await trade.has() == (available, held)
        refused = await edge.client.post(f"{path}/pay", headers=trade.buyer)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_order_state")
        steps = await sent(edge, f"{path}/ship", trade.seller, {"tracking": "PTT 1"})
        assert (steps["steps"], steps["escrow_id"]) == ([], None)
        assert steps["reference"] is not None
        await sent(edge, f"{path}/confirm", trade.buyer)
        order = await trade.read(path)
        assert (order.state, order.to_seller, order.fee) == ("completed", 49_900 - 1_247, 1_247)
        assert [entry.by for entry in order.timeline] == [None, None, None, "buyer"]
        refunded = await sent(edge, f"{path}/refunds", trade.seller, {"amount": "900"})
        assert refunded["state"] == "completed"
        answer = await edge.client.get(f"{path}/payments", headers=trade.buyer)
        (payment,) = Page[PaymentOut].model_validate_json(answer.content).items
        assert (payment.state, payment.refunded, payment.captured) == ("partly_refunded", 900, 49_900)
    assert await trade.has() == ("2000", "0")


async def test_a_phone_buys_at_the_gateway(
    trade: Trade, sandbox: Sandbox, fresh_database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge, services = trade.edge, trade.edge.services
    offered = await edge.client.get("/v1/gateways", params={"currency": "TRY", "country": "TR"})
    assert offered.json() == {"items": [{"name": "sandbox"}]}
    fiat = {item["code"]: item for item in (await edge.client.get("/v1/currencies/fiat")).json()["items"]}
    assert [fiat[code]["gateways"] for code in ("TRY", "EUR", "USD")] == [["sandbox"], ["sandbox"], []]
    assert [fiat[code]["exponent"] for code in ("JPY", "TRY", "KWD", "IQD")] == [0, 2, 3, 3]
    assert fiat["TRY"]["id"] == "iso4217:TRY"
    path = await trade.order("gateway")
    bad = await edge.client.post(f"{path}/pay", json={"return_url": "https://evil.test"}, headers=trade.buyer)
    assert (bad.status_code, bad.json()["code"]) == (422, "return_url_invalid")
    paying = PaymentOut.model_validate(await sent(edge, f"{path}/pay", trade.buyer, {}, status=201))
    assert (paying.state, paying.method) == ("requires_action", "sandbox")
    for_seller = (await edge.client.get(f"{path}/payments", headers=trade.seller)).json()["items"][0]
    assert for_seller["action"] is None
    assert paying.action is not None
    back = sandbox.decide(paying.action["redirect_url"]).headers["location"]
    assert f"payment={paying.id}" in back

    # What the sandbox would send to the node, as it would sign it now.
    provider = services.gateway.choice.provider("sandbox")
    seen = provider.look(paying.id, None)
    assert seen is not None
    body = json.dumps(
        {
            "event_id": "evt-1",
            "payment": {
                "id": seen.reference,
                "payment_id": str(paying.id),
                "status": "captured",
                "amount": "49900",
                "currency": "TRY",
            },
        }
    ).encode()
    stranger = await edge.client.post("/v1/gateways/callbacks/sandbox", content=body)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "callback_forged")
    stamp = str(int(edge.clock.now().timestamp()))
    signed = {
        "X-Sandbox-Timestamp": stamp,
        "X-Sandbox-Signature": signature(SECRET.encode(), stamp, body),
    }
    for _ in range(10):
        heard = await edge.client.post("/v1/gateways/callbacks/sandbox", content=body, headers=signed)
        assert heard.status_code == 204
    checked = await sent(edge, f"{path}/payments/{paying.id}/check", trade.buyer)
    assert (checked["state"], checked["secured"]) == ("authorised", "49900")
    other = await edge.client.post(f"{path}/payments/{uuid.uuid4()}/check", headers=trade.buyer)
    assert (other.status_code, other.json()["code"]) == (404, "payment_unknown")

    monkeypatch.setenv("ASOUD_DATABASE_URL", fresh_database.app)
    second = PaymentOut.model_validate(
        await sent(edge, f"{await trade.order('gateway')}/pay", trade.buyer, {}, status=201)
    )
    decide = ["decide", str(second.id), "--as", "paid", "--reason", "asked the bank"]
    assert CliRunner().invoke(payments, decide).exit_code == 1  # it is not parked
    with services.database.transaction() as tx:
        parked = services.payment.locked(tx, second.id)
        services.payment.park(tx, parked, kind="amount", detail="one kuruş is missing")
    assert CliRunner().invoke(payments, decide).output == f"{second.id} is authorised\n"


GOODS, TAX, SHIPPING = 41_583, 8_484, 833  # of 49900 and 1000, each with 20 % of tax in it
TOTAL = GOODS + TAX + SHIPPING
COMMISSION = GOODS * 250 // 10_000
_OF_NODE = text("""
    SELECT coalesce(sum(CASE WHEN posting.destination = account.id THEN amount ELSE -amount END), 0)
    FROM ledger.account JOIN ledger.posting ON account.id IN (source, destination)
    WHERE account.owner = 'node' AND account.purpose = :purpose
""")
# What the parties do after it was paid, and how much of the total the buyer has not got again.
Story = tuple[tuple[tuple[str, int | None], ...], int]
STORIES: dict[str, Story] = {
    "all": ((("confirm", None),), TOTAL),
    "refunded": ((("refund", None),), 0),
    "a part goes back": ((("refund-part", 7_001), ("confirm", None)), TOTAL - 7_001),
    "a part, then the rest": ((("refund-part", 1), ("confirm", None), ("refunds", TOTAL - 1)), 0),
    "in dust": (
        (("confirm", None), *(("refunds", cents) for cents in (1, 2, 3, 5, 7, 11, 13, 10_007))),
        TOTAL - 10_049,
    ),
}


@dataclass
class Charging:
    """A trade whose market charges tax and shipping, and who has what of it."""

    trade: Trade
    method_id: str = ""

    @property
    def market(self) -> str:
        return f"/v1/markets/{self.trade.product['market_id']}"

    async def set_up(self) -> None:
        edge, seller = self.trade.edge, self.trade.seller
        kdv = {"name": "KDV", "included": True, "standard_bps": 2000}
        answer = await edge.client.put(f"{self.market}/taxes/TR", json=kdv, headers=seller)
        assert answer.status_code == 200, answer.text
        courier = {"name": "پیک", "asset": TRY.id, "price": "1000"}
        method = await sent(edge, f"{self.market}/shipping-methods", seller, courier, status=201)
        self.method_id = method["id"]
        more = {"stock": len(STORIES)}
        await edge.client.patch(f"/v1/products/{self.trade.product['id']}", json=more, headers=seller)
        me = (await edge.client.get("/v1/me", headers=self.trade.buyer)).json()
        with edge.services.database.transaction() as tx:
            owner = owner_of_account(uuid.UUID(me["account_id"]))
            edge.services.balance.top_up(tx, owner, Amount(TRY, TOTAL * len(STORIES)))

    async def paid(self, rail: str, sandbox: Sandbox) -> str:
        edge, buyer = self.trade.edge, self.trade.buyer
        body = {"country": "TR", "shipping_method_id": self.method_id, "rail": rail, "quantity": 1}
        body["product_id"] = self.trade.product["id"]
        order = await sent(edge, "/v1/orders", buyer, body, status=201)
        costs = [order["breakdown"][part] for part in ("goods", "tax", "shipping", "total")]
        assert costs == [str(part) for part in (GOODS, TAX, SHIPPING, TOTAL)]
        path = f"/v1/orders/{order['id']}"
        payment = PaymentOut.model_validate(await sent(edge, f"{path}/pay", buyer, {}, status=201))
        assert payment.amount.value == TOTAL
        if payment.action is not None:
            sandbox.decide(payment.action["redirect_url"])
            await sent(edge, f"{path}/payments/{payment.id}/check", buyer)
            ids = {"payment_id": str(payment.id), "order_id": order["id"]}
            with edge.services.database.transaction() as tx:  # what the spine tells
                edge.services.order.acts.on_secured(
                    tx, stored(PaymentSecured(**ids, rail=rail, secured=str(TOTAL)))
                )
        return path

    async def split(self) -> tuple[int, int, int]:
        """What market, commission and tax have now."""
        answer = await self.trade.edge.client.get(f"{self.market}/balances", headers=self.trade.seller)
        market = sum(int(one["posted"]) for one in answer.json()["items"])
        with self.trade.edge.services.database.transaction() as tx:
            commission, tax = (
                int(tx.execute(_OF_NODE, {"purpose": purpose}).scalar_one())
                for purpose in ("commission", "tax")
            )
        return market, commission, tax


@pytest.mark.parametrize("rail", ["balance", "hold", "gateway"])
async def test_every_unit_of_goods_tax_and_shipping_is_somebodys(
    trade: Trade, sandbox: Sandbox, rail: str
) -> None:
    edge, charging = trade.edge, Charging(trade)
    await charging.set_up()
    for name, (story, kept) in STORIES.items():
        before = await charging.split()
        path = await charging.paid(rail, sandbox)
        for step, amount in story:
            by = trade.buyer if step == "confirm" else trade.seller
            await sent(edge, f"{path}/{step}", by, None if amount is None else {"amount": str(amount)})
        now = await charging.split()
        market, commission, tax = (has - had for has, had in zip(now, before, strict=True))
        assert market + commission + tax == kept, name
        read = await edge.client.get(f"{path}/payments", headers=trade.seller)
        (payment,) = Page[PaymentOut].model_validate(read.json()).items
        assert payment.captured + payment.returned == payment.secured == TOTAL, name
        assert payment.captured - payment.refunded == kept, name
        # In proportion: each step's rounding is off by less than a unit.
        assert abs(tax - TAX * kept // TOTAL) <= len(payment.steps), name
        assert abs(commission - COMMISSION * kept // TOTAL) <= len(payment.steps), name
        if kept in {0, TOTAL}:
            all_of_it = (GOODS - COMMISSION + SHIPPING, COMMISSION, TAX)
            assert (market, commission, tax) == (all_of_it if kept else (0, 0, 0)), name
    report = (await edge.client.get(f"{charging.market}/tax-report", headers=trade.seller)).json()
    told = TaxReportOut.model_validate(report)
    (row,) = told.rows
    _, _, tax = await charging.split()
    assert (row.country, row.name, row.bps, row.remitter) == ("TR", "KDV", 2000, "node")
    assert row.collected - row.refunded == tax == int(told.held[0].value)
    with edge.services.database.transaction() as tx:
        market_id, due = uuid.UUID(trade.product["market_id"]), Amount(TRY, 7)
        edge.services.tax.remit(tx, market_id, due, to=Receiver.AUTHORITY, reason="2026-01", by="test")
    again = (await edge.client.get(f"{charging.market}/tax-report", headers=trade.seller)).json()
    (paid,) = TaxReportOut.model_validate(again).remitted
    assert (paid.value, paid.to, paid.reason) == (7, "authority", "2026-01")
    assert int(again["held"][0]["value"]) == tax - 7
    as_csv = await edge.client.get(f"{charging.market}/tax-report.csv", headers=trade.seller)
    assert as_csv.text.splitlines()[1] == f'TR,"KDV",2000,{TRY.id},TRY,2,node,{row.collected},{row.refunded}'
    begin = edge.services.database.transaction
    assert PaymentsAgainstLedger().compare(begin).differences == []
    with begin() as tx:
        assert examine(tx).differences == ()


async def test_an_invoice_is_drawn_for_its_payer_alone(trade: Trade) -> None:
    edge, services = trade.edge, trade.edge.services
    coin = await add_product(edge, trade.seller, trade.product["market_id"])
    trade.product = coin
    path = await trade.order("deposit")
    me = (await edge.client.get("/v1/me", headers=trade.buyer)).json()
    caller = Caller(uuid.UUID(me["account_id"]), None)
    with services.database.transaction() as tx:
        order_id = uuid.UUID(path.rpartition("/")[2])
        payment_id = services.order.acts.pay(tx, caller, order_id, method=None)
        services.funding.wait(tx, payment_id, {"uri": "ethereum:0xab@31337?value=25"})
    drawn = await edge.client.get(f"{path}/payments/{payment_id}/qr.svg", headers=trade.buyer)
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.text.startswith("<?xml")
    for elsewhere in (
        f"{path}/payments/{uuid.uuid4()}",
        f"{await trade.order('deposit')}/payments/{payment_id}",
    ):
        missing = await edge.client.get(f"{elsewhere}/qr.svg", headers=trade.buyer)
        assert (missing.status_code, missing.json()["code"]) == (404, "payment_unknown")
    refused = await edge.client.post(f"{path}/payments/{payment_id}/checkout", headers=trade.buyer)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_payment_state")


async def test_a_phone_has_no_wallet_for_the_contract(trade: Trade) -> None:
    body = {"product_id": trade.product["id"], "quantity": 1}
    answer = await trade.edge.client.post("/v1/orders", json=body, headers=trade.buyer)
    assert (answer.status_code, answer.json()["code"]) == (403, "wallet_needed")
    answer = await trade.edge.client.post("/v1/orders", json=body, headers=await trade.edge.sign_in())
    assert (answer.status_code, answer.json()["code"]) == (422, "rail_unfit")
