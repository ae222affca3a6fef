"""Every role on every route, and every id of one market with the tokens of another, from the routes alone.

The table of `api/permissions.py` is the oracle: a route is open to whom it names, and to them alone.
"""

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

import api.app as app_module
from api.app import create_app
from api.openapi import edge_routes
from api.permissions import OF_MARKET, OF_ORDER, PERMISSIONS, Permission, Who
from node.chain.deployments import DeploymentRegistry, PartialDeployment
from node.kernel.errors import Bug
from node.services.identity.models import PlatformRole
from node.services.market.models import MemberRole
from tests.edge import Edge, edge_settings, new_wallet, running_edge
from tests.integration.test_api_bad_input import braced, contents, resolved, sample
from tests.integration.test_market import open_market
from tests.integration.test_order import place
from tests.integration.test_product import add_product
from tests.shop import a_deployment
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

SHUT = {"role_needed", "not_market_owner", "not_that_party", "order_unknown"}
OURS_ALONE = {"chain_away", "governor_unread", "not_ready", "chain_behind", "content_not_found"}
WITHIN = {"sign_in_too_old", "signed_in_by_it", "second_proof_missing", "step_up_needed"}
# They would sign the caller out or away: an unknown parameter stops them right behind the door.
STOPPED = {"DELETE /v1/markets/{market_id}/membership", "DELETE /v1/sessions", "DELETE /v1/me"}


@dataclass
class Persona:
    headers: dict[str, str]
    account_id: str
    parts: set[Who] = field(default_factory=set)


@dataclass
class World:
    """Two markets, one order in dispute at the first, and somebody for each role."""

    edge: Edge
    ids: dict[str, str]
    """Of the first market, by the names of path parameters."""
    personas: dict[str, Persona]
    others: dict[MemberRole, Persona]
    """Who works in the second market."""
    other_market: str


async def a_persona(edge: Edge, *parts: Who, wallet: Any = None) -> Persona:
    headers = await edge.sign_in(wallet or new_wallet())
    me = (await edge.client.get("/v1/me", headers=headers)).json()
    return Persona(headers, me["account_id"], set(parts))


async def a_staff(edge: Edge, market_id: str) -> dict[MemberRole, Persona]:
    """Everybody who can work in a market, but its owner."""
    found = {}
    for role in (MemberRole.MANAGER, MemberRole.STAFF, MemberRole.ACCOUNTANT):
        found[role] = await a_persona(edge, Who(role.value))
        with edge.services.database.transaction() as tx:
            account_id = uuid.UUID(found[role].account_id)
            edge.services.members.add(tx, uuid.UUID(market_id), account_id, role)
    return found


@pytest.fixture
async def world(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path, connection: psycopg.Connection
) -> AsyncIterator[World]:
    found = a_deployment()
    contracts = {contract.name: contract for contract in found}
    partial = PartialDeployment(found.chain_id, found.genesis_hash, contracts)
    DeploymentRegistry(tmp_path / "deployments").save(partial)
    judge = new_wallet()
    settings = edge_settings(
        tmp_path,
        database_url=fresh_database.app,
        redis_url=redis_url,
        rpc_url=anvil,
        arbiters=judge.address.lower(),
    )
    async with running_edge(settings) as edge:
        owner, buyer = await a_persona(edge, Who.OWNER), await a_persona(edge, Who.BUYER)
        market = await open_market(edge, owner.headers)
        product = await add_product(edge, owner.headers, market["id"])
        order = await place(edge, buyer.headers, product)
        draft = await add_product(edge, owner.headers, market["id"], status="draft")
        connection.execute("UPDATE orders.shop_order SET state = 'disputed'")
        invited = await edge.client.post(
            f"/v1/markets/{market['id']}/invitations", json={"role": "staff"}, headers=owner.headers
        )
        key = await edge.client.post(
            "/v1/keys", json={"name": "x", "scopes": ["account.read"]}, headers=owner.headers
        )
        sessions = await edge.client.get("/v1/sessions", headers=owner.headers)
        other_owner = await a_persona(edge, Who.OWNER)
        other = await open_market(edge, other_owner.headers)
        personas = {
            "owner": owner,
            "buyer": buyer,
            "judge": await a_persona(edge, Who.JUDGE, wallet=judge),
            "anybody": await a_persona(edge),
            "owner of another market": Persona(other_owner.headers, other_owner.account_id),
        }
        personas |= {role.value: persona for role, persona in (await a_staff(edge, market["id"])).items()}
        for role in PlatformRole:
            personas[role.value] = await a_persona(edge, Who(role.value))
            with edge.services.database.transaction() as tx:
                account_id = uuid.UUID(personas[role.value].account_id)
                edge.services.roles.grant(tx, account_id, role, by="test")
        ids = {
            "market_id": market["id"],
            "product_id": draft["id"],
            "order_id": order["id"],
            "invitation_id": invited.json()["id"],
            "session_id": sessions.json()["items"][0]["id"],
            "key_id": key.json()["id"],
            "account_id": personas["staff"].account_id,
        }
        others = {MemberRole.OWNER: other_owner, **await a_staff(edge, other["id"])}
        yield World(edge, ids, personas, others, other["id"])


