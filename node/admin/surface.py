"""The operators' surface from its parts."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import create_engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette_admin.contrib.sqla import Admin

from node.admin.operators import Operators
from node.admin.tables import TABLES
from node.kernel.db.unit_of_work import sqlalchemy_url
from node.kernel.settings import Settings
from node.services.container import Services

TIMEOUT_MS = 10_000  # of one read: operators look at whole tables
SESSION_S = 3600


def build_surface(settings: Settings, services: Services) -> Starlette:
    """Cookies are signed with a secret of this process: whoever starts it anew signs everybody out."""
    reading = create_engine(
        sqlalchemy_url(settings.database_url.get_secret_value()),
        pool_size=2,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            "application_name": "asoud-admin",
            "options": f"-c default_transaction_read_only=on -c statement_timeout={TIMEOUT_MS}",
        },
    )
    secret = secrets.token_hex(32)
    session = Middleware(
        SessionMiddleware,
        secret_key=secret,
        session_cookie="asoud_admin",
        max_age=SESSION_S,
        same_site="strict",
    )
    admin = Admin(
        reading,
        title="ASOUD operators",
        base_url="/admin",
        auth_provider=Operators(services),
        secret_key=secret,
        middlewares=[session],
    )
    for view, model, label in TABLES:
        bound = type(view.__name__, (view,), {"services": services})
        admin.add_view(bound(model, key=model.__tablename__, menu_label=label, display_name=label))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        reading.dispose()

    app = Starlette(lifespan=lifespan)
    admin.mount_to(app)
    return app
