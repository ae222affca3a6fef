"""Entrypoint of the operators' surface: `granian --interface asgi node.admin:app`; see `asoud admin`.

Tables are read through connections that cannot write; what an operator does calls a service.
"""

from starlette.applications import Starlette

from node.admin.surface import build_surface
from node.bootstrap.build import build_services
from node.kernel.log import configure_logging
from node.kernel.settings import Settings

__all__ = ["build_surface"]


def __getattr__(name: str) -> Starlette:
    """`app` is built when the server asks for it: to import this module has no effects."""
    if name != "app":
        raise AttributeError(name)
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    app = build_surface(settings, build_services(settings, application_name="asoud-admin"))
    globals()["app"] = app
    return app
