"""Attempts to sign in are counted by network address, which a client cannot make up."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from api.options import EdgeOptions, networks
from tests.edge import Edge, edge_settings, running_edge
from tests.stack import DatabaseUrls, free_port

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

MOST = 5

Opened = Callable[..., AbstractAsyncContextManager[Edge]]


@pytest.fixture
def opened(fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_edge(proxies: str = "", redis: str = redis_url) -> AsyncIterator[Edge]:
        settings = edge_settings(
            tmp_path,
            database_url=fresh_database.app,
            redis_url=redis,
            rpc_url=anvil,
            sign_in_per_minute=MOST,
        )
        async with running_edge(settings, EdgeOptions(trusted_proxies=networks(proxies))) as edge:
            yield edge

    return open_edge


async def attempts(edge: Edge, count: int, forwarded: str | None = None) -> list[int]:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return [
        (await edge.client.post("/v1/auth/nonces", json={}, headers=headers)).status_code
        for _ in range(count)
    ]


async def test_too_many_attempts_of_one_address_have_to_wait(opened: Opened) -> None:
    async with opened() as edge:
        assert await attempts(edge, MOST + 1) == [201] * MOST + [429]
        answer = await edge.client.post("/v1/auth/refresh", json={"refresh_token": "x"})
        assert (answer.status_code, answer.json()["code"]) == (429, "sign_in_rate_exceeded")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert (await edge.client.get("/v1/markets")).status_code == 200  # reading is something else


async def test_a_made_up_origin_does_not_help(opened: Opened) -> None:
    async with opened() as edge:
        answers = [(await attempts(edge, 1, f"198.51.100.{n}"))[0] for n in range(MOST + 1)]
        assert answers == [201] * MOST + [429]


async def test_behind_a_proxy_of_ours_clients_are_told_apart(opened: Opened) -> None:
    async with opened(proxies="127.0.0.0/8") as edge:
        assert await attempts(edge, MOST + 1, "198.51.100.1") == [201] * MOST + [429]
        assert await attempts(edge, 1, "198.51.100.2") == [201]
        assert await attempts(edge, 1, "10.9.9.9, 198.51.100.1") == [429]


async def test_one_household_of_ipv6_is_one_client(opened: Opened) -> None:
    async with opened(proxies="127.0.0.0/8") as edge:
        answers = [(await attempts(edge, 1, f"2001:db8::{n:x}"))[0] for n in range(1, MOST + 2)]
        assert answers == [201] * MOST + [429]
        assert await attempts(edge, 1, "2001:db8:0:1::1") == [201]


async def test_without_redis_people_still_sign_in(opened: Opened) -> None:
    async with opened(redis=f"redis://127.0.0.1:{free_port()}/0") as edge:
        for _ in range(MOST + 1):
            await edge.sign_in()
