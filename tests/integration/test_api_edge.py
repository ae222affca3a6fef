"""What holds for every answer: ids, headers, limits, problems, health, and the documents."""

import datetime as dt
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import UploadFile

from api.health import ChainHealth
from api.options import EdgeOptions
from api.routing import UPLOAD_OVERHEAD, CommandTx, edge_router, upload
from api.schemas import Input, Output
from tests.edge import Edge, edge_settings, include, running_edge
from tests.stack import DatabaseUrls, free_port

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

router = edge_router("sizes", prefix="/v1/sizes")


class TextIn(Input):
    text: str


class SizeOut(Output):
    size: int


@router.post("/body")
def size_of_body(body: TextIn, _: CommandTx) -> SizeOut:
    return SizeOut(size=len(body.text))


@router.post("/file")
@upload
def size_of_file(file: UploadFile, _: CommandTx) -> SizeOut:
    return SizeOut(size=len(file.file.read()))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "no_such_route"),
        ("GET", "/v1/me/", 404, "no_such_route"),
        ("PUT", "/v1/me", 405, "method_not_allowed"),
        ("BREW", "/v1/me", 405, "method_not_allowed"),
    ],
)
async def test_what_no_route_takes_is_a_problem(
    edge: Edge, method: str, path: str, status: int, code: str
) -> None:
    answer = await edge.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"] == "GET"


