"""Routes of the edge: queries, commands and effects.

`edge_router` makes routers whose plain `def` endpoints may take one of

- `tx: CommandTx`: the endpoint runs in one transaction. Its answer is made before the commit, so a COMMIT
  that fails is a problem and never a 200. What `Refused` stops leaves nothing behind.
- `begin: EffectTx`: for a call to the chain or a gateway in the middle. The endpoint opens its own short
  transactions with `with begin() as tx`: commit the intent, call, commit the outcome.

An `async def` may take `statements: AtOnce` instead: its command is one call of a SQL function, which may be
repeated by its nature, so that `Idempotency-Key` has nothing to add. The shortest way there is.

The transaction opens in the endpoint's thread after all dependencies are solved: a dependency may wait for
the network, and holds no connection while it does. Both kinds honour `Idempotency-Key`.
"""

import asyncio
import functools
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from enum import Enum
from typing import Annotated, Any, TypeVar, get_type_hints

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from api.access import admit, principal_of, services_of
from api.commands import Begin, Call, CommandCall, EffectCall
from api.edge_errors import IdempotencyKeyAnonymous, IdempotencyKeyMalformed
from api.options import EdgeOptions
from api.plans import Handler, handler_of
from api.rates import POLICY, RateClass, count, is_counted, policy_of
from node.kernel.db.idempotency import Claim
from node.kernel.db.query_pool import StatementPool
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.services.identity.tokens import Principal

KEY_HEADER = "Idempotency-Key"
KEY_CHARS_MAX = 255
ERRORS_MAX = 20  # of one problem
UPLOAD_OVERHEAD = 64 * 2**10  # boundaries, part headers and form fields beside the file

DEPTH_MAX = 20
TOO_DEEP = f"at most {DEPTH_MAX} objects and lists lie within each other here"
NO_TEXT = "A text holds a character that is none (NUL, or half of a surrogate pair)"
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Shape = tuple[str, int]

_BODY_HASH = "asoud.body_hash"
_NEVER_STORED = "__asoud_never_stored__"
_UPLOAD = "__asoud_upload__"
_SHAPES = "asoud.shapes"
_WITHIN = "__asoud_within__"


class Kind(Enum):
    QUERY = "query"
    COMMAND = "command"
    EFFECT = "effect"


async def _command(request: Request) -> CommandCall:
    services = services_of(request)
    return CommandCall(services.database, services.clock, _claim(request))


async def _effect(request: Request) -> EffectCall:
    services = services_of(request)
    return EffectCall(services.database, services.clock, _claim(request))


# The dependency gives a `Call`; the route swaps it for what the annotation says when the endpoint runs.
CommandTx = Annotated[Tx, Depends(_command)]
EffectTx = Annotated[Begin, Depends(_effect)]


async def _statements(request: Request) -> StatementPool:
    return services_of(request).statements


AtOnce = Annotated[StatementPool, Depends(_statements)]

_KINDS: dict[Any, Kind] = {_command: Kind.COMMAND, _effect: Kind.EFFECT, _statements: Kind.COMMAND}


def never_stored(endpoint: Endpoint) -> Endpoint:
    """Below the route decorator: for answers that carry a token or a key, and commands that change nothing.

    `Idempotency-Key` has no effect then.
    """
    setattr(endpoint, _NEVER_STORED, True)
    return endpoint


def upload(endpoint: Endpoint) -> Endpoint:
    """Below the route decorator: the body may be as large as a file of the content store."""
    setattr(endpoint, _UPLOAD, True)
    return endpoint


