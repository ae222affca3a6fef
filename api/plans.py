"""How the arguments of an endpoint are found, where nothing but the request is needed for them.

FastAPI finds out at each request anew what each dependency is, and opens stacks for what has to be closed
after it. Most of our endpoints take no body and depend on plain coroutines alone: for them a plan is made
once, when the node starts. Parameters are read by the functions of FastAPI, so both ways refuse the same.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]

# What a plan does not know how to give.
_ELSE: Final = (
    *("body_params", "websocket_param_name", "http_connection_param_name", "response_param_name"),
    *("background_tasks_param_name", "security_scopes_param_name", "concurrency"),
)


class _Plan:
    """Of an endpoint or of a dependency."""

    def __init__(self, dependant: Dependant) -> None:
        self._dependencies = [(child.name, child.call, _Plan(child)) for child in dependant.dependencies]
        self._request_name = dependant.request_param_name
        self._fields = [
            (fields, where)
            for fields, where in (
                (dependant.path_params, "path_params"),
                (dependant.query_params, "query_params"),
                (dependant.header_params, "headers"),
                (dependant.cookie_params, "cookies"),
            )
            if fields
        ]

    async def solve(self, request: Request, errors: list[Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, call, plan in self._dependencies:
            errors_before = len(errors)
            arguments = await plan.solve(request, errors)
            if len(errors) > errors_before:
                continue
            assert call is not None  # FastAPI has it null for routes that are being made
            value = await call(**arguments)
            if name is not None:
                values[name] = value
        for fields, where in self._fields:
            found, wrong = request_params_to_args(fields, getattr(request, where))
            values.update(found)
            errors += wrong
        if self._request_name is not None:
            values[self._request_name] = request
        return values


def handler_of(dependant: Dependant) -> Handler | None:
    """Runs the endpoint, which has to return a Response; None when FastAPI is needed for it."""
    endpoint = dependant.call
    if endpoint is None or not _is_plain(dependant):
        return None
    plan, is_async = _Plan(dependant), inspect.iscoroutinefunction(endpoint)

    async def handle(request: Request) -> Response:
        errors: list[Any] = []
        values = await plan.solve(request, errors)
        if errors:
            raise RequestValidationError(errors)
        answer = endpoint(**values) if is_async else run_in_threadpool(endpoint, **values)
        response: Response = await answer
        return response

    return handle


def _is_plain(dependant: Dependant) -> bool:
    return not any(getattr(dependant, name) for name in _ELSE) and all(
        inspect.iscoroutinefunction(child.call) and _is_plain(child) for child in dependant.dependencies
    )
