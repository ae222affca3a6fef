"""Bad input on every route of the edge, also on those that are added later.

Each route is asked with what no client should send, by a signed-in caller. The answer is always a problem of
the caller's (4xx), says nothing of our insides, and leaves every table as it was.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from fastapi.routing import iter_route_contexts
from psycopg import sql

from api.openapi import edge_routes
from api.routing import Kind
from node.bootstrap.models import METADATA
from tests.edge import Edge

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

MUTATING = {"POST", "PUT", "PATCH", "DELETE"}
BESIDE_THE_EDGE = {"/docs", "/openapi.json"}
ODD_SEGMENTS = ("%00", "%F0%9F%92%A5", "x" * 300, "-1", str(2**70), "..%2F..", "'%22;--", "%FF%FE", "0x")
ODD_VALUES = ("\x00", "💥", "x" * 3_000, "-1", str(2**70), "'\";--", "null", "[]", "{}", "0x", " ")
UNREADABLE = (b"{", b"\xff\xfe\x00", b'{"a":', b"[" * 50_000)
WRONG_SHAPES: tuple[Any, ...] = ([], "text", 1, True, [[{}]])


@dataclass(frozen=True)
class Attempt:
    """One request that must not succeed. `lenient` ones may, as long as nothing breaks."""

    about: str
    path: str
    content: bytes | None = None
    content_type: str = "application/json"
    params: tuple[tuple[str, str], ...] = ()
    lenient: bool = False


async def test_bad_input_is_refused_everywhere_and_changes_nothing(
    edge: Edge, connection: psycopg.Connection
) -> None:
    caller = await edge.sign_in()
    schema = edge.app.openapi()
    before = contents(connection)
    wrong, tried = [], 0
    for path, method, route in edge_routes(edge.app):
        if method == "HEAD":  # its answers have no body to judge; the GET of that path is tried
            continue
        operation = schema["paths"][path][method.lower()]
        for attempt in attempts(schema, path, method, operation):
            tried += 1
            headers = caller | ({"Content-Type": attempt.content_type} if attempt.content is not None else {})
            answer = await edge.client.request(
                method, attempt.path, content=attempt.content, params=attempt.params or None, headers=headers
            )
            fault = judge(answer.status_code, answer.headers.get("content-type", ""), answer.text, attempt)
            if fault:
                wrong.append(f"{method} {path} ({route.name}), {attempt.about}: {fault}")
    assert not wrong, "\n".join(wrong)
    assert tried > 10
    assert contents(connection) == before


def judge(status: int, content_type: str, text: str, attempt: Attempt) -> str | None:
    if status >= 500 and not (status == 503 and json.loads(text)["code"] in ("chain_behind", "not_deployed")):
        return f"answered {status}: {text[:200]}"
    if status < 400:
        return None if attempt.lenient else f"answered {status}: {text[:200]}"
    if content_type != "application/problem+json":
        return f"answered {status} as {content_type}"
    problem = json.loads(text)
    if not (problem["code"] and problem["request_id"] and problem["status"] == status):
        return f"not a whole problem: {text[:200]}"
    unknown = attempt.about == "an unknown field" and status == 422 and "errors" in problem
    if unknown and not any("surprise" in error["pointer"] for error in problem["errors"]):
        return f"did not notice the unknown field: {text[:200]}"
    return None


def attempts(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Iterator[Attempt]:
    parameters = operation.get("parameters", [])
    fitting = path
    for parameter in parameters:
        if parameter["in"] == "path":
            fitting = fitting.replace(braced(parameter["name"]), quote(sample(parameter["schema"])))
    yield Attempt("an unknown parameter", fitting, params=(("surprise", "1"),))
    yield from odd_paths(path, parameters)
    yield from odd_queries(fitting, parameters)
    if method in MUTATING and "requestBody" in operation:
        yield from odd_bodies(schema, fitting, operation["requestBody"]["content"])


def braced(name: str) -> str:
    return "{" + name + "}"


def odd_paths(path: str, parameters: list[dict[str, Any]]) -> Iterator[Attempt]:
    names = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
    for odd in ODD_SEGMENTS if names else ():
        filled = path
        for name in names:
            filled = filled.replace(braced(name), odd)
        yield Attempt(f"odd path {odd[:20]}", filled)


def odd_queries(path: str, parameters: list[dict[str, Any]]) -> Iterator[Attempt]:
    for parameter in parameters:
        if parameter["in"] != "query":
            continue
        for odd in ODD_VALUES:
            about = f"odd {parameter['name']} {odd[:20]!r}"
            yield Attempt(about, path, params=((parameter["name"], odd),), lenient=True)
    if any(parameter["name"] == "cursor" for parameter in parameters):
        yield Attempt("a foreign cursor", path, params=(("cursor", "WyJ4Il0"),))
        yield Attempt("a limit of nothing", path, params=(("limit", "0"),))


def odd_bodies(schema: dict[str, Any], path: str, content: dict[str, Any]) -> Iterator[Attempt]:
    for raw in UNREADABLE:
        yield Attempt(f"unreadable {raw[:10]!r}", path, raw)
    yield Attempt("a body of another type", path, b"<a/>", "text/xml")
    if "application/json" not in content:
        yield Attempt("a form without a boundary", path, b"x", "multipart/form-data")
        return
    for shape in WRONG_SHAPES:
        yield Attempt(f"a body that is {shape!r}", path, json.dumps(shape).encode())
    yield Attempt("an unknown field", path, json.dumps({"surprise": 1}).encode())
    body = resolved(schema, content["application/json"]["schema"])
    for name in body.get("properties", {}):
        for value in ({"surprise": [[]]}, [[["x"]]], "\x00", "\ud800"):
            yield Attempt(f"{name} is {value!r}", path, json.dumps({name: value}).encode())


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
    return part


def sample(schema: dict[str, Any]) -> str:
    """A value that fits a path parameter, of a thing that does not exist."""
    if schema.get("format") == "uuid":
        return str(uuid.uuid4())
    if schema.get("examples"):
        return str(schema["examples"][0])
    return "1"


def contents(connection: psycopg.Connection) -> dict[str, Any]:
    """A hash of every table."""
    query = "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} AS t"
    found = {}
    for table in METADATA.sorted_tables:
        name = sql.Identifier(str(table.schema), table.name)
        row = connection.execute(sql.SQL(query).format(name)).fetchone()
        assert row is not None
        found[table.fullname] = row[0]
    return found


async def test_every_route_is_one_of_the_edge(edge: Edge) -> None:
    known = {path for path, _, _ in edge_routes(edge.app)} | BESIDE_THE_EDGE
    served = {str(context.path) for context in iter_route_contexts(edge.app.routes)}
    assert served == known


async def test_what_changes_something_is_a_command_or_an_effect(edge: Edge) -> None:
    plain = [
        f"{method} {path}"
        for path, method, route in edge_routes(edge.app)
        if (method in MUTATING) is not (route.kind is not Kind.QUERY)
    ]
    assert not plain


async def test_every_body_is_closed(edge: Edge) -> None:
    """A field that no one knows is refused at any depth."""
    schema = edge.app.openapi()
    bodies = [
        content["schema"]
        for methods in schema["paths"].values()
        for operation in methods.values()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]
    open_ones = {
        name for body in bodies for name, part in objects(schema, body, set()) if not is_closed(part)
    }
    assert not open_ones


def is_closed(part: dict[str, Any]) -> bool:
    """A map of names that the client chooses says of which type its values are."""
    extra = part.get("additionalProperties", True)
    return extra is False or (isinstance(extra, dict) and bool(extra))


def objects(schema: dict[str, Any], part: object, seen: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object schema that a body can hold."""
    if isinstance(part, list):
        for item in part:
            yield from objects(schema, item, seen)
    if not isinstance(part, dict):
        return
    if "$ref" in part:
        if part["$ref"] in seen:
            return
        seen.add(part["$ref"])
        part = resolved(schema, part)
    if part.get("type") == "object":
        yield part.get("title", "?"), part
    for key, value in part.items():
        if key not in ("examples", "example", "default"):
            yield from objects(schema, list(value.values()) if key == "properties" else value, seen)