class EdgeRoute(APIRoute):
    kind: Kind
    stores_answer: bool

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        if ":path}" in path:
            raise Bug("a parameter of the edge takes no slash", path=path)
        parameter, self.kind = _call_parameter(endpoint)
        is_at_once = parameter is not None and get_type_hints(endpoint)[parameter] is StatementPool
        self.stores_answer = not (
            is_at_once or self.kind is Kind.QUERY or getattr(endpoint, _NEVER_STORED, False)
        )
        if parameter is not None and not is_at_once:
            if inspect.iscoroutinefunction(endpoint):
                raise Bug("a command is a plain def", endpoint=endpoint.__qualname__)
            endpoint = _within(
                endpoint,
                parameter,
                adapter=_adapter(endpoint, options.get("response_model")),
                status=int(options.get("status_code") or 200),
            )
        super().__init__(path, endpoint, **options)
        self.shape = _shape(self.path_format)
        if self._plan() is not None:
            self.app = _answering(self.get_route_handler())

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Passes a path of another shape over: what no route takes whole asks them all, one by one."""
        return super().matches(scope) if self.shape in shapes_of(scope) else (Match.NONE, {})

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = self._plan() or super().get_route_handler()
        is_upload = bool(getattr(self.endpoint, _UPLOAD, False))
        known = _query_names(self.dependant)
        rate = self.rate

        async def admitted(request: Request) -> Response:
            try:
                await admit(request, f"{request.method} {self.path_format}")
            finally:  # whoever is not let through is counted as well
                if rate is not None:
                    await count(request, rate)
            response = await bounded(request)
            if rate is not None:
                response.headers[POLICY] = policy_of(rate, request.app.state.options)
            return response

        async def bounded(request: Request) -> Response:
            _refuse_unknown_query(request, known)
            if not all(map(is_text, (*request.path_params.values(), *request.query_params.values()))):
                raise HTTPException(400, NO_TEXT)
            return await handler(_bounded(request, is_upload=is_upload))

        return admitted

    def _plan(self) -> Handler | None:
        needs_nothing_else = self.body_field is None and _gives_response(self.endpoint)
        return handler_of(self.dependant) if needs_nothing_else else None

    @property
    def rate(self) -> RateClass | None:
        """The class in which the route's requests are counted; None for those that are not."""
        if not is_counted(self.endpoint):
            return None
        if getattr(self.endpoint, _UPLOAD, False):
            return RateClass.UPLOAD
        return RateClass.READ if self.kind is Kind.QUERY else RateClass.WRITE


def shapes_of(scope: Scope) -> tuple[Shape, Shape]:
    """Of routes that may take the request."""
    shapes: tuple[Shape, Shape] | None = scope.get(_SHAPES)
    if shapes is None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        shapes = scope[_SHAPES] = (_shape(path), _shape(path, words=1))
    return shapes


def _answering(handler: Handler) -> ASGIApp:
    """Whoever called it makes problems of what is raised."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def _gives_response(endpoint: Callable[..., Any]) -> bool:
    returned = Response if hasattr(endpoint, _WITHIN) else get_type_hints(endpoint).get("return")
    return isinstance(returned, type) and issubclass(returned, Response)


def _shape(path: str, *, words: int = 2) -> Shape:
    """The first words and the number of all; of a route's path those alone that no parameter stands for."""
    opening = "/".join(path.split("/", words + 1)[: words + 1])
    if "{" in opening and words > 1:
        return _shape(path, words=words - 1)
    return opening, path.count("/")


