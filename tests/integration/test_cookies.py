"""Sessions of browsers against the running edge: what the cookies are, and what another site can do."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from api.options import EdgeOptions
from api.v1.session import CookieSignedInOut
from tests.edge import Edge, edge_settings, new_wallet, running_edge
from tests.handset import Handset, outcome
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

BY_COOKIE = {"Session-Transport": "cookie"}
COOKIES = {"asoud_access", "asoud_refresh", "asoud_csrf", "asoud_device"}


@asynccontextmanager
async def browser(edge: Edge, base_url: str = "http://asoud.test:8000") -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, and sends them where they belong."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=edge.app), base_url=base_url) as client:
        yield client


async def sign_in(edge: Edge, client: httpx.AsyncClient) -> CookieSignedInOut:
    body = await edge.signed(new_wallet(), "sign_in")
    answer = await client.post("/v1/auth/wallet", json=body, headers=BY_COOKIE)
    assert answer.status_code == 200, answer.text
    return CookieSignedInOut.model_validate_json(answer.content)


def set_cookies(answer: httpx.Response) -> SimpleCookie:
    jar = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    return jar


async def test_a_browser_signs_in_and_no_token_is_in_the_answer(edge: Edge) -> None:
    async with browser(edge) as client:
        body = await edge.signed(new_wallet(), "sign_in")
        answer = await client.post("/v1/auth/wallet", json=body, headers=BY_COOKIE)
        session = CookieSignedInOut.model_validate_json(answer.content)
        jar = set_cookies(answer)
        assert set(jar) == COOKIES
        for name, cookie in jar.items():
            assert cookie["samesite"] == "strict"
            assert bool(cookie["httponly"]) is (name != "asoud_csrf")
            assert (cookie.value in answer.text) is (name == "asoud_csrf")
        assert (jar["asoud_refresh"]["path"], jar["asoud_device"]["path"]) == (
            "/v1/auth/refresh",
            "/v1/auth",
        )
        me = await client.get("/v1/me")
        assert me.json()["account_id"] == str(session.account_id)
        assert me.headers["vary"] == "Authorization, Cookie"


async def test_a_phone_signs_in_by_cookie_as_well(edge: Edge, tmp_path: Path) -> None:
    handset = Handset(edge, tmp_path)
    challenge = await handset.challenge()
    async with browser(edge) as client:
        body = {"challenge": challenge, "code": handset.receive(challenge)}
        answer = await client.post("/v1/auth/phone", json=body, headers=BY_COOKIE)
        assert set(set_cookies(answer)) == COOKIES
        assert (await client.get("/v1/me")).status_code == 200


async def test_behind_tls_cookies_are_bound_to_it_and_to_the_host(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    settings = edge_settings(tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url=anvil)
    async with (
        running_edge(settings, EdgeOptions(is_behind_tls=True)) as edge,
        browser(edge, "https://asoud.test:8000") as client,
    ):
        body = await edge.signed(new_wallet(), "sign_in")
        answer = await client.post("/v1/auth/wallet", json=body, headers=BY_COOKIE)
        jar = set_cookies(answer)
        assert set(jar) == {
            "__Host-asoud_access",
            "__Host-asoud_csrf",
            "__Secure-asoud_refresh",
            "__Secure-asoud_device",
        }
        assert all(cookie["secure"] and not cookie["domain"] for cookie in jar.values())
        assert all(jar[name]["path"] == "/" for name in jar if name.startswith("__Host-"))
        assert (await client.get("/v1/me")).status_code == 200
        plain = {"Cookie": f"asoud_access={jar['__Host-asoud_access'].value}"}
        assert outcome(await edge.client.get("/v1/me", headers=plain)) == (401, "token_missing")


async def test_a_change_by_cookie_needs_the_csrf_token_of_its_session(edge: Edge) -> None:
    async with browser(edge) as client, browser(edge) as attacker:
        session, theirs = await sign_in(edge, client), await sign_in(edge, attacker)
        change = {"country": "TR"}
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": theirs.csrf_token}, {"X-CSRF-Token": "é"}):
            raw = {name: value.encode() for name, value in headers.items()}
            refused = await client.patch("/v1/me", json=change, headers=raw)
            assert outcome(refused) == (403, "csrf_token_wrong")
        headers = {"X-CSRF-Token": session.csrf_token}
        answer = await client.patch("/v1/me", json=change, headers=headers)
        assert (answer.status_code, answer.json()["profile"]["country"]) == (200, "TR")
        replayed = await client.patch("/v1/me", json=change, headers={**headers, "Idempotency-Key": "k"})
        assert replayed.status_code == 200


async def test_without_a_csrf_cookie_no_csrf_token_is_right(edge: Edge) -> None:
    async with browser(edge) as client:
        await sign_in(edge, client)
        client.cookies.delete("asoud_csrf")
        for said in ("", "x"):
            answer = await client.patch("/v1/me", json={}, headers={"X-CSRF-Token": said})
            assert outcome(answer) == (403, "csrf_token_wrong")


async def test_a_bearer_token_counts_alone_and_needs_no_csrf_token(edge: Edge) -> None:
    caller = await edge.sign_in()
    async with browser(edge) as client:
        session = await sign_in(edge, client)
        mine = await client.get("/v1/me", headers=caller)
        assert mine.json()["account_id"] != str(session.account_id)
        changed = await client.patch("/v1/me", json={"country": "TR"}, headers=caller)
        assert changed.json()["account_id"] == mine.json()["account_id"]
        bad = await client.get("/v1/me", headers={"Authorization": "Bearer made.up.token"})
        assert outcome(bad) == (401, "token_invalid")


async def test_a_refresh_by_cookie_needs_the_header_that_other_sites_cannot_send(edge: Edge) -> None:
    async with browser(edge) as client:
        await sign_in(edge, client)
        before = client.cookies["asoud_refresh"]
        assert outcome(await client.post("/v1/auth/refresh", json={})) == (401, "refresh_invalid")
        answer = await client.post("/v1/auth/refresh", json={}, headers=BY_COOKIE)
        assert answer.status_code == 200
        assert set(set_cookies(answer)) == COOKIES - {"asoud_device"}
        assert client.cookies["asoud_refresh"] != before
        csrf = CookieSignedInOut.model_validate_json(answer.content).csrf_token
        changed = await client.patch("/v1/me", json={}, headers={"X-CSRF-Token": csrf})
        assert changed.status_code == 200
        client.cookies.set("asoud_refresh", before, domain="asoud.test", path="/v1/auth/refresh")
        again = await client.post("/v1/auth/refresh", json={"refresh_token": before}, headers=BY_COOKIE)
        assert outcome(again) == (401, "refresh_reused")


async def test_a_browser_is_known_by_its_device_cookie(edge: Edge) -> None:
    wallet = new_wallet()
    async with browser(edge) as client:
        for _ in range(2):
            body = await edge.signed(wallet, "sign_in")
            answer = await client.post("/v1/auth/wallet", json=body, headers=BY_COOKIE)
            session = CookieSignedInOut.model_validate_json(answer.content)
            with edge.services.database.transaction() as tx:
                assert edge.services.devices.withdrawals_open_at(tx, session.account_id) is None


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/sessions/{session_id}"])
async def test_signing_out_takes_the_cookies_away(edge: Edge, path: str) -> None:
    async with browser(edge) as client:
        session = await sign_in(edge, client)
        refresh = client.cookies["asoud_refresh"]
        answer = await client.delete(
            path.format(session_id=session.session_id), headers={"X-CSRF-Token": session.csrf_token}
        )
        assert answer.status_code == 204
        assert set(client.cookies) == {"asoud_device"}
        again = await edge.client.post("/v1/auth/refresh", json={"refresh_token": refresh})
        assert outcome(again) == (401, "session_ended")


async def test_whoever_signs_out_by_token_gets_no_cookies(edge: Edge) -> None:
    answer = await edge.client.delete("/v1/sessions", headers=await edge.sign_in())
    assert (answer.status_code, "set-cookie" in answer.headers) == (204, False)


async def test_an_access_cookie_runs_out_with_its_token(edge: Edge) -> None:
    async with browser(edge) as client:
        await sign_in(edge, client)
        edge.clock.advance(dt.timedelta(hours=2))
        token = client.cookies["asoud_access"]
        answer = await edge.client.get("/v1/me", headers={"Cookie": f"asoud_access={token}"})
        assert outcome(answer) == (401, "token_expired")
