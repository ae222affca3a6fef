"""Taxes and shipping through the edge: said by those who run the market, asked for and shown by orders."""

import uuid
from typing import Any

import pytest

from api.schemas import Page
from api.v1.charge import MethodOut, TaxOut
from api.v1.order import OrderOut, PreviewOut
from node.services.market.models import MemberRole
from tests.edge import Edge
from tests.integration.test_market import NATIVE, open_market
from tests.integration.test_product import add_product

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]

KDV = {"name": "KDV", "included": True, "standard_bps": 2000, "reduced_bps": 1000, "super_reduced_bps": 100}
VAT = {"name": "ضريبة القيمة المضافة", "included": False, "standard_bps": 500}
TRY = {"asset": "iso4217:TRY", "amount": "9999"}
COURIER = {
    "name": "Kurye",
    "names": {"fa": "پیک موتوری", "ar": "مندوب توصيل"},
    "asset": "iso4217:TRY",
    "price": "600",
    "further": "101",
    "countries": ["TR", "AE", "TR"],
    "free_from": "50000",
}


class Stall:
    """A market that charges taxes in two countries and ships in some ways."""

    edge: Edge
    owner: dict[str, str]
    buyer: dict[str, str]
    market: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/markets/{self.market['id']}"

    async def send(
        self, method: str, path: str, body: Any = None, *, by: dict[str, str] | None = None, status: int = 200
    ) -> Any:
        answer = await self.edge.client.request(method, path, json=body, headers=by or self.owner)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def method(self, **fields: Any) -> dict[str, Any]:
        body = COURIER | fields
        found: dict[str, Any] = await self.send("POST", f"{self.path}/shipping-methods", body, status=201)
        return found

    async def product(self, **fields: Any) -> dict[str, Any]:
        return await add_product(
            self.edge, self.owner, self.market["id"], **({"price": TRY, "stock": 99} | fields)
        )

    async def refused(self, product: dict[str, Any], **fields: Any) -> tuple[int, str]:
        """The same by an order and by its preview."""
        body = {"product_id": product["id"], "quantity": 1, **fields}
        placed = await self.edge.client.post("/v1/orders", json={**body, "rail": "hold"}, headers=self.buyer)
        seen = await self.edge.client.post("/v1/orders/preview", json=body)
        assert placed.status_code >= 400, placed.text
        if placed.json()["code"] == "shipping_method_needed":
            assert seen.json()["breakdown"] is None, seen.text
        else:
            assert seen.json()["code"] == placed.json()["code"], seen.text
        return placed.status_code, placed.json().get("reason") or placed.json()["code"]

    async def placed(self, product: dict[str, Any], *, rail: str = "hold", **fields: Any) -> OrderOut:
        """What the order shows is what the preview said."""
        body = {"product_id": product["id"], "quantity": 1, **fields}
        by = self.buyer | {"Idempotency-Key": "has no effect where nothing changes"}
        seen = PreviewOut.model_validate(await self.send("POST", "/v1/orders/preview", body, by=by))
        order = await self.send("POST", "/v1/orders", {**body, "rail": rail}, by=self.buyer, status=201)
        found = OrderOut.model_validate(order)
        assert found.breakdown == seen.breakdown
        cost = found.breakdown
        assert cost.goods + cost.shipping + cost.tax == cost.total == found.amount.value
        return found


@pytest.fixture
async def stall(edge: Edge) -> Stall:
    found = Stall()
    found.edge, found.owner, found.buyer = edge, await edge.sign_in(), await edge.sign_in()
    found.market = await open_market(edge, found.owner)
    await found.send("PUT", f"{found.path}/taxes/TR", KDV)
    await found.send("PUT", f"{found.path}/taxes/AE", VAT)
    return found