def edge_router(tag: str, *, prefix: str = "") -> APIRouter:
    """A router of the edge. The prefix is the whole path (`/v1/markets`): the application adds none."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=EdgeRoute)


def _call_parameter(endpoint: Callable[..., Any]) -> tuple[str | None, Kind]:
    for name, hint in get_type_hints(endpoint, include_extras=True).items():
        for mark in getattr(hint, "__metadata__", ()):
            kind = _KINDS.get(getattr(mark, "dependency", None))
            if kind is not None:
                return name, kind
    return None, Kind.QUERY


def _adapter(endpoint: Callable[..., Any], response_model: object) -> TypeAdapter[Any] | None:
    returned = get_type_hints(endpoint).get("return")
    model = response_model if isinstance(response_model, type) else returned
    if model is None or model is type(None) or (isinstance(model, type) and issubclass(model, Response)):
        return None
    return TypeAdapter(model)


def _within(
    endpoint: Callable[..., Any], parameter: str, *, adapter: TypeAdapter[Any] | None, status: int
) -> Callable[..., Response]:
    @functools.wraps(endpoint)
    def run(**arguments: Any) -> Response:  # noqa: ANN401 - whatever the endpoint takes
        call: Call = arguments[parameter]
        assert isinstance(call, (CommandCall, EffectCall))

        def answered(opened: Any) -> Response:  # noqa: ANN401 - a Tx or a Begin, by the kind of call
            value = endpoint(**{**arguments, parameter: opened})
            return _answer(value, adapter, status, arguments)

        return call.run(answered)

    setattr(run, _WITHIN, True)
    return run


def _answer(
    value: object, adapter: TypeAdapter[Any] | None, status: int, arguments: dict[str, Any]
) -> Response:
    if isinstance(value, Response):
        return value
    body = b"" if adapter is None else adapter.dump_json(adapter.validate_python(value), by_alias=True)
    answer = Response(body, status, media_type="application/json" if body else None)
    for argument in arguments.values():  # an endpoint that takes `response: Response` sets headers there
        if type(argument) is Response:
            answer.headers.raw.extend(argument.headers.raw)
    return answer


def _claim(request: Request) -> Claim | None:
    key = request.headers.get(KEY_HEADER)
    route = request.scope["route"]
    if key is None or not (isinstance(route, EdgeRoute) and route.stores_answer):
        return None
    if not 1 <= len(key) <= KEY_CHARS_MAX or not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyMalformed(f"a key is 1 to {KEY_CHARS_MAX} printable ASCII characters")
    principal = principal_of(request)
    if principal is None:
        raise IdempotencyKeyAnonymous("sign in, or leave the key out")
    fingerprint = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        fingerprint.update(part.encode() + b"\n")
    fingerprint.update(request.scope[_BODY_HASH].digest())
    return Claim(
        principal=_claimant(principal),
        route=f"{request.method} {route.path_format}",
        key=key,
        fingerprint=fingerprint.digest(),
    )


def _claimant(principal: Principal) -> str:
    """A key may do less than its account, so it is not told what was answered to others."""
    return f"key:{principal.session_id}" if principal.is_key else f"account:{principal.account_id}"


class _EdgeRequest(Request):
    """Its JSON is that of RFC 8259, and its strings are texts that Postgres can hold."""

    @override
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = (await self.body()).decode()
            try:
                parsed = json.loads(body, parse_constant=_no_number)
            except RecursionError:
                raise HTTPException(400, TOO_DEEP) from None
            if body.count("[") + body.count("{") > DEPTH_MAX and _is_deeper(parsed, DEPTH_MAX):
                raise HTTPException(400, TOO_DEEP)
            if "\\u" in body and not all(map(is_text, _strings(parsed))):
                raise HTTPException(400, NO_TEXT)
            self._json = parsed
        return self._json


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_deeper(value: object, depth: int) -> bool:
    if not isinstance(value, (list, dict)):
        return False
    return depth == 0 or any(
        _is_deeper(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value)
    )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _strings(item)


def is_text(value: object) -> bool:
    """Neither NUL nor half of a surrogate pair: JSON and URLs can spell both, UTF-8 in Postgres neither."""
    return not isinstance(value, str) or not _NO_TEXT.search(value)


def _query_names(dependant: Dependant) -> frozenset[str]:
    own = {field.alias for field in dependant.query_params}
    return frozenset(own.union(*(_query_names(child) for child in dependant.dependencies)))


def _refuse_unknown_query(request: Request, known: frozenset[str]) -> None:
    """A filter with a typing error would otherwise answer with everything."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(
            [
                {"type": "extra_forbidden", "loc": ("query", name), "msg": "There is no such parameter"}
                for name in unknown[:ERRORS_MAX]
            ]
        )


def _bounded(request: Request, *, is_upload: bool) -> Request:
    """Counts and hashes the body while it comes in; refuses what is too large before it is kept."""
    options: EdgeOptions = request.app.state.options
    limit = options.upload_bytes_max + UPLOAD_OVERHEAD if is_upload else options.body_bytes_max
    seconds = options.upload_seconds_max if is_upload else options.body_seconds_max
    too_large = HTTPException(413, f"at most {limit} bytes are read here", headers={"Connection": "close"})
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise too_large
    too_slow = HTTPException(408, f"a body comes in within {seconds:g} s", headers={"Connection": "close"})
    deadline = asyncio.get_running_loop().time() + seconds
    body_hash = hashlib.sha256()
    request.scope[_BODY_HASH] = body_hash
    received = 0

    async def receive() -> Message:
        nonlocal received
        try:
            async with asyncio.timeout_at(deadline):
                message = await request.receive()
        except TimeoutError:
            raise too_slow from None
        chunk = message.get("body", b"")
        received += len(chunk)
        if received > limit:
            raise too_large
        body_hash.update(chunk)
        return message

    return _EdgeRequest(request.scope, receive)
