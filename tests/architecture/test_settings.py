"""docs/settings.md is what the code says; `scripts/docs` writes it."""

from pathlib import Path

from node.bootstrap.settings_page import settings_page
from node.kernel.settings import Settings

PAGE = Path(__file__).parents[2] / "docs/settings.md"


def test_every_setting_has_words() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == settings_page(), "run scripts/docs"