async def test_those_who_run_a_market_say_what_it_charges(stall: Stall) -> None:
    edge, path = stall.edge, stall.path
    manager, staff = await edge.sign_in(), await edge.sign_in()
    for headers, role in ((manager, MemberRole.MANAGER), (staff, MemberRole.STAFF)):
        me = await stall.send("GET", "/v1/me", by=headers)
        with edge.services.database.transaction() as tx:
            account_id = uuid.UUID(me["account_id"])
            edge.services.members.add(tx, uuid.UUID(stall.market["id"]), account_id, role)
    await stall.send("PUT", f"{path}/taxes/TR", KDV | {"standard_bps": 1800}, by=manager)
    for headers in (staff, stall.buyer):
        await stall.send("PUT", f"{path}/taxes/TR", KDV, by=headers, status=403)
        await stall.send("POST", f"{path}/shipping-methods", COURIER, by=headers, status=403)
    taxes = Page[TaxOut].model_validate(await stall.send("GET", f"{path}/taxes"))
    assert [(tax.country, tax.name, tax.included, tax.standard_bps) for tax in taxes.items] == [
        ("AE", VAT["name"], False, 500),
        ("TR", "KDV", True, 1800),
    ]
    read = await edge.client.get(f"{path}/taxes/TR")
    stale = {**stall.owner, "If-Match": read.headers["etag"]}
    await stall.send("PUT", f"{path}/taxes/TR", KDV, by=stale)
    await stall.send("PUT", f"{path}/taxes/TR", KDV, by=stale, status=412)
    await stall.send("DELETE", f"{path}/taxes/AE", status=204)
    await stall.send("GET", f"{path}/taxes/AE", status=404)
    method = MethodOut.model_validate(await stall.method())
    assert (method.name, method.language, method.countries) == ("Kurye", "tr-TR", ["AE", "TR"])
    listed = await edge.client.get(f"{path}/shipping-methods", headers={"Accept-Language": "en, fa;q=0.5"})
    (told,) = Page[MethodOut].model_validate(listed.json()).items
    assert (told.name, told.language, listed.headers["content-language"]) == ("پیک موتوری", "fa", "fa")
    one = f"{path}/shipping-methods/{method.id}"
    change = {"price": "0", "countries": [], "free_from": "0", "active": False}
    changed = MethodOut.model_validate(await stall.send("PATCH", one, change, by=manager))
    assert (changed.price, changed.countries, changed.free_from, changed.active) == (0, None, None, False)
    assert (changed.further, changed.names) == (method.further, method.names)
    other = await open_market(edge, stall.owner)
    elsewhere = f"/v1/markets/{other['id']}/shipping-methods/{method.id}"
    for verb in ("PATCH", "DELETE", "GET"):
        await stall.send(verb, elsewhere, {} if verb == "PATCH" else None, status=404)
    await stall.send("DELETE", one, status=204)
    await stall.send("GET", one, status=404)


async def test_what_makes_no_sense_is_refused(stall: Stall) -> None:
    for country, body, code in (
        ("TR", KDV | {"standard_bps": 10_001}, "invalid"),
        ("TR", KDV | {"reduced_bps": -1}, "invalid"),
        ("TR", KDV | {"name": " "}, "text_invalid"),
        ("XX", KDV, "country_unknown"),
        ("tr", KDV, "country_unknown"),
    ):
        answer = await stall.send("PUT", f"{stall.path}/taxes/{country}", body, status=422)
        assert answer["code"] == code
    for fields, code in (
        ({"price": "-1"}, "invalid"),
        ({"price": str(2**128)}, "charge_invalid"),
        ({"free_from": str(2**200)}, "charge_invalid"),
        ({"countries": ["TR", "ZZ"]}, "country_unknown"),
        ({"asset": "iso4217:XXX"}, "currency_unknown"),
        ({"name": "\u202e"}, "text_invalid"),
        ({"names": {"x": "x"}}, "language_invalid"),
    ):
        answer = await stall.send("POST", f"{stall.path}/shipping-methods", COURIER | fields, status=422)
        assert answer["code"] == code, fields
    listed = await stall.send("GET", f"{stall.path}/shipping-methods")
    assert listed["items"] == []
    answer = await stall.send(
        "POST", f"{stall.path}/products", {"title": "x", "tax_class": "luxury"}, status=422
    )
    assert answer["code"] == "invalid"


