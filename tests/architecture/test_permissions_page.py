"""The page of roles is that of the table."""

from pathlib import Path

from api.permissions_page import permissions_page

ROOT = Path(__file__).parents[2]


def test_the_page_is_written_from_the_table() -> None:
    assert (ROOT / "docs/roles.md").read_text() == permissions_page(), "run scripts/docs"
