"""Exchanges are rounded to the house's side by less than a unit, and no round of them gains anything."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from node.kernel.currencies import fiat_asset
from node.kernel.money import Amount, Asset, native_asset
from node.services.rate.conversion import Priced, bought_for, sold_for

ASSETS = (fiat_asset("USD"), fiat_asset("KWD"), fiat_asset("JPY"), fiat_asset("IRR"), native_asset(1))
PRICES = st.decimals("1e-12", "1e12", allow_nan=False, allow_infinity=False).filter(lambda price: price > 0)
SPREADS = st.integers(0, 5_000)
VALUES = st.integers(1, 10**30)


def priced(asset: Asset) -> st.SearchStrategy[Priced]:
    return st.builds(Priced, st.just(asset), PRICES)


MARKETS = st.tuples(*(priced(asset) for asset in ASSETS))
PAIRS = st.tuples(st.integers(0, len(ASSETS) - 1), st.integers(0, len(ASSETS) - 1)).filter(
    lambda pair: pair[0] != pair[1]
)


def exact(amount: Amount, source: Priced, target: Priced, spread_bps: int) -> Fraction:
    worth = Fraction(amount.value, 10**source.asset.exponent) / Fraction(source.per_reference)
    units = worth * Fraction(target.per_reference) * 10**target.asset.exponent
    return units * (10_000 - spread_bps) / 10_000


@given(MARKETS, PAIRS, VALUES, SPREADS)
def test_less_than_a_unit_is_rounded_and_never_to_the_callers_side(
    market: tuple[Priced, ...], pair: tuple[int, int], value: int, spread_bps: int
) -> None:
    source, target = (market[index] for index in pair)
    bought = bought_for(Amount(source.asset, value), source, target, spread_bps=spread_bps)
    assert 0 <= exact(Amount(source.asset, value), source, target, spread_bps) - bought.value < 1
    wanted = Amount(target.asset, value)
    sold = sold_for(wanted, source, target, spread_bps=spread_bps)
    assert exact(sold, source, target, spread_bps) >= value
    assert exact(Amount(sold.asset, sold.value - 1), source, target, spread_bps) < value


@given(
    MARKETS,
    st.lists(st.tuples(st.integers(0, len(ASSETS) - 1), st.booleans()), min_size=1, max_size=12),
    VALUES,
    SPREADS,
)
def test_no_sequence_of_exchanges_makes_money(
    market: tuple[Priced, ...], way: list[tuple[int, bool]], value: int, spread_bps: int
) -> None:
    """From asset to asset, by what is sold or by what is bought, and back to the first."""
    held, now = Amount(market[0].asset, value), market[0]
    for index, by_bought in [*way, (0, False)]:
        target = market[index]
        if target is now:
            continue
        bought = bought_for(held, now, target, spread_bps=spread_bps)
        if by_bought and bought.value:
            paid = sold_for(bought, now, target, spread_bps=spread_bps)
            assert paid <= held
        held, now = bought, target
    assert held.value <= value


def test_an_example_by_hand() -> None:
    dollar, dinar = Priced(ASSETS[0], Decimal(1)), Priced(ASSETS[1], Decimal("0.307"))
    assert bought_for(Amount(ASSETS[0], 1_000), dollar, dinar, spread_bps=100).value == 3_039  # 3.0393 KWD
    assert sold_for(Amount(ASSETS[1], 3_039), dollar, dinar, spread_bps=100).value == 1_000
