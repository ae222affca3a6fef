"""Fixtures of tests that talk to the edge."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from tests.edge import Edge, edge_settings, running_edge
from tests.stack import DatabaseUrls


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def edge(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> AsyncIterator[Edge]:
    """The application on a database of this test's own."""
    settings = edge_settings(tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url=anvil)
    async with running_edge(settings) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """One JSON object a line, as in production; the pretty tracebacks of the default take seconds each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    )