def filled(path: str, operation: dict[str, Any], ids: Mapping[str, str]) -> str:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            value = ids.get(parameter["name"]) or sample(parameter["schema"])
            path = path.replace(braced(parameter["name"]), quote(value))
    return path


def is_open(permission: Permission, persona: Persona | None) -> bool:
    if permission.is_public:
        return True
    return persona is not None and bool(permission.who & (persona.parts | {Who.ACCOUNT}))


def fault(answer: httpx.Response, *, should_be_open: bool, known: bool) -> str | None:
    kind = answer.headers.get("content-type", "")
    code = answer.json()["code"] if kind == "application/problem+json" else None
    if answer.status_code >= 500 and code not in OURS_ALONE:
        return f"{answer.status_code} {code}"
    shut = code in SHUT if known else code == "token_missing"
    if shut is should_be_open:
        return f"{answer.status_code} {code}, but should be {'open' if should_be_open else 'shut'}"
    if answer.status_code in (401, 403) and not shut and code not in WITHIN:
        return f"{answer.status_code} {code}: neither open nor shut"
    return None


async def test_each_route_is_open_to_whom_the_table_says_and_to_nobody_else(world: World) -> None:
    schema = world.edge.app.openapi()
    ids = {name: world.ids[name] for name in ("market_id", "product_id", "order_id")}
    faults, tried, shut = [], 0, 0
    for name, persona in {"nobody": None, **world.personas}.items():
        for path, method, _ in edge_routes(world.edge.app):
            permission = PERMISSIONS[f"{method} {path}"]
            if method == "HEAD" or (permission.is_public and name not in ("nobody", "anybody")):
                continue
            operation = schema["paths"][path][method.lower()]
            expected = is_open(permission, persona)
            headers = {} if persona is None else persona.headers
            url = filled(path, operation, ids) + ("?stop=1" if f"{method} {path}" in STOPPED else "")
            answer = await world.edge.client.request(method, url, headers=headers)
            wrong = fault(answer, should_be_open=expected, known=persona is not None)
            if wrong:
                faults.append(f"{method} {path} as {name}: {wrong}")
            tried, shut = tried + 1, shut + (not expected)
    assert not faults, "\n".join(faults)
    assert tried > 500
    assert shut > 200


