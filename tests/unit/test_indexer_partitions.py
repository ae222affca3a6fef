"""Partitions are made ahead, join without gaps, and stay few."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.partitions import ROWS_TARGET, WIDTH_MIN, Partitioned


@given(
    start=st.integers(0, 10**8),
    steps=st.lists(st.tuples(st.integers(1, 1_000), st.floats(0, 50_000)), max_size=60),
)
def test_each_block_has_a_partition_before_it_is_written(start: int, steps: list[tuple[int, float]]) -> None:
    end, last = 0, start - 1
    for blocks, density in steps:
        last += blocks
        for first, until in Partitioned(first=start, end=end).missing(last=last, logs_per_block=density):
            assert first == end
            assert until - max(first, start) >= WIDTH_MIN
            end = until
        assert end > last + WIDTH_MIN
        assert not list(Partitioned(first=start, end=end).missing(last=last, logs_per_block=density))


@given(density=st.floats(0, 5_000), first=st.integers(0, 10**8))
def test_a_long_chain_has_dozens_of_partitions(density: float, first: int) -> None:
    have, made = Partitioned(first=first, end=0), 0
    while have.end - first < 10**9:
        for _, end in have.missing(last=max(have.end, first), logs_per_block=density):
            have, made = Partitioned(first=first, end=end), made + 1
    assert made < 200


def test_a_partition_of_a_dense_chain_holds_what_its_indexes_can_take() -> None:
    assert Partitioned(first=0, end=0).width(100.0) == ROWS_TARGET // 100
