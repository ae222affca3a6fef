"""Products through the edge: added and changed by the market's owner alone, drafts seen by nobody else."""

from typing import Any

import pytest

from api.schemas import Page
from api.v1.product import ProductOut
from tests.edge import Edge
from tests.integration.test_market import NATIVE, open_market

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]


async def add_product(
    edge: Edge,
    headers: dict[str, str],
    market_id: str,
    **fields: Any,
) -> dict[str, Any]:
    body = {"title": "  Bakır cezve ", "price": {"asset": NATIVE, "amount": "25"}, "stock": 3, **fields}
    answer = await edge.client.post(f"/v1/markets/{market_id}/products", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    ProductOut.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


async def test_a_product_is_added_and_found(edge: Edge) -> None:
    headers = await edge.sign_in()
    market = await open_market(edge, headers)
    huge = str(2**128 - 1)
    product = await add_product(
        edge, headers, market["id"], price={"asset": NATIVE, "amount": huge}, sku="A-1"
    )
    assert product["title"] == "Bakır cezve"
    assert product["price"] == {"value": huge, "asset": {"id": NATIVE, "code": "ETH", "exponent": 18}}
    assert (product["stock"], product["status"], product["sku"]) == (3, "active", "A-1")
    read = await edge.client.get(f"/v1/products/{product['id']}")
    assert read.json() == product
    for path in (f"/v1/markets/{market['id']}/products", "/v1/products"):
        page = await edge.client.get(path)
        Page[ProductOut].model_validate_json(page.content)
        assert page.json()["items"] == [product]


async def test_drafts_and_archived_products_are_their_owners(edge: Edge) -> None:
    owner, stranger = await edge.sign_in(), await edge.sign_in()
    market = await open_market(edge, owner)
    draft = await add_product(edge, owner, market["id"], status="draft")
    archived = await add_product(edge, owner, market["id"], status="archived")
    lists = f"/v1/markets/{market['id']}/products"
    assert (await edge.client.get(lists)).json()["items"] == []
    assert (await edge.client.get(f"{lists}?status=draft")).status_code == 401
    assert (await edge.client.get(f"{lists}?status=draft", headers=stranger)).json()["items"] == []
    assert (await edge.client.get(f"{lists}?status=draft", headers=owner)).json()["items"] == [draft]
    assert (await edge.client.get(f"{lists}?status=archived", headers=owner)).json()["items"] == [archived]
    one = f"/v1/products/{draft['id']}"
    assert (await edge.client.get(one)).status_code == 404
    assert (await edge.client.get(one, headers=stranger)).status_code == 404
    assert (await edge.client.get(one, headers=owner)).json() == draft


async def test_its_owner_changes_it_and_nobody_else(edge: Edge) -> None:
    owner, stranger = await edge.sign_in(), await edge.sign_in()
    market = await open_market(edge, owner)
    product = await add_product(edge, owner, market["id"])
    path = f"/v1/products/{product['id']}"
    for headers in (stranger, await edge.sign_in()):
        answer = await edge.client.patch(path, json={"stock": 0}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_market_owner")
        body = {"title": "x", "price": {"asset": NATIVE, "amount": "1"}, "stock": 1}
        answer = await edge.client.post(f"/v1/markets/{market['id']}/products", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_market_owner")
    read = await edge.client.get(path)
    assert read.json() == product
    change = {"price": {"asset": NATIVE, "amount": "30"}, "stock": 7, "status": "archived"}
    fresh = {**owner, "If-Match": read.headers["etag"]}
    changed = await edge.client.patch(path, json=change, headers=fresh)
    assert changed.status_code == 200, changed.text
    assert changed.json()["price"]["value"] == "30"
    assert (changed.json()["stock"], changed.json()["status"]) == (7, "archived")
    assert (await edge.client.patch(path, json={"stock": 9}, headers=fresh)).status_code == 412


async def test_a_sku_names_one_product_of_a_market(edge: Edge) -> None:
    headers = await edge.sign_in()
    market, other = await open_market(edge, headers), await open_market(edge, headers)
    await add_product(edge, headers, market["id"], sku="A-1")
    await add_product(edge, headers, other["id"], sku="A-1")
    second = await add_product(edge, headers, market["id"], sku="A-2")
    answer = await edge.client.patch(f"/v1/products/{second['id']}", json={"sku": "A-1"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "sku_taken")


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ({"title": ""}, "text_invalid"),
        ({"title": "x" * 161}, "text_invalid"),
        ({"stock": -1}, "invalid"),
        ({"stock": 1.5}, "invalid"),
        ({"stock": True}, "invalid"),
        ({"stock": 10**10}, "invalid"),
        ({"status": "sold"}, "invalid"),
        ({"price": {"asset": NATIVE, "amount": "0"}}, "price_invalid"),
        ({"price": {"asset": NATIVE, "amount": str(2**128)}}, "price_invalid"),
        ({"price": {"asset": NATIVE, "amount": str(2**256)}}, "invalid"),
        ({"price": {"asset": NATIVE, "amount": "1.5"}}, "invalid"),
        ({"price": {"asset": NATIVE, "amount": 1}}, "invalid"),
        ({"price": {"asset": NATIVE, "amount": "-1"}}, "invalid"),
        ({"price": {"asset": "eip155:1/slip44:60", "amount": "1"}}, "currency_unknown"),
        ({"price": {"asset": "iso4217:XXX", "amount": "1"}}, "currency_unknown"),
        ({"reserved": 5}, "invalid"),
    ],
)
async def test_bad_input_adds_and_changes_nothing(edge: Edge, field: dict[str, Any], code: str) -> None:
    headers = await edge.sign_in()
    market = await open_market(edge, headers)
    product = await add_product(edge, headers, market["id"])
    body = {"title": "x", "price": {"asset": NATIVE, "amount": "1"}, "stock": 1, **field}
    added = await edge.client.post(f"/v1/markets/{market['id']}/products", json=body, headers=headers)
    changed = await edge.client.patch(f"/v1/products/{product['id']}", json=field, headers=headers)
    for answer in (added, changed):
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (await edge.client.get("/v1/products")).json()["items"] == [product]
