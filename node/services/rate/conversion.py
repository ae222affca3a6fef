"""Amounts of one asset in another, exactly, and rounded to the house's side. Pure: no I/O.

Each asset has one price, in the reference currency. So no round of exchanges, through however many assets,
can gain anything: prices cancel out, and spread and rounding only take.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from node.kernel.errors import Bug
from node.kernel.money import BASIS_POINTS, Amount, Asset


@dataclass(frozen=True, slots=True)
class Priced:
    """An asset, and how many whole units of it one unit of the reference currency buys."""

    asset: Asset
    per_reference: Decimal

    @property
    def units(self) -> Fraction:
        """The same in its smallest units."""
        return Fraction(self.per_reference) * Fraction(10**self.asset.exponent)


def bought_for(sold: Amount, source: Priced, target: Priced, *, spread_bps: int) -> Amount:
    """What one gets: less than one unit below the exact amount, never above it."""
    return _converted(sold, source, target.asset, target.units / source.units * _kept(spread_bps), floor)


def sold_for(bought: Amount, source: Priced, target: Priced, *, spread_bps: int) -> Amount:
    """What one gives for it: less than one unit above the exact amount, never below it."""
    return _converted(bought, target, source.asset, source.units / target.units / _kept(spread_bps), ceil)


def _kept(spread_bps: int) -> Fraction:
    return Fraction(BASIS_POINTS - spread_bps, BASIS_POINTS)


def _converted(
    amount: Amount, of: Priced, to: Asset, factor: Fraction, rounded: Callable[[Fraction], int]
) -> Amount:
    if amount.asset != of.asset:
        raise Bug("the price is of another asset", amount=amount.asset.id, price=of.asset.id)
    return Amount(to, rounded(amount.value * factor))
