"""The ASGI application from its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import errors, openapi
from api.cors import cors_of
from api.dispatch import EdgeApp
from api.encoding import Compressed
from api.metrics_port import metrics_port
from api.middleware import RequestContext
from api.options import EdgeOptions
from api.permissions import PERMISSIONS
from api.routers import ROUTERS
from api.routing import EdgeRoute
from node.kernel.errors import Bug
from node.services.container import Services

VERSION = "0.1.0"


def create_app(services: Services, options: EdgeOptions | None = None) -> FastAPI:
    options = options or EdgeOptions()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        here: Services = app.state.services
        # A thread without a connection would only wait for one.
        anyio.to_thread.current_default_thread_limiter().total_tokens = options.threads
        with metrics_port(here, options):
            async with here.queries, here.statements:
                yield
        await here.aclose()

    app = EdgeApp(
        title="ASOUD node",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    app.state.options = options
    app.state.permissions = PERMISSIONS
    # The last one is the outermost.
    app.add_middleware(Compressed)
    if options.cors_origins:
        app.add_middleware(CORSMiddleware, **cors_of(options))
    app.add_middleware(RequestContext, is_behind_tls=options.is_behind_tls)
    errors.install(app)
    openapi.install(app)
    # Not included: that makes each route a second time, and has a request ask each router twice.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    _require_permissions()
    return app


def _require_permissions() -> None:
    """A node with an operation that nobody judged does not start."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, EdgeRoute)]
    operations = {f"{method} {route.path_format}" for route in routes for method in route.methods or ()}
    missing, idle = sorted(operations - PERMISSIONS.keys()), sorted(PERMISSIONS.keys() - operations)
    if missing or idle:
        raise Bug(f"api/permissions.py lacks {missing}, and has rows for nothing: {idle}")
