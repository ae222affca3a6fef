"""Entrypoint of the HTTP application: `granian --interface asgi node.app:app`."""

from fastapi import FastAPI

from api.app import create_app
from api.options import EdgeOptions, networks, origins
from node.bootstrap.build import build_services
from node.kernel.log import configure_logging
from node.kernel.settings import Settings
from node.services.identity import message

__all__ = ["build_app", "create_app"]


def build_app(settings: Settings) -> FastAPI:
    options = EdgeOptions(
        body_bytes_max=settings.body_bytes_max,
        upload_bytes_max=settings.upload_bytes_max,
        threads=settings.database_pool_size,
        trusted_proxies=networks(settings.trusted_proxies),
        reads_per_minute=settings.reads_per_minute,
        writes_per_minute=settings.writes_per_minute,
        uploads_per_minute=settings.uploads_per_minute,
        cors_origins=origins(settings.cors_origins),
        is_behind_tls=settings.public_url.startswith("https://"),
        metrics_host=settings.metrics_host,
        metrics_port=settings.metrics_port,
    )
    return create_app(build_services(settings, application_name="asoud-api"), options)


def __getattr__(name: str) -> FastAPI:
    """`app` is built when the server asks for it: to import this module has no effects."""
    if name != "app":
        raise AttributeError(name)
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    message.parser()  # now, and not in somebody's first sign-in
    app = build_app(settings)
    globals()["app"] = app
    return app
