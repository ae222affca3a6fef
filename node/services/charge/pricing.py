"""What an order costs, and of what: goods, shipping, and the tax on each. Pure.

Each of the two lines is rounded by itself, half up. Invariant: `goods + shipping + tax` is all that is paid;
where prices include tax the buyer pays what they say, else the tax comes upon them.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from node.kernel.tax import TaxClass, tax_upon, tax_within


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRule:
    """A market's taxes in one country. A lower rate that is None is the standard one."""

    name: str
    is_included: bool
    standard_bps: int
    reduced_bps: int | None = None
    super_reduced_bps: int | None = None

    def rate(self, tax_class: TaxClass) -> int:
        lower = {
            TaxClass.STANDARD: self.standard_bps,
            TaxClass.REDUCED: self.reduced_bps,
            TaxClass.SUPER_REDUCED: self.super_reduced_bps,
            TaxClass.ZERO: 0,
        }[tax_class]
        return self.standard_bps if lower is None else lower


NO_TAX: Final = TaxRule(name="", is_included=False, standard_bps=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a way of shipping costs: `further` for each unit but the first; nothing from `free_from` on."""

    price: int
    further: int = 0
    free_from: int | None = None
    is_taxed: bool = True

    def listed(self, *, goods: int, units: int) -> int:
        """For goods that cost so much by their listed price."""
        if self.free_from is not None and goods >= self.free_from:
            return 0
        return self.price + self.further * (units - 1)


FREE: Final = Tariff(price=0, is_taxed=False)


@dataclass(frozen=True, slots=True)
class Line:
    net: int
    tax: int
    bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What is paid: `goods` and `shipping` without tax, and `tax` on both, of which `shipping_tax`."""

    goods: int
    shipping: int
    tax: int
    shipping_tax: int
    tax_name: str | None
    tax_bps: int
    shipping_tax_bps: int
    tax_included: bool
    country: str | None
    shipping_method_id: uuid.UUID | None
    shipping_name: str | None

    @property
    def total(self) -> int:
        return self.goods + self.shipping + self.tax


def taxed(listed: int, *, bps: int, is_included: bool) -> Line:
    tax = tax_within(listed, bps=bps) if is_included else tax_upon(listed, bps=bps)
    return Line(listed - tax if is_included else listed, tax, bps)


def charged(
    *,
    price: int,
    units: int,
    tax_class: TaxClass,
    rule: TaxRule | None,
    country: str | None,
    tariff: Tariff = FREE,
    method: tuple[uuid.UUID, str] | None = None,
) -> Charged:
    """`method` is the id and the name of what `tariff` is of."""
    found = rule or NO_TAX
    listed = price * units
    goods = taxed(listed, bps=found.rate(tax_class), is_included=found.is_included)
    shipping = taxed(
        tariff.listed(goods=listed, units=units),
        bps=found.standard_bps if tariff.is_taxed else 0,
        is_included=found.is_included,
    )
    return Charged(
        goods=goods.net,
        shipping=shipping.net,
        tax=goods.tax + shipping.tax,
        shipping_tax=shipping.tax,
        tax_name=None if rule is None else rule.name,
        tax_bps=goods.bps,
        shipping_tax_bps=shipping.bps,
        tax_included=found.is_included,
        country=country,
        shipping_method_id=method and method[0],
        shipping_name=method and method[1],
    )


def serves(countries: Collection[str] | None, country: str) -> bool:
    """None is everywhere."""
    return countries is None or country in countries