async def test_the_callers_request_id_comes_back(edge: Edge) -> None:
    answer = await edge.client.get("/v1/nowhere", headers={"X-Request-Id": "my-id_1.2"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "my-id_1.2"


@pytest.mark.parametrize("sent", ["short", "x" * 65, "white space", "<script>alert</script>", "a\tb-c-d-e-f"])
async def test_an_odd_request_id_is_replaced(edge: Edge, sent: str) -> None:
    answer = await edge.client.get("/health/live", headers={"X-Request-Id": sent})
    assert answer.headers["x-request-id"] != sent
    assert len(answer.headers["x-request-id"]) == 32


async def test_every_answer_carries_the_headers_of_safety(edge: Edge) -> None:
    for path in ("/health/live", "/v1/nowhere", "/docs", "/openapi.json"):
        headers = (await edge.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"]


async def test_a_body_above_the_limit_is_refused(edge: Edge) -> None:
    include(edge, router, public=("/v1/sizes/body", "/v1/sizes/file"))
    limit = EdgeOptions().body_bytes_max
    fits = json.dumps({"text": "x" * (limit - 12)}).encode()
    assert len(fits) == limit
    headers = {"Content-Type": "application/json"}
    assert (await edge.client.post("/v1/sizes/body", content=fits, headers=headers)).status_code == 200
    declared = await edge.client.post("/v1/sizes/body", content=fits + b" ", headers=headers)
    assert (declared.status_code, declared.json()["code"]) == (413, "body_too_large")

    async def undeclared() -> AsyncIterator[bytes]:  # httpx sends an iterator without a Content-Length
        yield fits
        yield b" "

    streamed = await edge.client.post("/v1/sizes/body", content=undeclared(), headers=headers)
    assert (streamed.status_code, streamed.json()["code"]) == (413, "body_too_large")


async def test_an_upload_has_a_limit_of_its_own(edge: Edge) -> None:
    include(edge, router, public=("/v1/sizes/body", "/v1/sizes/file"))
    larger = b"x" * (EdgeOptions().body_bytes_max * 2)
    answer = await edge.client.post("/v1/sizes/file", files={"file": larger})
    assert answer.json() == {"size": len(larger)}
    too_large = b"x" * (EdgeOptions().upload_bytes_max + UPLOAD_OVERHEAD)
    assert (await edge.client.post("/v1/sizes/file", files={"file": too_large})).status_code == 413


async def test_where_the_input_is_wrong_is_said_in_pointers(edge: Edge) -> None:
    answer = await edge.client.post("/v1/auth/wallet", json={"signature": "0x1", "surprise": "hidden-words"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/body/message",
        "/body/signature",
        "/body/surprise",
    }
    assert "hidden-words" not in answer.text


async def test_a_parameter_that_no_one_knows_is_refused(edge: Edge) -> None:
    answer = await edge.client.get("/health/live", params={"surprise": "1"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/surprise")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe{}", b'{"a": NaN', b"[" * 100_000])
async def test_a_body_that_can_not_be_read_is_a_400(edge: Edge, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await edge.client.post("/v1/auth/nonces", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_ready_says_which_part_is_away(
    edge: Edge, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    answer = await edge.client.get("/health/ready")
    assert answer.json() == {"status": "ok", "parts": {"postgres": "ok", "redis": "ok"}}
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        settings = edge_settings(
            tmp_path, database_url=fresh_database.app, redis_url=away, rpc_url="http://127.0.0.1:1"
        )
        async with running_edge(settings) as half:
            answer = await half.client.get("/health/ready")
            assert (await half.client.get("/health/live")).status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.json()["parts"] == {"postgres": "ok", "redis": "away"}


CHECKPOINT = """
    INSERT INTO chain.checkpoint (chain_id, genesis_hash, start_block, number, hash, block_time, undo_floor,
        finalized_number, emit_after, head_number, head_time, state, reason, seen_at)
    VALUES (31337, %(hash)s, 0, 7, %(hash)s, now(), 0, 5, 0, 9, now(), %(state)s, NULL, now() - %(age)s)
"""


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (("live", 0), (200, "live")),
        (("syncing", 0), (200, "syncing")),
        (("stuck", 0), (503, "stuck")),
        (("live", 3_600), (503, "down")),
    ],
)
async def test_the_chains_health_is_what_the_indexer_last_said(
    edge: Edge, connection: psycopg.Connection, said: tuple[str, int], answered: tuple[int, str]
) -> None:
    never = await edge.client.get("/health/chain")
    assert (never.status_code, never.json()["chain"]["state"]) == (503, "never")
    state, age_s = said
    parameters = {"hash": b"\1" * 32, "state": state, "age": dt.timedelta(seconds=age_s)}
    connection.execute(CHECKPOINT, parameters)
    answer = await edge.client.get("/health/chain")
    body = answer.json()
    health = ChainHealth.model_validate(body if answer.status_code == 200 else body["chain"])
    assert (answer.status_code, health.state) == answered
    assert health.indexed
    assert health.lag
    assert (health.indexed.number, health.lag.blocks, health.finalized) == (7, 2, 5)


async def test_metrics_have_their_own_port(
    fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    settings = edge_settings(
        tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url="http://127.0.0.1:1"
    )
    port = free_port()
    async with running_edge(settings, EdgeOptions(metrics_port=port)) as edge, httpx.AsyncClient() as other:
        await edge.client.get("/v1/nowhere/7")
        await edge.client.get("/v1/me")
        text = (await other.get(f"http://127.0.0.1:{port}/metrics")).text
        assert (await edge.client.get("/metrics")).status_code == 404
    assert 'asoud_http_requests_total{method="GET",route="/v1/me",status="401"}' in text
    assert 'route="(none)",status="404"' in text
    assert "/v1/nowhere" not in text
    assert 'asoud_pool_connections{pool="query",state="max"}' in text
    assert not_served(port), "the port is free again"


async def test_a_process_that_finds_the_metrics_port_taken_serves_without(
    fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    settings = edge_settings(
        tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url="http://127.0.0.1:1"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = EdgeOptions(metrics_port=taken.getsockname()[1])
        async with running_edge(settings, options) as edge:
            assert (await edge.client.get("/health/live")).status_code == 200


def not_served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_the_page_of_docs_lists_every_operation_and_loads_nothing(edge: Edge) -> None:
    page = (await edge.client.get("/docs")).text
    schema = (await edge.client.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert [path for path in schema["paths"] if path not in page] == []
    assert "<script" not in page
    assert not [link for link in re.findall(r"(?:src|href)=\"([^\"]*)\"", page) if not link.startswith("/")]
