"""Finds the route of a request by the shape of its path, where a router would ask each route of the edge."""

from collections import defaultdict
from collections.abc import Iterable

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from api.routing import EdgeRoute, Shape, shapes_of


class Dispatch:
    """What no route takes whole goes to the router, which knows why: no such path, or no such method."""

    def __init__(self, router: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._router = router
        self._routes: dict[Shape, list[tuple[int, EdgeRoute]]] = defaultdict(list)
        for number, route in enumerate(routes):
            if isinstance(route, EdgeRoute):
                self._routes[route.shape].append((number, route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exact, wider = (self._routes.get(shape, ()) for shape in shapes_of(scope))
            for _, route in sorted((*exact, *wider), key=_number) if exact and wider else exact or wider:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    await route.app(scope, receive, send)
                    return
        await self._router(scope, receive, send)


def _number(numbered: tuple[int, EdgeRoute]) -> int:
    """The router asks in this order."""
    return numbered[0]


class EdgeApp(FastAPI):
    @override
    def build_middleware_stack(self) -> ASGIApp:
        """Without what does nothing here: `RequestContext` is the last resort, routes bound their bodies."""
        app: ASGIApp = Dispatch(self.router, self.routes)
        app = AsyncExitStackMiddleware(app)
        app = ExceptionMiddleware(app, handlers=self.exception_handlers)
        for layer, arguments, options in reversed(self.user_middleware):
            app = layer(app, *arguments, **options)
        return app
