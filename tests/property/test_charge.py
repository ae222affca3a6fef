"""Tax is rounded as promised, and what an order is made up of is what is paid, whoever gets it."""

from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from node.kernel.money import BASIS_POINTS
from node.kernel.tax import TaxClass, tax_upon, tax_within
from node.services.charge.pricing import Charged, Tariff, TaxRule, charged
from node.services.payment.split import Charge, Parts, clawed_back, draw, settled

AMOUNTS = st.one_of(st.integers(0, 300), st.integers(0, 2**128))
RATES = st.integers(0, BASIS_POINTS)
LOWER = st.none() | RATES
RULES = st.builds(
    TaxRule,
    name=st.just("KDV"),
    is_included=st.booleans(),
    standard_bps=RATES,
    reduced_bps=LOWER,
    super_reduced_bps=LOWER,
)
TARIFFS = st.builds(
    Tariff, price=AMOUNTS, further=AMOUNTS, free_from=st.none() | AMOUNTS, is_taxed=st.booleans()
)
CHARGED = st.builds(
    charged,
    price=AMOUNTS.filter(bool),
    units=st.integers(1, 50),
    tax_class=st.sampled_from(TaxClass),
    rule=st.none() | RULES,
    country=st.just("TR"),
    tariff=TARIFFS,
)
STEPS = st.lists(
    st.tuples(st.sampled_from(("settle", "give_back", "refund")), st.integers(0, 1_000)), max_size=9
)


@given(AMOUNTS, RATES)
def test_tax_is_rounded_half_up(listed: int, bps: int) -> None:
    upon, within = tax_upon(listed, bps=bps), tax_within(listed, bps=bps)
    whole = BASIS_POINTS + bps
    # Less than half a unit too little, or at most half a unit too much.
    assert -BASIS_POINTS <= 2 * (listed * bps - upon * BASIS_POINTS) < BASIS_POINTS
    assert -whole <= 2 * (listed * bps - within * whole) < whole
    assert 0 <= within <= listed
    if bps:  # a price with its tax is split into just the two again
        assert tax_within(listed + upon, bps=bps) == upon


@given(
    price=AMOUNTS.filter(bool),
    units=st.integers(1, 50),
    tax_class=st.sampled_from(TaxClass),
    rule=RULES,
    tariff=TARIFFS,
)
def test_an_order_is_made_up_of_its_lines(
    price: int, units: int, tax_class: TaxClass, rule: TaxRule, tariff: Tariff
) -> None:
    found = charged(price=price, units=units, tax_class=tax_class, rule=rule, country="TR", tariff=tariff)
    goods, shipping = price * units, tariff.listed(goods=price * units, units=units)
    goods_tax = found.tax - found.shipping_tax
    if rule.is_included:
        assert (found.goods + goods_tax, found.shipping + found.shipping_tax) == (goods, shipping)
        assert found.total == goods + shipping
    else:
        assert (found.goods, found.shipping) == (goods, shipping)
        assert found.total == goods + shipping + found.tax
    assert min(found.goods, goods_tax, found.shipping, found.shipping_tax) >= 0
    assert tax_class is not TaxClass.ZERO or goods_tax == 0
    assert tariff.is_taxed or found.shipping_tax == 0
    assert tariff.free_from is None or goods < tariff.free_from or shipping == 0


@given(CHARGED, RATES, STEPS)
def test_what_an_order_costs_is_paid_out_and_comes_back_to_the_unit(
    found: Charged, commission_bps: int, steps: list[tuple[str, int]]
) -> None:
    """As payments do it, in any order of steps: held, paid out, given back, refunded."""
    left, paid, returned = Charge(found.goods, found.tax, found.shipping), Parts(), 0
    for kind, share in [*steps, ("settle", 1_000)]:
        amount = (paid.total if kind == "refund" else left.total) * share // 1_000
        if kind == "settle":
            parts, left = settled(left, amount, commission_bps=commission_bps)
            paid += parts
        elif kind == "give_back":
            goods, tax, shipping = draw((left.goods, left.tax, left.shipping), amount)
            left = Charge(left.goods - goods, left.tax - tax, left.shipping - shipping)
            returned += amount
        else:
            paid -= clawed_back(paid, amount)
            returned += amount
        assert left.total + paid.total + returned == found.total
        assert min(*astuple(left), *astuple(paid)) >= 0
        assert paid.tax <= found.tax
        assert paid.shipping <= found.shipping
    if not returned:
        assert (paid.tax, paid.shipping) == (found.tax, found.shipping)
    paid -= clawed_back(paid, paid.total)
    assert paid == Parts()
