"""Writes what is made from code: the pages of settings, errors and roles, and the picture of a node."""

from pathlib import Path

from api.errors_page import errors_page
from api.permissions_page import permissions_page
from node.bootstrap.settings_page import settings_page
from scripts.architecture_svg import architecture_svg

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    (DOCS / "settings.md").write_text(settings_page())
    (DOCS / "errors.md").write_text(errors_page())
    (DOCS / "roles.md").write_text(permissions_page())
    (DOCS / "architecture.svg").write_text(architecture_svg())


if __name__ == "__main__":
    main()
