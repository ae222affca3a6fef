"""The fixture of a whole node."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.whole_node import Node


@pytest.fixture
def node() -> Iterator[Node]:
    root = Path(tempfile.mkdtemp(prefix="asoud-e2e-"))
    root.chmod(0o711)  # the account that Postgres runs under has to pass
    made = Node(root / "data")
    yield made
    made.asoud("down")
    assert made.leftovers() == []
    shutil.rmtree(root)
