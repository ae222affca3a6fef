from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.suite import Suite, deployed


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
