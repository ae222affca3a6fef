from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chain.bazaar import Bazaar, running_bazaar
from tests.chain.suite import Suite, deployed
from tests.stack import DatabaseUrls


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def suite(anvil: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The contracts on a chain that the tests of one module share; each uses people and salts of its own."""
    with deployed(anvil, tmp_path_factory.mktemp("node")) as found:
        yield found


@pytest.fixture
def fresh_suite(fresh_anvil: str, tmp_path: Path) -> Iterator[Suite]:
    """A chain and contracts of this test's own, for tests that move time or the rules."""
    with deployed(fresh_anvil, tmp_path) as found:
        yield found


@pytest.fixture
async def bazaar(
    fresh_suite: Suite, fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> AsyncIterator[Bazaar]:
    async with running_bazaar(fresh_suite, fresh_database, redis_url, tmp_path) as running:
        yield running
