"""`docs/roles.md`, from the table."""

from api.permissions import PERMISSIONS, Who
from node.services.identity.scopes import OF_MARKETS, Scope

_HEAD = """\
# Who may do what

Written by `scripts/docs` from `api/permissions.py`, which the edge enforces. What the words mean is in
[identity.md](identity.md#roles). A key needs the scope; where there is none, only a signed-in person does it.

| operation | who | scope of a key |
|---|---|---|
"""
_SCOPES = """
## Scopes

Those marked with a star can be narrowed to one market: `orders.read:<market id>`.

"""


def permissions_page() -> str:
    rows = "".join(
        f"| `{operation}` | {', '.join(who.value for who in Who if who in row.who)} |"
        f" {f'`{row.scope.value}`' if row.scope else ''} |\n"
        for operation, row in PERMISSIONS.items()
    )
    scopes = "".join(f"- `{scope.value}`{' *' if scope in OF_MARKETS else ''}\n" for scope in Scope)
    return _HEAD + rows + _SCOPES + scopes
