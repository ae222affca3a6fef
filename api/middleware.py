"""The outermost layer, as pure ASGI: request id, access log, metrics, headers, and the last resort."""

import re
import time
from collections.abc import Sequence

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import internal_problem
from api.metrics import REQUESTS, SECONDS
from node.kernel.ids import new_id
from node.kernel.log import get_logger

log = get_logger(__name__)

Header = tuple[bytes, bytes]

_REQUEST_ID = b"x-request-id"
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Set unless the endpoint chose otherwise. The API serves data: a browser that opens it shall run nothing.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TLS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}  # RFC 6797; a year


class RequestContext:
    def __init__(self, app: ASGIApp, *, is_behind_tls: bool) -> None:
        self._app = app
        headers = {**_HEADERS, **_TLS_HEADERS} if is_behind_tls else _HEADERS
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await _Exchange(self._app, scope, send, self._headers, request_id).run(receive)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, app: ASGIApp, scope: Scope, send: Send, headers: Sequence[Header], request_id: str
    ) -> None:
        self._app = app
        self._headers = headers
        self._request_id = request_id
        self._scope = scope
        self._send = send
        self._status = 0
        self._started = time.perf_counter()

    async def run(self, receive: Receive) -> None:
        try:
            await self._app(self._scope, receive, self._forward)
        except Exception:
            log.exception("request_crashed", method=self._scope["method"], route=self._route())
            if self._status:  # the answer is under way: all that is left is to break the connection
                raise
            await internal_problem()(self._scope, receive, self._forward)
        finally:
            self._account()

    async def _forward(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            said = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(header for header in self._headers if header[0] not in said),
                (_REQUEST_ID, self._request_id.encode()),
            ]
        await self._send(message)

    def _route(self) -> str:
        return str(getattr(self._scope.get("route"), "path_format", "(none)"))

    def _account(self) -> None:
        seconds = time.perf_counter() - self._started
        route = self._route()
        method = self._scope["method"] if self._scope["method"] in _METHODS else "(other)"
        REQUESTS.labels(method, route, str(self._status)).inc()
        SECONDS.labels(method, route).observe(seconds)
        log.info(
            "request",
            method=method,
            path=self._scope["path"],
            route=route,
            status=self._status,
            ms=round(seconds * 1000, 1),
        )


def _request_id(scope: Scope) -> str:
    """The caller's own id when it is a sane one, so that traces join up; else a new one."""
    for name, value in scope["headers"]:
        if name == _REQUEST_ID and _SANE_ID.fullmatch(value):
            return str(value.decode())
    return new_id().hex