async def test_no_id_of_a_market_serves_those_of_another(
    world: World, connection: psycopg.Connection
) -> None:
    """Also together with the id of one's own market, and with a body that would do."""
    schema = world.edge.app.openapi()
    own = {**world.ids, "market_id": world.other_market}
    before, faults, tried = contents(connection), [], 0
    for path, method, _ in edge_routes(world.edge.app):
        operation = schema["paths"][path].get(method.lower(), {})
        names = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        is_draft = path == "/v1/products/{product_id}"  # public ones are, drafts are not
        if not names & world.ids.keys() or (PERMISSIONS[f"{method} {path}"].is_public and not is_draft):
            continue
        variants = [world.ids] + ([own] if len(names & world.ids.keys()) > 1 else [])
        for role, persona in world.others.items():
            for ids in variants:
                tried += 1
                answer = await world.edge.client.request(
                    method,
                    filled(path, operation, ids),
                    json=a_body(schema, operation),
                    headers=persona.headers,
                )
                if answer.status_code not in (403, 404):
                    faults.append(f"{method} {path} as {role} of another: {answer.status_code} {answer.text}")
    assert not faults, "\n".join(faults)
    assert tried > 100
    assert contents(connection) == before


async def test_no_id_in_a_query_or_a_body_serves_those_of_another(world: World) -> None:
    market = world.ids["market_id"]
    for persona in world.others.values():
        get = await world.edge.client.get(
            f"/v1/markets/{market}/products?status=draft", headers=persona.headers
        )
        assert get.json()["items"] == []
        for role in ("buyer", "seller", "arbiter"):
            path = f"/v1/orders?market={market}&role={role}"
            assert (await world.edge.client.get(path, headers=persona.headers)).json()["items"] == []
        body = {"name": "C", "symbol": "C", "market_id": market}
        collection = await world.edge.client.post("/v1/collections", json=body, headers=persona.headers)
        assert (collection.status_code, collection.json()["code"]) == (403, "not_market_owner")


def a_body(schema: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    """One that passes, of what is required."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    model = resolved(schema, content["schema"])
    return {name: a_value(schema, model["properties"][name]) for name in model.get("required", [])}


def a_value(schema: dict[str, Any], part: dict[str, Any]) -> Any:
    part = resolved(schema, part)
    if "examples" in part:
        return part["examples"][0]
    if "enum" in part:
        return part["enum"][0]
    if part.get("type") == "object":
        return {name: a_value(schema, part["properties"][name]) for name in part.get("required", [])}
    return {"integer": 1, "boolean": True, "array": []}.get(part.get("type", ""), "1")


async def test_a_node_with_a_route_that_nobody_judged_does_not_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        app_module, "PERMISSIONS", {k: v for k, v in PERMISSIONS.items() if k != "GET /v1/me"}
    )
    with pytest.raises(Bug, match="GET /v1/me"):
        create_app(world.edge.services)
    monkeypatch.setattr(
        app_module, "PERMISSIONS", {**PERMISSIONS, "GET /v1/nowhere": PERMISSIONS["GET /v1/me"]}
    )
    with pytest.raises(Bug, match="GET /v1/nowhere"):
        create_app(world.edge.services)


async def test_a_route_without_a_row_is_shut(world: World) -> None:
    """Whatever slipped by at the start."""
    world.edge.app.state.permissions = {}
    answer = await world.edge.client.get("/health/live")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


def test_the_table_makes_sense() -> None:
    for operation, permission in PERMISSIONS.items():
        assert permission.who, operation
        path = operation.split(" ", 1)[1]
        if permission.who & OF_ORDER:
            assert "{order_id}" in path, operation
        if permission.who & OF_MARKET:
            assert any(braced(name) in path for name in ("market_id", "product_id", "order_id")), operation
        if {Who.ANYONE, Who.ACCOUNT} & permission.who:
            assert len(permission.who) == 1, operation


async def test_the_document_declares_what_is_enforced(world: World) -> None:
    schema = world.edge.app.openapi()
    for operation, permission in PERMISSIONS.items():
        method, path = operation.split(" ", 1)
        declared = schema["paths"][path][method.lower()]
        if not permission.looks_at_caller:
            assert "security" not in declared, operation
            continue
        keys = [scheme["ApiKey"] for scheme in declared["security"] if "ApiKey" in scheme]
        assert keys == ([] if permission.scope is None else [[permission.scope.value]]), operation
        assert ({} in declared["security"]) is permission.is_public, operation
        assert set(declared["x-roles"]) == {who.value for who in permission.who}, operation