async def test_every_operation_declares_its_answers(edge: Edge) -> None:
    schema = edge.app.openapi()
    faults = []
    for path, method, route in edge_routes(edge.app):
        responses = schema["paths"][path][method.lower()]["responses"]
        missing = {"400", "422", "500", "503"} - set(responses)
        good = [status for status in responses if status.startswith("2")]
        if missing or not good:
            faults.append(f"{method} {path} ({route.name}): {missing or 'no success'}")
        for status in good:
            content = responses[status].get("content", {})
            if content.get("application/json", {"schema": True}).get("schema") == {}:
                faults.append(f"{method} {path} ({route.name}): {status} has no schema")
    assert not faults


def test_an_unknown_parameter_is_noticed_by_the_judge() -> None:
    """The walker can fail."""
    attempt = Attempt("an unknown field", "/x")
    kind = "application/problem+json"
    body = {"code": "invalid", "request_id": "r", "status": 422, "errors": [{"pointer": "/body/other"}]}
    assert judge(200, "application/json", "{}", attempt)
    assert judge(500, kind, "{}", attempt)
    assert judge(404, "text/html", "", attempt)
    assert judge(422, kind, json.dumps(body), attempt)
    body["errors"] = [{"pointer": "/body/surprise"}]
    assert judge(422, kind, json.dumps(body), attempt) is None
