"""What every route owes its callers: bounds on rate, depth and time, compression, and words for browsers."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard

from api.openapi import edge_routes
from api.options import EdgeOptions, origins
from api.rates import RateClass
from node.kernel.rate import SlidingWindow
from tests.edge import BOUNDLESS, Edge, edge_settings, running_edge
from tests.stack import DatabaseUrls, free_port

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

MOST = 3
SHOP = "https://shop.example"
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda raw: zstandard.ZstdDecompressor().decompressobj().decompress(raw),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}

Opened = Callable[..., AbstractAsyncContextManager[Edge]]


@pytest.fixture
def opened(fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_edge(redis: str = redis_url, **options: Any) -> AsyncIterator[Edge]:
        settings = edge_settings(tmp_path, database_url=fresh_database.app, redis_url=redis, rpc_url=anvil)
        async with running_edge(settings, EdgeOptions(**BOUNDLESS | options)) as edge:
            yield edge

    return open_edge


async def reads(edge: Edge, count: int, **headers: str) -> list[int]:
    return [(await edge.client.get("/v1/sessions", headers=headers)).status_code for _ in range(count)]


async def test_one_caller_reads_so_often_a_minute(opened: Opened) -> None:
    async with opened(reads_per_minute=MOST) as edge:
        first, second = await edge.sign_in(), await edge.sign_in()
        assert await reads(edge, MOST + 1, **first) == [200] * MOST + [429]
        refused = await edge.client.get("/v1/markets", headers=first)  # another route of the same class
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        allowed = await edge.client.get("/v1/markets", headers=second)
        assert allowed.status_code == 200
        assert allowed.headers["ratelimit-policy"] == f'"read";q={MOST};w=60'
        changed = await edge.client.patch("/v1/me", json={"language": "tr"}, headers=first)
        assert changed.status_code == 200  # to write is another class


async def test_what_is_counted_ahead_lets_nobody_through_that_should_wait(opened: Opened) -> None:
    async with opened(reads_per_minute=300) as edge:  # each process counts 3 ahead
        caller = await edge.sign_in()
        answers = await reads(edge, 303, **caller)
        assert answers == [200] * 300 + [429] * 3


async def test_many_at_once_have_what_one_after_the_other_has(redis_url: str) -> None:
    rates = SlidingWindow(redis_url, timeout_s=5.0)
    taken = [await asyncio.gather(*(rates.take("read", 300, "x") for _ in range(20))) for _ in range(16)]
    refused = [overrun for batch in taken for overrun in batch if overrun is not None]
    assert len(refused) == 16 * 20 - 300
    await rates.aclose()


async def test_whoever_sends_a_bad_token_is_counted_by_address(opened: Opened) -> None:
    async with opened(reads_per_minute=MOST) as edge:
        bad = {"Authorization": "Bearer x.y.z"}
        answers = await reads(edge, MOST + 1, **bad)
        assert answers[-1] == 429
        assert set(answers[:-1]) <= {401, 429}  # other tests read from this address as well
        assert await reads(edge, 1, **await edge.sign_in()) == [200]


async def test_probes_and_keys_are_answered_however_often(opened: Opened) -> None:
    async with opened(reads_per_minute=1) as edge:
        for path in ("/health/live", "/health/ready", "/.well-known/jwks.json"):
            assert [(await edge.client.get(path)).status_code for _ in range(3)] == [200] * 3


async def test_without_redis_files_wait_and_the_rest_goes_on(opened: Opened) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    async with opened(redis=away) as edge:
        caller = await edge.sign_in()
        assert await reads(edge, 3, **caller) == [200] * 3
        assert (await edge.client.patch("/v1/me", json={}, headers=caller)).status_code == 200
        answer = await edge.client.post("/v1/media", files={"file": b"text"}, headers=caller)
        assert (answer.status_code, answer.json()["code"]) == (503, "rate_not_counted")
        assert answer.headers["retry-after"]


async def test_only_uploads_are_counted_as_uploads(edge: Edge) -> None:
    rates = {f"{method} {path}": route.rate for path, method, route in edge_routes(edge.app)}
    assert [name for name, rate in rates.items() if rate is RateClass.UPLOAD] == ["POST /v1/media"]
    assert {name for name, rate in rates.items() if rate is None} == {
        "GET /health/live",
        "GET /health/ready",
        "GET /health/chain",
        "GET /health/chains",
        "GET /.well-known/jwks.json",
    }


@pytest.mark.parametrize("encoding", list(UNPACK))
async def test_a_long_answer_is_compressed_as_the_client_can_read_it(edge: Edge, encoding: str) -> None:
    plain = await edge.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    request = edge.client.build_request("GET", "/openapi.json", headers={"Accept-Encoding": encoding})
    answer = await edge.client.send(request, stream=True)
    raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == encoding
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert UNPACK[encoding](raw) == plain.content
    assert len(raw) < len(plain.content) / 4


async def test_a_compressed_answer_has_a_tag_of_its_own_that_holds_everywhere(edge: Edge) -> None:
    caller = await edge.sign_in()
    for number in range(12):
        made = await edge.client.post(
            "/v1/markets", json={"name": f"Market {number}", "language": "en"}, headers=caller
        )
        assert made.status_code == 201, made.text
    path = "/v1/markets?limit=12"
    plain = (await edge.client.get(path, headers={"Accept-Encoding": "identity"})).headers["etag"]
    packed = (await edge.client.get(path, headers={"Accept-Encoding": "br"})).headers["etag"]
    assert packed == f'{plain[:-1]}.br"'
    for tag in (plain, packed, f"W/{packed}", f'"other", {packed}'):
        for encoding in ("identity", "gzip"):
            headers = {"If-None-Match": tag, "Accept-Encoding": encoding}
            assert (await edge.client.get(path, headers=headers)).status_code == 304


async def test_the_tag_of_a_compressed_answer_can_guard_a_change(edge: Edge) -> None:
    caller = await edge.sign_in()
    tag = (await edge.client.get("/v1/me", headers=caller)).headers["etag"]
    for sent, status in ((f'{tag[:-1]}.zstd"', 200), (f'{tag[:-1]}.zstd"', 412)):
        answer = await edge.client.patch(
            "/v1/me", json={"language": "tr"}, headers=caller | {"If-Match": sent}
        )
        assert answer.status_code == status, answer.text


async def test_answers_to_commands_are_never_compressed(edge: Edge) -> None:
    caller = await edge.sign_in()
    body = {"name": "M" * 40, "language": "en", "description": "x" * 2_000}
    answer = await edge.client.post(
        "/v1/markets", json=body, headers=caller | {"Accept-Encoding": "gzip, br, zstd"}
    )
    assert "content-encoding" not in answer.headers


async def test_what_changes_a_thing_can_be_based_on_what_was_read(edge: Edge) -> None:
    guarded = {
        f"{method} {path}": "if_match" in {field.name for field in route.dependant.header_params}
        for path, method, route in edge_routes(edge.app)
        if method in {"PUT", "PATCH"}
    }
    assert guarded
    assert all(guarded.values()), [name for name, is_guarded in guarded.items() if not is_guarded]


@pytest.mark.parametrize("depth", [21, 200_000])
async def test_a_body_that_is_too_deep_is_refused(opened: Opened, depth: int) -> None:
    async with opened(body_bytes_max=2**20) as edge:
        body = '{"message":' + "[" * depth + "]" * depth + "}"
        answer = await edge.client.post(
            "/v1/auth/wallet", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert "within each other" in answer.json()["detail"]


async def test_brackets_side_by_side_are_not_deep(edge: Edge) -> None:
    attributes = [{"trait_type": "a", "value": str(n)} for n in range(60)]
    answer = await edge.client.post(
        "/v1/metadata", json={"name": "Carpet", "attributes": attributes}, headers=await edge.sign_in()
    )
    assert answer.status_code == 201, answer.text


async def test_a_body_that_comes_too_slowly_is_refused(opened: Opened) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"address":'
        await asyncio.sleep(30)
        yield b"null}"

    async with opened(body_seconds_max=0.05) as edge:
        answer = await edge.client.post(
            "/v1/auth/nonces", content=trickle(), headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
        assert answer.headers["connection"] == "close"


async def test_pages_of_listed_sites_may_call_the_api(opened: Opened) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Idempotency-Key"}
    async with opened(cors_origins=(SHOP,)) as edge:
        allowed = await edge.client.options("/v1/orders", headers={"Origin": SHOP, **asked})
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == SHOP
        for other in ("https://evil.example", f"{SHOP}.evil.example", "null"):
            refused = await edge.client.options("/v1/orders", headers={"Origin": other, **asked})
            assert "access-control-allow-origin" not in refused.headers
        answer = await edge.client.get("/v1/markets", headers={"Origin": SHOP})
        exposed = answer.headers["access-control-expose-headers"]
        assert all(name in exposed for name in ("ETag", "Retry-After", "Idempotent-Replayed"))
        assert "Origin" in answer.headers["vary"]


async def test_without_a_list_no_other_site_may(edge: Edge) -> None:
    answer = await edge.client.get("/v1/markets", headers={"Origin": SHOP})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("listed", ["*", "shop.example", "https://shop.example/path", "ftp://shop.example"])
def test_only_an_origin_can_be_listed(listed: str) -> None:
    with pytest.raises(ValueError, match="not an origin"):
        origins(listed)


async def test_behind_tls_browsers_are_told_to_stay_there(opened: Opened) -> None:
    async with opened(is_behind_tls=True) as edge:
        headers = (await edge.client.get("/v1/nowhere")).headers
        assert headers["strict-transport-security"] == "max-age=31536000"
    async with opened() as edge:
        assert "strict-transport-security" not in (await edge.client.get("/v1/nowhere")).headers
