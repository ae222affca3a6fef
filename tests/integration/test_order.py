"""Orders through the edge: seen by their parties alone, refused in words, answered with what a read gives."""

import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.schemas import Page
from api.v1.order import OrderOut, OrderSummary
from node.chain.deployments import DeploymentRegistry, PartialDeployment
from tests.edge import Edge, new_wallet
from tests.integration.test_market import open_market
from tests.integration.test_product import add_product
from tests.shop import a_deployment

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]

STEPS = (
    *("fund", "confirm", "refund", "refund-expired", "release-expired", "rule-expired", "cancel"),
    *("ship", "dispute", "evidence", "rule", "fund-permit", "withdraw-settlement", "finish-ruling"),
    *("release-part", "refund-part", "offer-settlement", "accept-settlement", "appeal"),
    *("releases/prepare", "releases", f"releases/0x{'ab' * 32}/relay", f"releases/0x{'ab' * 32}/void"),
)
WORDS = {
    "ship": {"tracking": "x"},
    "dispute": {"evidence": "x"},
    "evidence": {"evidence": "x"},
    "rule": {"to_seller": "1"},
    "appeal": {"evidence": "x"},
    "release-part": {"amount": "1"},
    "refund-part": {"amount": "1"},
    "offer-settlement": {"to_seller": "1"},
    "accept-settlement": {"to_seller": "1"},
    "releases/prepare": {},
    "releases": {"amount": "1", "nonce": "0", "deadline": 1, "signature": "0x"},
}


@pytest.fixture(autouse=True)
def _deployed(tmp_path: Path) -> None:
    """Where the contracts are said to be; nothing here asks them."""
    found = a_deployment()
    contracts = {contract.name: contract for contract in found}
    partial = PartialDeployment(found.chain_id, found.genesis_hash, contracts)
    DeploymentRegistry(tmp_path / "deployments").save(partial)


async def a_product(edge: Edge, seller: dict[str, str], **fields: Any) -> dict[str, Any]:
    market = await open_market(edge, seller)
    return await add_product(edge, seller, market["id"], **fields)


async def place(
    edge: Edge, buyer: dict[str, str], product: dict[str, Any], quantity: int = 1
) -> dict[str, Any]:
    body = {"product_id": product["id"], "quantity": quantity, "note": "Gift wrap"}
    answer = await edge.client.post("/v1/orders", json=body, headers=buyer)
    assert answer.status_code == 201, answer.text
    OrderOut.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/orders/{found['id']}"
    return found


async def test_an_order_is_placed_and_read_by_its_parties(edge: Edge) -> None:
    wallet = new_wallet()
    seller, buyer, stranger = await edge.sign_in(), await edge.sign_in(wallet), await edge.sign_in()
    product = await a_product(edge, seller)
    order = await place(edge, buyer, product, quantity=2)
    assert (order["state"], order["roles"], order["note"]) == ("placed", ["buyer"], "Gift wrap")
    assert (order["unit_price"]["value"], order["amount"]["value"]) == ("25", "50")
    assert order["escrow"]["terms"]["buyer"] == wallet.address.lower()
    assert order["escrow"]["terms"]["orderId"] == f"0x{uuid.UUID(order['id']).int:064x}"
    assert order["escrow"]["on_chain"] is None
    assert [entry["kind"] for entry in order["timeline"]] == ["order.placed"]
    assert order["deadline"] == "2026-01-01T12:30:00.000000Z"

    path = f"/v1/orders/{order['id']}"
    assert (await edge.client.get(path, headers=buyer)).json() == order
    as_seller = await edge.client.get(path, headers=seller)
    assert as_seller.json() == order | {"roles": ["seller"]}
    assert as_seller.headers["cache-control"] == "private, no-cache"
    hidden = await edge.client.get(path, headers=stranger)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "order_unknown")
    assert (await edge.client.get(path)).status_code == 401
    assert (await edge.client.get(f"/v1/products/{product['id']}")).json()["stock"] == 1


async def test_lists_hold_ones_own_orders(edge: Edge) -> None:
    seller, buyer, stranger = await edge.sign_in(), await edge.sign_in(), await edge.sign_in()
    first, second = await a_product(edge, seller), await a_product(edge, seller)
    orders = [await place(edge, buyer, product) for product in (first, second, first)]
    cancelled = await edge.client.post(f"/v1/orders/{orders[0]['id']}/cancel", headers=buyer)
    assert cancelled.json()["state"] == "cancelled"

    async def listed(headers: dict[str, str], query: str = "") -> list[str]:
        answer = await edge.client.get(f"/v1/orders?{query}", headers=headers)
        page = Page[OrderSummary].model_validate_json(answer.content)
        return [str(item.id) for item in page.items]

    newest_first = [order["id"] for order in reversed(orders)]
    assert await listed(buyer) == newest_first
    assert await listed(buyer, "state=placed") == newest_first[:2]
    assert await listed(seller, "role=seller") == newest_first
    assert await listed(seller, f"role=seller&market={second['market_id']}") == [orders[1]["id"]]
    assert await listed(seller) == []
    assert await listed(buyer, "role=seller") == []
    for role in ("buyer", "seller", "arbiter"):
        assert await listed(stranger, f"role={role}") == []
    page = (await edge.client.get("/v1/orders?limit=2", headers=buyer)).json()
    assert page["has_more"]
    assert await listed(buyer, f"limit=2&cursor={page['next']}") == newest_first[2:]


