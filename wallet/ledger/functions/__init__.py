"""The sources of the ledger's functions, in the order in which they are made.

A function that changes its arguments is another function for Postgres: drop the old one in a migration.
"""

from pathlib import Path
from typing import Final

_ORDER = ("foundation", "transfer", "batch", "hold", "reversal", "account", "sealing")
FUNCTIONS: Final = tuple((Path(__file__).parent / f"{name}.sql").read_text() for name in _ORDER)
