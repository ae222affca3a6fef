"""Fixtures of tests that talk to the edge."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from structlog._config import BoundLoggerLazyProxy

from tests.dao import BORN_PERIOD_S, SLOWER, Dao, carried, proposed, running_dao
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


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """One JSON object a line, as in production; the pretty tracebacks of the default take seconds each.

    Before each test: a command line that ran in this process has configured logs of its own, and the loggers
    of modules have kept it.
    """
    ours = [module for name, module in sys.modules.items() if name.startswith(("api.", "node.", "indexer."))]
    for module in ours:
        if isinstance(log := vars(module).get("log"), BoundLoggerLazyProxy):
            vars(log).pop("bind", None)
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    )


@pytest.fixture
async def quick_dao(
    fresh_anvil: str, fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> AsyncIterator[Dao]:
    """With the rules of birth; member 5 votes for itself."""
    async with running_dao(fresh_anvil, fresh_database, redis_url, tmp_path) as running:
        await running.delegated(5)
        yield running


@pytest.fixture
async def dao(quick_dao: Dao) -> Dao:
    """Made slow by its first proposal."""
    headers = await quick_dao.sign_in(5)
    slower = await proposed(quick_dao, headers, "No hurry", SLOWER)
    await carried(quick_dao, slower, headers, delay_s=1, period_s=BORN_PERIOD_S)
    return quick_dao
