"""Who gets what of a payment. Pure: ints in, ints out, and no unit made or lost.

What is paid is goods, tax and shipping. A part of it is drawn from these three in proportion; of the goods'
share the platform takes its commission, rounded down, and the market has the rest: the dust is the market's.
A refund draws from what was paid out in the same way, so the dust of a refund is the market's as well.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from node.kernel.errors import Bug
from node.kernel.money import BASIS_POINTS


@dataclass(frozen=True, slots=True)
class Charge:
    """What a payment is for. `goods` comes first: it takes the dust of a part."""

    goods: int
    tax: int = 0
    shipping: int = 0

    @property
    def total(self) -> int:
        return self.goods + self.tax + self.shipping


@dataclass(frozen=True, slots=True)
class Parts:
    """Who gets it. `shipping` is the market's as well, free of commission."""

    market: int = 0
    commission: int = 0
    tax: int = 0
    shipping: int = 0

    @property
    def total(self) -> int:
        return self.market + self.commission + self.tax + self.shipping

    @property
    def to_market(self) -> int:
        return self.market + self.shipping

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Parts") -> "Parts":
        return Parts(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def draw(pots: Sequence[int], amount: int) -> tuple[int, ...]:
    """`amount` out of the pots, from each in proportion and rounded down; the dust from the first that has.

    Drawing all that is left empties each pot exactly, however it was drawn before.
    """
    total = sum(pots)
    if any(pot < 0 for pot in pots) or not 0 <= amount <= total:
        raise Bug("no more is drawn than there is", amount=str(amount), total=str(total))
    if total == 0:
        return tuple(pots)
    drawn = [pot * amount // total for pot in pots]
    dust = amount - sum(drawn)
    for place, pot in enumerate(pots):
        more = min(dust, pot - drawn[place])
        drawn[place] += more
        dust -= more
    return tuple(drawn)


def settled(left: Charge, amount: int, *, commission_bps: int) -> tuple[Parts, Charge]:
    """How `amount` of what is left is paid out, and what is left then."""
    goods, tax, shipping = draw((left.goods, left.tax, left.shipping), amount)
    commission = goods * commission_bps // BASIS_POINTS
    parts = Parts(market=goods - commission, commission=commission, tax=tax, shipping=shipping)
    return parts, Charge(left.goods - goods, left.tax - tax, left.shipping - shipping)


def clawed_back(paid: Parts, amount: int) -> Parts:
    """Who gives how much of `amount` back, of what each was paid and still has."""
    return Parts(*draw((paid.market, paid.commission, paid.tax, paid.shipping), amount))
