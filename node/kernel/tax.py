"""Tax within a price and upon one, in the smallest unit, rounded half up.

Invariant: what a price without tax becomes with it is split into just the two again.
"""

import enum

from node.kernel.money import BASIS_POINTS


class TaxClass(enum.StrEnum):
    """What a product is to a tax law. Countries know a standard rate, and up to two lower ones."""

    STANDARD = "standard"
    REDUCED = "reduced"
    SUPER_REDUCED = "super_reduced"
    ZERO = "zero"


def tax_upon(net: int, *, bps: int) -> int:
    """What is added to a price without tax."""
    return (2 * net * bps + BASIS_POINTS) // (2 * BASIS_POINTS)


def tax_within(gross: int, *, bps: int) -> int:
    """What of a price with tax is tax."""
    whole = BASIS_POINTS + bps
    return (2 * gross * bps + whole) // (2 * whole)
