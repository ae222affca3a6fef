"""API keys: shown once, kept as hashes, and good for what their scopes say and their account may, no more."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import psycopg
import pytest

from api.permissions import PERMISSIONS, Who
from api.schemas import Page
from api.v1.key import KeyMadeOut, KeyOut
from node.services.identity.errors import ScopeInvalid
from node.services.identity.scopes import Scope, checked_scopes
from tests.edge import Edge
from tests.integration.test_market import open_market
from tests.integration.test_permissions import World, filled, world  # noqa: F401 - a fixture
from tests.integration.test_product import NATIVE, add_product

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

Headers = dict[str, str]
PRODUCT = {"title": "x", "price": {"asset": NATIVE, "amount": "1"}, "stock": 1}


async def make(
    edge: Edge, who: Headers, *scopes: str, market: str | None = None, **more: Any
) -> dict[str, Any]:
    path = "/v1/keys" if market is None else f"/v1/markets/{market}/keys"
    body = {"name": "Warehouse", "scopes": list(scopes), **more}
    answer = await edge.client.post(path, json=body, headers=who)
    assert answer.status_code == 201, answer.text
    KeyMadeOut.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def by(key: str) -> Headers:
    return {"Authorization": f"Bearer {key}"}


def verdict(answer: httpx.Response) -> tuple[int, str | None]:
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if is_problem else None


async def test_a_key_is_shown_once_and_acts_for_its_account(
    edge: Edge, connection: psycopg.Connection
) -> None:
    caller = await edge.sign_in()
    made = await make(edge, caller, "account.read")
    secret = made["key"].rpartition("_")[2]
    stored = connection.execute(
        "SELECT k::text, s::text FROM identity.api_key k, identity.api_key_secret s"
    ).fetchall()
    assert secret not in str(stored)
    me = (await edge.client.get("/v1/me", headers=caller)).json()
    assert (await edge.client.get("/v1/me", headers=by(made["key"]))).json() == me
    listed = await edge.client.get("/v1/keys", headers=caller)
    [key] = Page[KeyOut].model_validate_json(listed.content).items
    assert (key.name, key.scopes, len(key.secrets)) == ("Warehouse", ["account.read"], 1)
    assert secret not in listed.text
    acts = connection.execute("SELECT act, subject FROM identity.audit WHERE act LIKE 'key%'").fetchall()
    assert acts == [("key_made", f"key:{made['id']}")]


async def test_what_is_almost_a_key_is_none(edge: Edge) -> None:
    key = (await make(edge, await edge.sign_in(), "account.read"))["key"]
    wrong_lookup = key.replace(key.split("_")[2], "0" * 16)
    last = "A" if key[-1] != "A" else "B"
    for guess in (key[:-1] + last, key + "x", key[:-1], wrong_lookup, "asoud_ak_", "asoud_ak_" + "x" * 2_000):
        assert verdict(await edge.client.get("/v1/me", headers=by(guess))) == (401, "key_invalid"), guess


async def test_a_key_does_what_its_scopes_say_on_every_route(world: World) -> None:  # noqa: F811
    """As the market's owner, who may more: with all scopes, with none that fits, and for another market."""
    owner = world.personas["owner"].headers
    market = world.ids["market_id"]
    every = (await make(world.edge, owner, *Scope))["key"]
    here = (await make(world.edge, owner, "orders.read", "products.write", market=market))["key"]
    elsewhere = (await make(world.edge, owner, f"orders.read:{world.other_market}"))["key"]
    schema, faults = world.edge.app.openapi(), []
    ids = {name: world.ids[name] for name in ("market_id", "product_id", "order_id")}
    for operation, permission in PERMISSIONS.items():
        method, path = operation.split(" ", 1)
        if not permission.looks_at_caller or permission.who <= {Who.BUYER, Who.JUDGE, Who.ARBITER}:
            continue
        is_ours = "{market_id}" in path or "{product_id}" in path or "{order_id}" in path
        may = {
            every: permission.scope is not None,
            here: is_ours and permission.scope in (Scope.ORDERS_READ, Scope.PRODUCTS_WRITE),
            elsewhere: False,
        }
        for key, expected in may.items():
            url = filled(path, schema["paths"][path][method.lower()], ids)
            answer = await world.edge.client.request(method, url, headers=by(key))
            if (verdict(answer) == (403, "scope_needed")) is expected:
                faults.append(f"{operation} {list(may).index(key)}: {answer.text}")
    assert not faults, "\n".join(faults)


async def test_a_key_of_a_market_acts_there_alone(edge: Edge) -> None:
    owner = await edge.sign_in()
    one, two = (await open_market(edge, owner))["id"], (await open_market(edge, owner, slug="other"))["id"]
    made = await make(edge, owner, "products.write", market=one)
    assert made["scopes"] == [f"products.write:{one}"]
    there = await edge.client.post(f"/v1/markets/{one}/products", json=PRODUCT, headers=by(made["key"]))
    assert there.status_code == 201
    other = await edge.client.post(f"/v1/markets/{two}/products", json=PRODUCT, headers=by(made["key"]))
    assert verdict(other) == (403, "scope_needed")
    product = await add_product(edge, owner, two)
    changed = await edge.client.patch(
        f"/v1/products/{product['id']}", json={"stock": 9}, headers=by(made["key"])
    )
    assert verdict(changed) == (403, "scope_needed")
    in_market = await edge.client.get(f"/v1/markets/{one}/keys", headers=owner)
    assert [item["id"] for item in in_market.json()["items"]] == [made["id"]]
    assert (await edge.client.get("/v1/keys", headers=owner)).json()["items"] == []


