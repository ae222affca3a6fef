"""Orders whose money the node holds: by phone in lira, from a balance and a gateway; by wallet in a token."""

import subprocess
import sys
from typing import Any

import httpx

from scripts.demo_acts.handset import Handset
from scripts.demo_acts.node import Node
from scripts.demo_acts.order import TOKEN_PRICE, offer_product
from scripts.demo_acts.stage import REPO, Stage

LIRA = "iso4217:TRY"
PRICE = 49_901  # kuruş; odd, so that splits have dust
POSTAGE = 1_500
TOTAL = PRICE + POSTAGE  # both have 20 % of tax in them
TAX = 8_317 + 250
PART = 10_000
MONEY = 100_000
SHELF = 4


def play(stage: Stage) -> None:
    if stage.outbox is None:
        stage.transcript.note("the node is somebody else's: nobody there gives play money")
        return
    shopper = Shopper(stage.node, Handset(stage.node, stage.outbox).sign_in()[2]["access_token"])
    product = _offer(stage)
    _from_a_balance(stage, shopper, product)
    _at_the_gateway(stage, shopper, product)
    _through_the_checkout(stage)


class Shopper:
    """Has a phone, and no wallet of a chain."""

    def __init__(self, node: Node, token: str) -> None:
        self._node = node
        self._token = token
        self.account = str(self.get("/v1/me")["account_id"])

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        return self._node.get(path, token=self._token)

    def post(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        return self._node.send("POST", path, body=body, token=self._token).json

    def has(self) -> int:
        items = self.get("/v1/me/balances")["items"]
        return sum(int(item["available"]) for item in items if item["asset"]["id"] == LIRA)

    def put(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        return self._node.send("PUT", path, body=body, token=self._token).json

    def order(self, product: Any, rail: str) -> str:  # noqa: ANN401 - any JSON
        body = {"product_id": product["id"], "quantity": 1, "country": "TR"}
        (way,) = self.post("/v1/orders/preview", body)["shipping_methods"]
        body |= {"shipping_method_id": way["shipping_method_id"], "rail": rail}
        return f"/v1/orders/{self.post('/v1/orders', body)['id']}"


def _offer(stage: Stage) -> Any:  # noqa: ANN401 - any JSON
    """Of a market that charges tax and postage."""
    t, merchant = stage.transcript, stage.merchant
    opened = merchant.post("/v1/markets", {"name": f"Çay {stage.run}", "language": "tr"})
    stage.facts["tea house"] = opened
    market = f"/v1/markets/{opened['id']}"
    kdv = merchant.put(f"{market}/taxes/TR", {"name": "KDV", "included": True, "standard_bps": 2000})
    t.equal("a market says what its taxes are", (kdv["country"], kdv["name"]), ("TR", "KDV"))
    post = {"name": "Kargo", "names": {"fa": "پست"}, "asset": LIRA, "price": str(POSTAGE)}
    merchant.post(f"{market}/shipping-methods", post)
    body = {
        "title": f"Çay bardağı {stage.run}",
        "price": {"asset": LIRA, "amount": str(PRICE)},
        "stock": SHELF,
    }
    product = merchant.post(f"{market}/products", body)
    t.equal("a product costs lira", product["price"]["asset"]["code"], "TRY")
    return product


def _from_a_balance(stage: Stage, shopper: Shopper, product: Any) -> None:  # noqa: ANN401 - any JSON
    t = stage.transcript
    order = shopper.order(product, "hold")
    stage.refused("who has nothing pays nothing", "insufficient_funds", lambda: shopper.post(f"{order}/pay"))
    shopper.post(f"{order}/cancel")
    top_up(shopper)
    t.equal("play money is there", shopper.has(), MONEY)
    order = shopper.order(product, "balance")
    payment = shopper.post(f"{order}/pay")
    t.equal("the balance paid at once", (payment["state"], shopper.has()), ("captured", MONEY - TOTAL))
    costs = shopper.get(order)["breakdown"]
    t.equal("with tax and postage", (costs["tax"], costs["total"]), (str(TAX), str(TOTAL)))
    stage.merchant.post(f"{order}/ship", {"tracking": "PTT"})
    shopper.post(f"{order}/confirm")
    _ended(stage, shopper, order)
    stage.merchant.post(f"{order}/refunds", {"amount": str(PART)})
    t.equal("a part came back", shopper.has(), MONEY - TOTAL + PART)
    (payment,) = shopper.get(f"{order}/payments")["items"]
    split = payment["steps"][-1]
    parts = [int(split[name]) for name in ("market", "commission", "tax", "shipping")]
    t.equal("market and platform gave it back together", sum(parts), PART)
    t.check("each in proportion", ok=parts[1] > 0, detail=str(parts))


def _at_the_gateway(stage: Stage, shopper: Shopper, product: Any) -> None:  # noqa: ANN401 - any JSON
    t = stage.transcript
    offered = [item["name"] for item in stage.node.get("/v1/gateways?currency=TRY&country=TR")["items"]]
    if "sandbox" not in offered:
        t.note("this node has no sandbox gateway: ASOUD_SANDBOX=1 scripts/up starts one")
        return
    order = shopper.order(product, "gateway")
    payment = shopper.post(f"{order}/pay", {"method": "sandbox"})
    page = payment["action"]["redirect_url"]
    shown = httpx.get(page, headers={"Accept-Language": "fa"}, trust_env=False)
    t.check("the gateway's page runs from right to left", ok='dir="rtl"' in shown.text)
    paid = httpx.post(page, data={"do": "pay", "fault": "duplicate"}, trust_env=False)
    t.check("the payer is sent back", ok=payment["id"] in paid.headers["location"])
    stage.wait_for(
        "an order that the gateway's callback paid",
        lambda: shopper.get(order),
        lambda seen: seen["state"] == "paid",
    )
    for _ in range(2):
        shopper.post(f"{order}/payments/{payment['id']}/check")
    (payment,) = shopper.get(f"{order}/payments")["items"]
    t.equal("it was booked once", (payment["state"], payment["secured"]), ("authorised", str(TOTAL)))
    stage.merchant.post(f"{order}/refund-part", {"amount": str(PART)})
    stage.merchant.post(f"{order}/ship", {"tracking": "PTT"})
    shopper.post(f"{order}/confirm")
    ended = _ended(stage, shopper, order)
    t.equal("a part went back to the gateway", ended["to_buyer"], str(PART))


def _through_the_checkout(stage: Stage) -> None:
    """By a wallet, in a token; the money is held on the node until the goods are there."""
    t, buyer = stage.transcript, stage.buyer
    product = offer_product(stage, f"Samovar {stage.run}", stage.facts["currency"], TOKEN_PRICE)
    body = {"product_id": product["id"], "quantity": 1, "rail": "checkout"}
    order = f"/v1/orders/{buyer.post('/v1/orders', body)['id']}"
    payment = buyer.post(f"{order}/pay")
    t.check("a wallet can read the invoice", ok=payment["action"]["uri"].endswith(f"uint256={TOKEN_PRICE}"))
    buyer.do(f"{order}/payments/{payment['id']}/checkout")
    stage.wait_for(
        "an order that the checkout paid", lambda: buyer.get(order), lambda seen: seen["state"] == "paid"
    )
    stage.merchant.post(f"{order}/ship", {"tracking": "PTT"})
    buyer.post(f"{order}/confirm")
    shown = buyer.get(order)
    told = [int(shown[name]) for name in ("to_seller", "to_buyer", "fee")]
    t.equal("it is completed, no unit is lost", (shown["state"], sum(told)), ("completed", TOKEN_PRICE))


def _ended(stage: Stage, shopper: Shopper, order: str) -> Any:  # noqa: ANN401 - any JSON
    shown = shopper.get(order)
    told = [int(shown[name]) for name in ("to_seller", "to_buyer", "fee")]
    stage.transcript.equal(
        "the order is completed, no unit is lost", (shown["state"], sum(told)), ("completed", TOTAL)
    )
    return shown


def top_up(shopper: Shopper) -> None:
    """As the operator does."""
    command = [sys.executable, "-m", "node.cli", "wallet", "top-up", shopper.account, "TRY", str(MONEY)]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
