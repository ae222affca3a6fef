"""The whole application on real parts, and wallets that sign in to it: for tests of routers."""

import datetime as dt
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr
from starlette.routing import BaseRoute

from api.app import create_app
from api.options import EdgeOptions
from api.permissions import PERMISSIONS, Permission, Who
from node.bootstrap.build import build_services
from node.kernel.clock import FixedClock
from node.kernel.settings import Settings
from node.services.container import Services

PUBLIC_URL = "http://asoud.test:8000"
# All callers of all tests come from one address; tests of the rates set their own.
BOUNDLESS = dict.fromkeys(("reads_per_minute", "writes_per_minute", "uploads_per_minute"), 1_000_000)
_app: FastAPI | None = None
_routes: list[BaseRoute] = []
START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


@dataclass
class Edge:
    app: FastAPI
    client: httpx.AsyncClient
    services: Services
    clock: FixedClock

    async def sign_in(self, wallet: LocalAccount | None = None) -> dict[str, str]:
        """The headers of a signed-in caller."""
        wallet = wallet or new_wallet()
        answer = await self.client.post("/v1/auth/nonces", json={"address": wallet.address.lower()})
        assert answer.status_code == 201, answer.text
        message = answer.json()["message"]
        answer = await self.client.post(
            "/v1/auth/wallet", json={"message": message, "signature": signature(wallet, message)}
        )
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def signed(self, wallet: LocalAccount, purpose: str) -> dict[str, str]:
        """A message that the wallet signed for the purpose."""
        body = {"address": wallet.address, "purpose": purpose}
        answer = await self.client.post("/v1/auth/nonces", json=body)
        assert answer.status_code == 201, answer.text
        message = answer.json()["message"]
        return {"message": message, "signature": signature(wallet, message)}

    async def step_up(self, caller: dict[str, str], wallet: LocalAccount) -> None:
        """Another wallet of the caller's account gives the second proof."""
        body = await self.signed(wallet, "step_up")
        answer = await self.client.post("/v1/me/step-up/wallet", json=body, headers=caller)
        assert answer.status_code == 200, answer.text


def include(edge: Edge, router: APIRouter, *, public: Collection[str]) -> None:
    """Adds a test's own routes, with the rows that let callers through."""
    rows = {
        f"{method} {route.path_format}": Permission(
            frozenset({Who.ANYONE if route.path_format in public else Who.ACCOUNT}), scope=None
        )
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    edge.app.state.permissions = {**edge.app.state.permissions, **rows}
    edge.app.include_router(router)


def new_wallet() -> LocalAccount:
    wallet: LocalAccount = Account.create()
    return wallet


def signature(wallet: LocalAccount, message: str) -> str:
    signed = wallet.sign_message(encode_defunct(text=message))
    return "0x" + bytes(signed.signature).hex()


def edge_settings(
    data_dir: Path, *, database_url: str, redis_url: str, rpc_url: str, **more: object
) -> Settings:
    return Settings(
        data_dir=data_dir,
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        rpc_url=SecretStr(rpc_url),
        public_url=PUBLIC_URL,
        # Tests of other things move the clock and do not refresh, and sign in often.
        **{"access_token_minutes": 60, "sign_in_per_minute": 100_000, **more},  # type: ignore[arg-type]
    )


def _shared_app(services: Services) -> FastAPI:
    """One application for all tests of a process: its routes are made once, at their first calls.

    What a test added to it goes.
    """
    global _app, _routes  # noqa: PLW0603 - made when it is first needed
    if _app is None:
        _app = create_app(services, EdgeOptions(**BOUNDLESS))
        _routes = list(_app.router.routes)
    if _app.router.routes != _routes:
        _app.router.routes[:] = _routes
        _app.openapi_schema = None
    _app.state.services, _app.state.permissions = services, PERMISSIONS
    return _app


@asynccontextmanager
async def running_edge(settings: Settings, options: EdgeOptions | None = None) -> AsyncIterator[Edge]:
    clock = FixedClock(START)
    services = build_services(settings, clock=clock)
    app = _shared_app(services) if options is None else create_app(services, options)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client,
    ):
        yield Edge(app, client, services, clock)
