"""Writes what is made from code: pages of settings, errors and roles, and pictures of nodes and payments."""

import re
from pathlib import Path

from api.errors_page import errors_page
from api.permissions_page import permissions_page
from node.bootstrap.settings_page import settings_page
from node.services.payment.states import diagram
from scripts.architecture_svg import architecture_svg

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    (DOCS / "settings.md").write_text(settings_page())
    (DOCS / "errors.md").write_text(errors_page())
    (DOCS / "roles.md").write_text(permissions_page())
    (DOCS / "architecture.svg").write_text(architecture_svg())
    payments = DOCS / "payments.md"
    payments.write_text(with_block(payments.read_text(), "states", f"```mermaid\n{diagram()}\n```"))


def with_block(page: str, name: str, block: str) -> str:
    """The page with what stands between its marks of that name replaced."""
    marks = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert marks.search(page), f"the page has no marks {name}"
    return marks.sub(lambda found: f"{found[1]}{block}\n{found[2]}", page, count=1)


if __name__ == "__main__":
    main()