async def test_a_key_never_does_more_than_its_account(edge: Edge) -> None:
    owner, stranger = await edge.sign_in(), await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    key = (await make(edge, stranger, "products.write"))["key"]
    answer = await edge.client.post(f"/v1/markets/{market}/products", json=PRODUCT, headers=by(key))
    assert verdict(answer) == (403, "not_market_owner")
    me = (await edge.client.get("/v1/me", headers=stranger)).json()["account_id"]
    with edge.services.database.transaction() as tx:
        edge.services.roles.freeze(tx, edge.services.roles.find(tx, me), by="cli:test")
    frozen = await edge.client.post(f"/v1/markets/{market}/products", json=PRODUCT, headers=by(key))
    assert verdict(frozen) == (403, "account_shut_out")


async def test_secrets_overlap_while_a_key_is_rotated(edge: Edge) -> None:
    caller = await edge.sign_in()
    made = await make(edge, caller, "account.read")
    answer = await edge.client.post(f"/v1/keys/{made['id']}/rotate", json={"overlap_s": 3600}, headers=caller)
    renewed = answer.json()
    assert (renewed["id"], renewed["key"] == made["key"]) == (made["id"], False)
    for key in (made["key"], renewed["key"]):
        assert (await edge.client.get("/v1/me", headers=by(key))).status_code == 200
    edge.clock.advance(dt.timedelta(seconds=3600))
    assert verdict(await edge.client.get("/v1/me", headers=by(made["key"]))) == (401, "key_invalid")
    assert (await edge.client.get("/v1/me", headers=by(renewed["key"]))).status_code == 200


async def test_a_revoked_or_expired_key_is_none_at_once(edge: Edge) -> None:
    caller, stranger = await edge.sign_in(), await edge.sign_in()
    made = await make(edge, caller, "account.read")
    path = f"/v1/keys/{made['id']}"
    assert verdict(await edge.client.delete(path, headers=stranger)) == (404, "key_unknown")
    assert (await edge.client.delete(path, headers=caller)).status_code == 204
    assert verdict(await edge.client.get("/v1/me", headers=by(made["key"]))) == (401, "key_invalid")
    rotated = await edge.client.post(f"{path}/rotate", json={}, headers=caller)
    assert verdict(rotated) == (409, "key_revoked")
    soon = (edge.clock.now() + dt.timedelta(minutes=5)).isoformat()
    brief = await make(edge, caller, "account.read", expires_at=soon)
    assert (await edge.client.get("/v1/me", headers=by(brief["key"]))).status_code == 200
    edge.clock.advance(dt.timedelta(minutes=5))
    assert verdict(await edge.client.get("/v1/me", headers=by(brief["key"]))) == (401, "key_invalid")


async def test_making_a_key_needs_a_new_sign_in(edge: Edge) -> None:
    caller = await edge.sign_in()
    edge.clock.advance(dt.timedelta(minutes=16))
    answer = await edge.client.post(
        "/v1/keys", json={"name": "x", "scopes": ["account.read"]}, headers=caller
    )
    assert verdict(answer) == (403, "sign_in_too_old")


async def test_last_use_is_written_now_and_then(edge: Edge, connection: psycopg.Connection) -> None:
    key = (await make(edge, await edge.sign_in(), "account.read"))["key"]

    def written() -> tuple[Any, Any]:
        row = connection.execute("SELECT used_at, xmin::text FROM identity.api_key").fetchone()
        assert row is not None
        return row[0], row[1]

    assert written()[0] is None
    await edge.client.get("/v1/me", headers=by(key))
    first = written()
    assert first[0] == edge.clock.now()
    edge.clock.advance(dt.timedelta(minutes=4))
    await edge.client.get("/v1/me", headers=by(key))
    assert written() == first
    edge.clock.advance(dt.timedelta(minutes=1))
    await edge.client.get("/v1/me", headers=by(key))
    assert written()[0] == edge.clock.now()


async def test_a_key_has_a_bound_of_its_own(edge: Edge) -> None:
    caller = await edge.sign_in()
    slow, other = (
        await make(edge, caller, "account.read", per_minute=3),
        await make(edge, caller, "account.read"),
    )
    answers = await asyncio.gather(*(edge.client.get("/v1/me", headers=by(slow["key"])) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429]
    late = await edge.client.get("/v1/me", headers=by(slow["key"]))
    assert verdict(late) == (429, "key_rate_exceeded")
    assert int(late.headers["retry-after"]) >= 1
    assert (await edge.client.get("/v1/me", headers=by(other["key"]))).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": ["everything"]},
        {"scopes": []},
        {"scopes": ["account.read:0198c1f2-a4e2-7b0c-8a3f-5d1e6b7c9d00"]},
        {"scopes": ["orders.read:all"]},
        {"scopes": ["account.read"], "per_minute": 10**6},
        {"scopes": ["account.read"], "expires_at": "2020-01-01T00:00:00Z"},
        {"scopes": ["account.read"], "name": " "},
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(edge: Edge, body: dict[str, Any]) -> None:
    answer = await edge.client.post("/v1/keys", json={"name": "x", **body}, headers=await edge.sign_in())
    assert answer.status_code == 422


def test_a_scope_has_one_spelling() -> None:
    market = "0198c1f2-a4e2-7b0c-8a3f-5d1e6b7c9d00"
    spelt = checked_scopes([f"orders.read:{market.upper()}", f"orders.read:{market}"], market_id=None)
    assert spelt == [f"orders.read:{market}"]
    with pytest.raises(ScopeInvalid):
        checked_scopes(["Orders.Read"], market_id=None)
