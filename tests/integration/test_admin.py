"""The operators' surface: for whom the role and a second proof open it, and only as long as both hold."""

import datetime as dt
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from node.admin import build_surface
from node.admin.tables import TABLES
from node.cli.admin import admin
from node.cli.supervise.plan import REPO
from node.services.identity.models import PlatformRole
from tests.edge import Edge, edge_settings
from tests.second_proof import with_totp
from tests.stack import DatabaseUrls, free_port

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


@pytest.fixture
async def browser(
    edge: Edge, fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    settings = edge_settings(tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url=anvil)
    app = build_surface(settings, edge.services)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8010") as client,
    ):
        yield client


async def csrf(browser: httpx.AsyncClient, path: str) -> dict[str, str]:
    page = (await browser.get(path)).text
    found = re.search(r'<input[^>]*name="([^"]*csrf[^"]*)"[^>]*value="([^"]+)"', page)
    return {found[1]: found[2]} if found else {}


async def log_in(browser: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    token = headers["Authorization"].removeprefix("Bearer ")
    form = {"username": "me", "password": token, **await csrf(browser, "/admin/login")}
    return await browser.post("/admin/login", data=form)


async def an_account(edge: Edge, *roles: PlatformRole) -> tuple[dict[str, str], uuid.UUID]:
    headers = await edge.sign_in()
    account = uuid.UUID((await edge.client.get("/v1/me", headers=headers)).json()["account_id"])
    with edge.services.database.transaction() as tx:
        for role in roles:
            edge.services.roles.grant(tx, account, role, by="cli:test")
    return headers, account


async def test_nobody_gets_in_without_role_and_second_proof(edge: Edge, browser: httpx.AsyncClient) -> None:
    for _, model, _ in TABLES:
        answer = await browser.get(f"/admin/{model.__tablename__}/list")
        assert answer.status_code == 303, model
    nobody, _ = await an_account(edge)
    await with_totp(edge, nobody)
    arbiter, _ = await an_account(edge, PlatformRole.ARBITER)
    await with_totp(edge, arbiter)
    one_proof, _ = await an_account(edge, PlatformRole.ADMIN)
    for headers in (nobody, arbiter, one_proof, {"Authorization": "Bearer x"}):
        assert (await log_in(browser, headers)).status_code == 400
        assert (await browser.get("/admin/account/list")).status_code == 303


async def test_an_operator_sees_every_table_until_the_role_ends(
    edge: Edge, browser: httpx.AsyncClient, connection: psycopg.Connection
) -> None:
    headers, account = await an_account(edge, PlatformRole.OPERATOR)
    await with_totp(edge, headers)
    assert (await log_in(browser, headers)).status_code == 303
    for _, model, label in TABLES:
        answer = await browser.get(f"/admin/{model.__tablename__}/list")
        assert (answer.status_code, label in answer.text) == (200, True), model
    connection.execute(
        "INSERT INTO chain.incident VALUES"
        " (31337, %(id)s, 'order.funded', 'order:lost', 7, %(hash)s, %(hash)s, 0, %(by)s, 1, true, now())",
        {"id": uuid.uuid4(), "hash": bytes(32), "by": bytes(20)},
    )
    assert "order:lost" in (await browser.get("/admin/incident/list")).text
    assert (await browser.get("/admin/account/create")).status_code in (403, 404)
    with edge.services.database.transaction() as tx:
        edge.services.roles.revoke(tx, account, PlatformRole.OPERATOR, by="cli:test")
    assert (await browser.get("/admin/account/list")).status_code == 303


async def act(browser: httpx.AsyncClient, table: str, name: str, *ids: str) -> httpx.Response:
    """As the page's script does it."""
    token = browser.cookies.get("starlette_admin_csrftoken", "")
    params: list[tuple[str, str | int | float | bool | None]] = [
        ("name", name),
        *(("pks", one) for one in ids),
    ]
    path = f"/admin/_api/{table}/action"
    return await browser.post(path, params=params, headers={"X-CSRFToken": token})


async def test_an_operator_acts_through_services_and_the_log_knows(
    edge: Edge, browser: httpx.AsyncClient, connection: psycopg.Connection
) -> None:
    headers, operator = await an_account(edge, PlatformRole.OPERATOR)
    await with_totp(edge, headers)
    victim, account = await an_account(edge)
    task = uuid.uuid4()
    connection.execute(
        "INSERT INTO kernel.failed_task (id, task, arguments, error, failed_at, retry)"
        " VALUES (%s, 'x', '{}', 'why', now(), false)",
        (task,),
    )
    assert (await act(browser, "account", "freeze", str(account))).status_code == 403
    assert (await log_in(browser, headers)).status_code == 303
    await browser.get("/admin/account/list")
    forged = await browser.post(f"/admin/_api/account/action?name=freeze&pks={account}")
    assert forged.status_code == 403
    assert connection.execute(
        "SELECT count(*) FROM identity.account WHERE frozen_at IS NOT NULL"
    ).fetchone() == (0,)
    assert (await act(browser, "account", "freeze", str(account))).status_code == 200
    shut = await edge.client.patch("/v1/me", json={"language": "tr"}, headers=victim)
    assert shut.json()["code"] == "session_ended"
    assert (await act(browser, "account", "unfreeze", str(account))).status_code == 200
    assert (await act(browser, "failed_task", "retry", str(task))).status_code == 200
    assert connection.execute("SELECT retry FROM kernel.failed_task").fetchall() == [(True,)]
    for table in ("withdrawal", "payout"):
        for name in ("approve", "reject"):
            none = await act(browser, table, name, str(uuid.uuid4()))
            assert (none.status_code, "there is no such" in none.text) == (400, True), none.text
    rows = connection.execute(
        "SELECT act FROM identity.audit WHERE origin = %s ORDER BY id", (f"account:{operator}",)
    )
    assert rows.fetchall() == [("account_frozen",), ("account_unfrozen",), ("task_retried",)]
    edge.clock.advance(dt.timedelta(hours=1))  # the second proof lapses before the access token's own end
    assert (await act(browser, "account", "freeze", str(account))).status_code == 303


@pytest.fixture
def surface(fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The surface as `asoud admin` starts it."""
    port = free_port()
    environment = {
        **os.environ,
        "ASOUD_DATABASE_URL": fresh_database.app,
        "ASOUD_REDIS_URL": redis_url,
        "ASOUD_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "node.cli", "admin", "--port", str(port)]
    with subprocess.Popen(command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not listens("127.0.0.1", port) and time.monotonic() < deadline:
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


async def test_the_command_serves_on_loopback_alone_and_nobody_without_a_role(
    edge: Edge, surface: str
) -> None:
    async with httpx.AsyncClient(base_url=f"http://{surface}") as browser:
        shut = await browser.get("/admin/account/list")
        for answer in (shut, await act(browser, "account", "freeze", str(uuid.uuid4()))):
            assert (answer.status_code, "/admin/login" in answer.headers["location"]) == (303, True)
        stranger, _ = await an_account(edge)
        assert (await log_in(browser, stranger)).status_code == 400
    assert not listens(
        "127.0.0.2", int(surface.split(":")[1])
    )  # an address of this machine as any other, and not asked for


def listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def test_there_is_no_way_to_serve_it_elsewhere() -> None:
    refused = CliRunner().invoke(admin, ["--host", "0.0.0.0"])  # noqa: S104 - what must not be
    assert refused.exit_code == 2
    assert "No such option" in refused.output
