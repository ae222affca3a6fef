"""Who may ask what, on every route of the edge, also on those that are added later.

What the document says of a route is what the route does: where it declares a caller, it refuses everybody who
is none; and whatever changes something declares one, but for the few that are named here.
"""

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from api.openapi import edge_routes
from tests.edge import Edge
from tests.integration.test_api_bad_input import MUTATING, braced, contents, sample

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

# Changing something without being signed in: only what leads to being signed in.
OPEN_TO_ALL = {
    "POST /v1/auth/nonces",
    "POST /v1/auth/phone",
    "POST /v1/auth/phone/challenges",
    "POST /v1/auth/refresh",
    "POST /v1/auth/wallet",
    "POST /v1/orders/preview",  # changes nothing
    "POST /v1/sms/reports/{carrier}",  # signed by the carrier
    "POST /v1/gateways/callbacks/{gateway}",  # signed by the gateway
}


def operations(edge: Edge) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, a path that fits, what the document says) of each route; HEAD answers as GET does."""
    schema = edge.app.openapi()
    found = []
    for path, method, _ in edge_routes(edge.app):
        if method == "HEAD":
            continue
        operation = schema["paths"][path][method.lower()]
        fitting = path
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                fitting = fitting.replace(braced(parameter["name"]), quote(sample(parameter["schema"])))
        found.append((method, fitting, operation))
    return found


def needs_caller(operation: dict[str, Any]) -> bool:
    return bool(operation.get("security")) and {} not in operation["security"]


async def test_whatever_changes_something_asks_who_it_is(edge: Edge) -> None:
    schema = edge.app.openapi()
    open_ones = {
        f"{method} {path}"
        for path, method, _ in edge_routes(edge.app)
        if method in MUTATING and not needs_caller(schema["paths"][path][method.lower()])
    }
    assert open_ones == OPEN_TO_ALL


async def test_a_route_that_needs_a_caller_refuses_everybody_else(
    edge: Edge, connection: psycopg.Connection
) -> None:
    expired = await edge.sign_in()
    edge.clock.advance(dt.timedelta(hours=2))
    good = await edge.sign_in()
    head, body, _ = good["Authorization"].removeprefix("Bearer ").split(".")
    strangers = {
        "token_missing": [{}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Bearer "}],
        "token_expired": [expired],
        "token_invalid": [
            {"Authorization": "Bearer x"},
            {"Authorization": f"Bearer {head}.{body}.{'A' * 86}"},
        ],
    }
    before = contents(connection)
    wrong, tried = [], 0
    for method, path, operation in operations(edge):
        if not needs_caller(operation):
            continue
        for code, headers_of in strangers.items():
            for headers in headers_of:
                tried += 1
                content = b"{}" if "requestBody" in operation else None
                answer = await edge.client.request(
                    method, path, content=content, headers={"Content-Type": "application/json", **headers}
                )
                if (answer.status_code, answer.json()["code"]) != (401, code):
                    wrong.append(f"{method} {path} as {code}: {answer.status_code} {answer.text[:150]}")
    assert not wrong, "\n".join(wrong)
    assert tried > 100
    assert contents(connection) == before


async def test_a_route_that_needs_no_caller_asks_for_none(edge: Edge) -> None:
    wrong = []
    for method, path, operation in operations(edge):
        if needs_caller(operation) or method in MUTATING:
            continue
        answer = await edge.client.request(method, path)
        if answer.status_code in (401, 403):
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


async def test_an_account_without_a_wallet_meets_no_error_of_ours(edge: Edge, tmp_path: Path) -> None:
    """Routes that need a wallet say so; none breaks on its absence."""
    asked = await edge.client.post("/v1/auth/phone/challenges", json={"phone": "+905551112233"})
    challenge = asked.json()["challenge"]
    edge.services.phones.deliver(edge.services.database.transaction, uuid.UUID(challenge))
    sent = json.loads((tmp_path / "outbox" / "sms.jsonl").read_text())["text"]
    body = {"challenge": challenge, "code": sent[-6:]}
    token = (await edge.client.post("/v1/auth/phone", json=body)).json()["access_token"]
    wrong = []
    for method, path, operation in operations(edge):
        if not needs_caller(operation) or (method, path) == ("DELETE", "/v1/sessions"):
            continue
        content = b"{}" if "requestBody" in operation else None
        answer = await edge.client.request(
            method,
            path,
            content=content,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        if answer.status_code >= 500 and answer.json()["code"] not in ("not_deployed", "governor_unread"):
            wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