async def test_strangers_and_other_parties_can_do_nothing(edge: Edge, connection: psycopg.Connection) -> None:
    seller, buyer, stranger = await edge.sign_in(), await edge.sign_in(), await edge.sign_in()
    order = await place(edge, buyer, await a_product(edge, seller))
    before = connection.execute("SELECT count(*) FROM kernel.event").fetchone()
    for step in STEPS:
        path, body = f"/v1/orders/{order['id']}/{step}", WORDS.get(step)
        answer = await edge.client.post(path, json=body, headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "order_unknown"), step
        assert (await edge.client.post(path, json=body)).status_code == 401
    for step in ("fund", "cancel", "confirm", "rule"):
        answer = await edge.client.post(
            f"/v1/orders/{order['id']}/{step}", json=WORDS.get(step), headers=seller
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "not_that_party"), step
    for step in ("ship", "refund", "dispute", "evidence", "refund-expired"):
        answer = await edge.client.post(
            f"/v1/orders/{order['id']}/{step}", json=WORDS.get(step), headers=seller
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_order_state"), step
        assert "the order is placed" in answer.json()["detail"]
    assert (await edge.client.get(f"/v1/orders/{order['id']}", headers=buyer)).json() == order
    assert connection.execute("SELECT count(*) FROM kernel.event").fetchone() == before
    assert connection.execute("SELECT count(*) FROM orders.statement").fetchone() == (0,)


async def test_an_idempotency_key_places_one_order(edge: Edge) -> None:
    seller, buyer = await edge.sign_in(), await edge.sign_in()
    product = await a_product(edge, seller)
    headers = buyer | {"Idempotency-Key": "once"}
    body = {"product_id": product["id"], "quantity": 1}
    first = await edge.client.post("/v1/orders", json=body, headers=headers)
    second = await edge.client.post("/v1/orders", json=body, headers=headers)
    assert second.headers["idempotent-replayed"] == "true"
    assert first.json() == second.json()
    assert (await edge.client.get(f"/v1/products/{product['id']}")).json()["stock"] == 2


@pytest.mark.parametrize(
    ("field", "status", "code"),
    [
        ({"quantity": 0}, 422, "invalid"),
        ({"quantity": -1}, 422, "invalid"),
        ({"quantity": "1"}, 422, "invalid"),
        ({"quantity": 10_001}, 422, "invalid"),
        ({"quantity": 4}, 409, "out_of_stock"),
        ({"product_id": str(uuid.uuid4())}, 404, "product_unknown"),
        ({"product_id": "x"}, 422, "invalid"),
        ({"note": "x" * 1_001}, 422, "text_invalid"),
        ({"note": "a\u0007b"}, 422, "text_invalid"),
        ({"price": "1"}, 422, "invalid"),
    ],
)
async def test_bad_input_places_nothing(edge: Edge, field: dict[str, Any], status: int, code: str) -> None:
    seller, buyer = await edge.sign_in(), await edge.sign_in()
    product = await a_product(edge, seller)
    body = {"product_id": product["id"], "quantity": 1, **field}
    answer = await edge.client.post("/v1/orders", json=body, headers=buyer)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await edge.client.get("/v1/orders", headers=buyer)).json()["items"] == []
    assert (await edge.client.get(f"/v1/products/{product['id']}")).json()["stock"] == 3


async def test_sellers_do_not_buy_from_themselves(edge: Edge) -> None:
    seller = await edge.sign_in()
    product = await a_product(edge, seller)
    body = {"product_id": product["id"], "quantity": 1}
    answer = await edge.client.post("/v1/orders", json=body, headers=seller)
    assert (answer.status_code, answer.json()["code"]) == (409, "own_product")


async def test_conditions_are_public(edge: Edge) -> None:
    answer = await edge.client.get("/v1/escrow-conditions")
    assert answer.status_code == 200
    found = a_deployment()
    assert answer.json()["contract"] == found.escrow.address
    assert answer.json()["fee_receiver"] == found.timelock.address
    unknown = await edge.client.get("/v1/escrows/0x" + "ab" * 32)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "escrow_unknown")
