"""Each domain error has its answer, each code one meaning, and the page tells all of them."""

import importlib
import pkgutil
from pathlib import Path

import api
import indexer
import node
import wallet
from api.errors import ERRORS, HTTP_TITLES
from api.errors_page import errors_page
from node.kernel.errors import AsoudError, Bug, Refused

ROOT = Path(__file__).parents[2]
BESIDE_THE_API = ("node.app", "node.worker", "node.cli", "node.bootstrap")  # no request comes by these


def load_everything() -> None:
    for package in (api, indexer, node, wallet):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(BESIDE_THE_API):
                importlib.import_module(module.name)


def descendants(base: type[AsoudError]) -> set[type[AsoudError]]:
    ours = ("api", "node", "indexer", "wallet")
    children = {
        child
        for child in base.__subclasses__()
        if child.__module__.startswith(ours) and not child.__module__.startswith(BESIDE_THE_API)
    }
    return children.union(*(descendants(child) for child in children))


def test_every_error_that_a_caller_can_meet_is_mapped() -> None:
    load_everything()
    bugs = descendants(Bug)  # all of them are the one row of `Bug`: callers learn nothing of our insides
    unmapped = descendants(AsoudError) - bugs - set(ERRORS) - {Refused}
    assert not unmapped, f"add a line to api/errors.py for {sorted(e.__qualname__ for e in unmapped)}"


def test_a_code_has_one_meaning() -> None:
    codes = [row.code for row in set(ERRORS.values())] + [code for code, _ in HTTP_TITLES.values()]
    assert len(codes) == len(set(codes))


def test_refusals_are_4xx_and_the_rest_5xx() -> None:
    """429 is both: nothing is wrong with the request, and it is the caller who has to wait."""
    wrong = [
        error
        for error, row in ERRORS.items()
        if row.status != 429 and issubclass(error, Refused) is not (400 <= row.status < 500)
    ]
    assert not wrong


def test_the_page_is_written_from_the_table() -> None:
    assert (ROOT / "docs/errors.md").read_text() == errors_page(), "run scripts/docs"