async def test_an_order_costs_goods_tax_and_shipping(stall: Stall) -> None:
    courier = (await stall.method())["id"]
    plain = (await stall.method(name="Mektup", taxed=False, countries=[], free_from="0"))["id"]
    product = await stall.product()
    # Prices in Türkiye include it: of 9999 it is 1666.5, and half a unit goes up; of 701 it is 116.83.
    cost = (await stall.placed(product, country="TR", quantity=1, shipping_method_id=courier)).breakdown
    assert (cost.goods, cost.tax - cost.shipping_tax) == (9999 - 1667, 1667)
    assert (cost.shipping, cost.shipping_tax, cost.total) == (500, 100, 10_599)
    assert (cost.tax_name, cost.tax_bps, cost.tax_included, cost.country) == ("KDV", 2000, True, "TR")
    assert (cost.shipping_name, str(cost.shipping_method_id)) == ("Kurye", courier)
    # In the Emirates it comes upon them, line by line.
    cost = (await stall.placed(product, country="AE", quantity=3, shipping_method_id=courier)).breakdown
    assert (cost.goods, cost.shipping, cost.shipping_tax) == (29_997, 802, 40)
    assert (cost.tax, cost.tax_name) == (1_500 + 40, VAT["name"])
    # Where the market has no taxes there are none; untaxed shipping is cheaper by them.
    cost = (await stall.placed(product, country="DE", shipping_method_id=plain)).breakdown
    assert (cost.goods, cost.shipping, cost.tax, cost.tax_name) == (9999, 600, 0, None)
    cost = (await stall.placed(product, country="TR", shipping_method_id=plain)).breakdown
    assert (cost.shipping, cost.shipping_tax, cost.shipping_tax_bps) == (600, 0, 0)
    # From 50000 on the courier is free.
    cost = (await stall.placed(product, country="TR", quantity=6, shipping_method_id=courier)).breakdown
    assert (cost.shipping, cost.shipping_tax, cost.total) == (0, 0, 59_994)
    for tax_class, bps in (("reduced", 1000), ("super_reduced", 100), ("zero", 0)):
        lower = await stall.product(tax_class=tax_class, needs_shipping=False)
        cost = (await stall.placed(lower, country="TR")).breakdown
        assert (cost.tax_bps, cost.total, cost.shipping_name) == (bps, 9999, None)
    lower = await stall.product(tax_class="reduced", needs_shipping=False)
    assert (
        await stall.placed(lower, country="AE")
    ).breakdown.tax_bps == 500  # it has the standard rate alone
    body = {"product_id": product["id"], "quantity": 2, "country": "TR"}
    seen = PreviewOut.model_validate(await stall.send("POST", "/v1/orders/preview", body))
    assert seen.breakdown is None
    assert [(way.shipping_name, way.total) for way in seen.shipping_methods or ()] == [
        ("Kurye", 19_998 + 701),
        ("Mektup", 19_998 + 701),
    ]


async def test_an_order_keeps_what_it_was_placed_with(stall: Stall) -> None:
    courier = await stall.method()
    product = await stall.product()
    order = await stall.placed(product, country="TR", shipping_method_id=courier["id"])
    await stall.send("PUT", f"{stall.path}/taxes/TR", KDV | {"standard_bps": 1, "name": "Yeni"})
    await stall.send(
        "PATCH", f"{stall.path}/shipping-methods/{courier['id']}", {"price": "1", "name": "Yeni"}
    )
    await stall.send("PATCH", f"/v1/products/{product['id']}", {"tax_class": "zero", "needs_shipping": False})
    await stall.send("DELETE", f"{stall.path}/shipping-methods/{courier['id']}", status=204)
    for headers in (stall.owner, stall.buyer):
        read = OrderOut.model_validate(await stall.send("GET", f"/v1/orders/{order.id}", by=headers))
        assert (read.breakdown, read.amount, read.unit_price) == (
            order.breakdown,
            order.amount,
            order.unit_price,
        )


async def test_what_cant_be_shipped_or_taxed_is_not_sold(stall: Stall) -> None:
    product, digital = await stall.product(), await stall.product(needs_shipping=False)
    bare = await open_market(stall.edge, stall.owner)
    assert await stall.refused(product) == (422, "country_needed")
    assert await stall.refused(product, country="XX") == (422, "country_unknown")
    courier = (await stall.method())["id"]
    stranger = await add_product(stall.edge, stall.owner, bare["id"], price=TRY)
    coin = await stall.product(price={"asset": NATIVE, "amount": "25"})
    assert await stall.refused(product, country="TR") == (422, "shipping_method_needed")
    assert await stall.refused(product, shipping_method_id=courier) == (422, "country_needed")
    assert await stall.refused(product, country="DE") == (409, "country_not_served")
    assert await stall.refused(coin, country="TR") == (409, "country_not_served")
    assert await stall.refused(digital, country="TR", shipping_method_id=courier) == (409, "not_needed")
    assert await stall.refused(stranger, shipping_method_id=courier) == (404, "shipping_method_unknown")
    everywhere = (await stall.method(countries=[]))["id"]
    lira = await stall.method(countries=[], asset=NATIVE)
    assert await stall.refused(product, country="DE", shipping_method_id=courier) == (409, "country")
    assert await stall.refused(product, country="DE", shipping_method_id=lira["id"]) == (409, "currency")
    await stall.send("PATCH", f"{stall.path}/shipping-methods/{everywhere}", {"active": False})
    assert await stall.refused(product, country="TR", shipping_method_id=everywhere) == (409, "inactive")
    stock = await stall.send("GET", f"/v1/products/{product['id']}")
    assert stock["stock"] == 99  # nothing was set aside
    # A market that says nothing charges its prices and asks nothing.
    cost = (await stall.placed(stranger)).breakdown
    assert (cost.goods, cost.shipping, cost.tax, cost.country) == (9999, 0, 0, None)
