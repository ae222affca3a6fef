"""Splits make and lose nothing, however a payment is cut up; and every way through its states is one."""

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.kernel.errors import Bug
from node.services.payment.split import Charge, Parts, clawed_back, draw, settled
from node.services.payment.states import NEXT, State, diagram, state_by_money

BIG = st.one_of(st.integers(0, 50), st.integers(0, 2**128))
CHARGES = st.builds(Charge, BIG, BIG, BIG)
BPS = st.integers(0, 10_000)
CUTS = st.lists(st.integers(0, 1_000), max_size=6)  # thousandths of what is left


def cut(total: int, cuts: list[int]) -> list[int]:
    """Parts of `total` that sum up to it."""
    parts = []
    for share in cuts:
        parts.append((total - sum(parts)) * share // 1_000)
    return [*parts, total - sum(parts)]


@given(st.lists(BIG, min_size=1, max_size=6), CUTS)
def test_drawing_all_in_parts_empties_every_pot_exactly(pots: list[int], cuts: list[int]) -> None:
    left = list(pots)
    for amount in cut(sum(pots), cuts):
        drawn = draw(left, amount)
        assert sum(drawn) == amount
        assert all(0 <= part <= pot for part, pot in zip(drawn, left, strict=True))
        total = sum(left)
        if total:  # in proportion: nobody gives less than rounded down, and the dust is less than the pots
            assert all(part >= pot * amount // total for part, pot in zip(drawn, left, strict=True))
            assert amount - sum(pot * amount // total for pot in left) < len(left)
        left = [pot - part for part, pot in zip(drawn, left, strict=True)]
    assert left == [0] * len(pots)


@given(CHARGES, BPS, CUTS, CUTS)
def test_what_is_paid_out_in_parts_comes_back_in_parts(
    charge: Charge, bps: int, out: list[int], back: list[int]
) -> None:
    left, paid = charge, Parts()
    for amount in cut(charge.total, out):
        parts, left = settled(left, amount, commission_bps=bps)
        assert parts.total == amount
        assert min(astuple(parts)) >= 0
        assert parts.commission == (parts.market + parts.commission) * bps // 10_000
        paid += parts
    assert left == Charge(0)
    assert (paid.tax, paid.shipping) == (charge.tax, charge.shipping)
    assert paid.commission <= charge.goods * bps // 10_000  # rounding is never for the platform
    for amount in cut(paid.total, back):
        returned = clawed_back(paid, amount)
        assert returned.total == amount
        paid -= returned
        assert min(astuple(paid)) >= 0
    assert paid == Parts()


def test_dust_is_the_markets() -> None:
    parts, _ = settled(Charge(goods=101, tax=1, shipping=1), 50, commission_bps=250)
    assert parts == Parts(market=49, commission=1, tax=0, shipping=0)
    with pytest.raises(Bug):
        draw((1, 2), 4)


MOVES = st.lists(st.tuples(st.sampled_from(("settle", "give_back", "refund")), st.floats(0, 1)), max_size=12)


@given(st.integers(1, 10**6), MOVES)
def test_money_moves_a_payment_along_its_states(secured: int, moves: list[tuple[str, float]]) -> None:
    state, had = State.AUTHORISED, {"settle": 0, "give_back": 0, "refund": 0}
    for kind, share in [*moves, ("settle", 1.0), ("refund", 1.0)]:
        held = secured - had["settle"] - had["give_back"]
        left = had["settle"] - had["refund"] if kind == "refund" else held
        had[kind] += int(left * share)
        to = state_by_money(
            secured=secured, settled=had["settle"], returned=had["give_back"], refunded=had["refund"]
        )
        assert to is state or to in NEXT[state], (state, to)
        state = to
    assert state is State.REFUNDED


def test_the_diagram_is_of_the_table() -> None:
    arrows = {tuple(line.split(" --> ")) for line in diagram().split("\n")[1:] if " --> " in line}
    drawn = {(a.strip(), b) for a, b in arrows if "[*]" not in (a.strip(), b)}
    assert drawn == {(str(state), str(to)) for state, nexts in NEXT.items() for to in nexts}
