"""The sandbox's API, for the node, and its page, for payers: `granian --interface asgi node.sandbox.app:app`.

Settings: `ASOUD_SANDBOX_SECRET`, `ASOUD_SANDBOX_DIR`, `ASOUD_SANDBOX_URL` (as payers reach it), and
`ASOUD_SANDBOX_FAULTS` (names of `faults.py`, comma-separated).
"""

import asyncio
import hmac
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from node.sandbox.callbacks import SLOW_S, Callbacks
from node.sandbox.faults import Fault, faults
from node.sandbox.page import language_of, page
from node.sandbox.store import Store

NO_ANSWER_S = 60.0  # longer than any client of a gateway waits
DONE = ("captured", "cancelled", "failed")


class Sandbox:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._secret = environment["ASOUD_SANDBOX_SECRET"]
        self._url = environment["ASOUD_SANDBOX_URL"].rstrip("/")
        everywhere = faults(environment.get("ASOUD_SANDBOX_FAULTS", "").split(","))
        self._store = Store(Path(environment["ASOUD_SANDBOX_DIR"]) / "sandbox.sqlite", everywhere=everywhere)
        self._callbacks = Callbacks(self._secret)

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health),
            Route("/payments", self.begin, methods=["POST"]),
            Route("/payments/{it}", self.look),
            Route("/payments/{it}/capture", self.capture, methods=["POST"]),
            Route("/payments/{it}/void", self.void, methods=["POST"]),
            Route("/refunds", self.refund, methods=["POST"]),
            Route("/faults", self.break_, methods=["POST"]),
            Route("/report", self.report),
            Route("/pay/{it}", self.show),
            Route("/pay/{it}", self.decide, methods=["POST"]),
        ]

    async def health(self, _: Request) -> Response:
        return Response(status_code=204)

    async def begin(self, request: Request) -> Response:
        body = await self._body(request)
        names = ("payment_id", "amount", "currency", "title", "return_url", "callback_url")
        values = {name: str(body[name]) for name in names}
        values |= {"id": f"sbx_{secrets.token_hex(12)}", "taken": "0", "status": "requires_action"}
        payment = self._store.begin({**values, "at": _now()})
        broken = self._store.faults_of(payment["payment_id"])
        if Fault.NO_ANSWER in broken:
            await asyncio.sleep(NO_ANSWER_S)
        elif Fault.SLOW in broken:
            await asyncio.sleep(SLOW_S)
        return JSONResponse({"id": payment["id"], "url": f"{self._url}/pay/{payment['id']}"}, 201)

    async def look(self, request: Request) -> Response:
        self._require(request)
        return JSONResponse(_told(self._found(request)))

    async def capture(self, request: Request) -> Response:
        await self._body(request)
        payment = self._found(request)
        if payment["status"] == "authorised":
            self._store.move(payment["id"], to="captured", taken=None, unless=DONE)
        return JSONResponse(_told(self._found(request)))

    async def void(self, request: Request) -> Response:
        await self._body(request)
        self._store.move(self._found(request)["id"], to="cancelled", taken=None, unless=DONE)
        return JSONResponse(_told(self._found(request)))

    async def refund(self, request: Request) -> Response:
        body = await self._body(request)
        payment = self._store.find(str(body["reference"]))
        if payment is None:
            raise HTTPException(404)
        is_refused = Fault.REFUND_FAILS in self._store.faults_of(payment["payment_id"])
        amount, key = int(body["amount"]), str(body["key"])
        if is_refused or not self._store.refund(payment["id"], key=key, amount=amount, at=_now()):
            raise HTTPException(422, "that can't be given back")
        return JSONResponse({"key": key}, 201)

    async def break_(self, request: Request) -> Response:
        body = await self._body(request)
        self._store.break_(str(body["payment_id"]), faults(body["faults"]))
        return Response(status_code=204)

    async def report(self, request: Request) -> Response:
        self._require(request)
        return JSONResponse({"entries": self._store.report(float(request.query_params.get("since", "0")))})

    async def show(self, request: Request) -> Response:
        payment = self._found(request)
        language = request.query_params.get("lang") or request.headers.get("accept-language", "")
        headers = {
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        }
        return HTMLResponse(page(payment, language_of(language)), headers=headers)

    async def decide(self, request: Request) -> Response:
        """The payer's word; what goes wrong with this payment can be chosen along with it."""
        form = parse_qsl((await request.body()).decode())
        payment = self._found(request)
        chosen = [value for name, value in form if name == "fault"]
        if chosen:
            self._store.break_(payment["payment_id"], faults(chosen))
        broken = self._store.faults_of(payment["payment_id"])
        is_paid = ("do", "pay") in form
        to = "failed"
        if is_paid:
            to = "authorised" if Fault.TWO_STEP in broken else "captured"
        more = (Fault.OVERPAID in broken) - (Fault.UNDERPAID in broken)
        taken = str(int(payment["amount"]) + more) if is_paid else None
        if self._store.move(payment["id"], to=to, taken=taken, unless=(*DONE, "authorised")):
            payment = self._found(request)
            self._callbacks.send(payment, ["processing", to] if is_paid else [to], broken)
        back = urlsplit(payment["return_url"])
        query = urlencode([*parse_qsl(back.query), ("status", self._found(request)["status"])])
        return RedirectResponse(urlunsplit(back._replace(query=query)), 303)

    def _found(self, request: Request) -> dict[str, Any]:
        payment = self._store.find(request.path_params["it"])
        if payment is None:
            raise HTTPException(404)
        return payment

    async def _body(self, request: Request) -> dict[str, Any]:
        self._require(request)
        body = await request.json()
        if not isinstance(body, dict):
            raise HTTPException(400)
        return body

    def _require(self, request: Request) -> None:
        said = request.headers.get("authorization", "")
        if not hmac.compare_digest(said.encode(), f"Bearer {self._secret}".encode()):
            raise HTTPException(401)


def _told(payment: dict[str, Any]) -> dict[str, str]:
    """Before anything was taken, the amount is what was asked for."""
    amount = payment["taken"] if payment["status"] in {"authorised", "captured"} else payment["amount"]
    names = ("id", "payment_id", "status", "currency")
    return {**{name: payment[name] for name in names}, "amount": amount}


def _now() -> float:
    return time.time()  # noqa: TID251 - another house, with its own clock


def __getattr__(name: str) -> Starlette:
    """`app` is built when the server asks for it: to import this module has no effects."""
    if name != "app":
        raise AttributeError(name)
    app = Starlette(routes=Sandbox(os.environ).routes)
    globals()["app"] = app
    return app
