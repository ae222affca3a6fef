"""The decisions about forks, without a chain."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.ranges import BLOCKS_MAX, LOGS_TARGET, RangeSizer
from indexer.reorg import (
    WINDOW_MAX,
    Replay,
    Undo,
    Verdict,
    judge,
    newest_common,
    remedy,
    undo_floor_after,
    windows,
)
from node.chain.rpc import Header
from node.kernel.hexes import ZERO_HASH, Hash32

OURS = Hash32("0x" + "11" * 32)
OTHER = Hash32("0x" + "22" * 32)


def head(number: int, hash_: Hash32 = OURS) -> Header:
    return Header(number, hash_, ZERO_HASH, 0)


def test_a_head_is_judged_by_hash_and_height() -> None:
    assert judge(number=5, ours=OURS, head=head(6)) is Verdict.AHEAD
    assert judge(number=5, ours=OURS, head=head(5)) is Verdict.LEVEL
    assert judge(number=5, ours=OURS, head=head(5, OTHER)) is Verdict.FORKED
    assert judge(number=5, ours=OURS, head=head(3)) is Verdict.SHORTER
    assert judge(number=5, ours=OURS, head=head(3, OTHER)) is Verdict.FORKED


def test_before_the_first_block_there_is_nothing_to_fork() -> None:
    assert judge(number=-1, ours=None, head=head(0)) is Verdict.AHEAD
    assert judge(number=99, ours=None, head=head(40)) is Verdict.SHORTER


@given(top=st.integers(0, 2_000), depth=st.integers(0, 2_000))
def test_windows_cover_each_block_once_from_the_top(top: int, depth: int) -> None:
    floor = max(0, top - depth)
    seen = [n for w in windows(top=top, floor=floor) for n in range(w.last, w.first - 1, -1)]
    assert seen == list(range(top, floor - 1, -1))
    assert all(w.last - w.first < WINDOW_MAX for w in windows(top=top, floor=floor))


def test_the_ancestor_is_the_highest_block_that_both_have() -> None:
    ours = {1: OURS, 2: OURS, 3: OURS}
    assert newest_common(ours, {1: OURS, 2: OURS, 3: OTHER}) == 2
    assert newest_common(ours, {1: OTHER, 2: OTHER}) is None


def test_what_lies_deeper_than_the_undo_is_made_from_raw_logs() -> None:
    assert remedy(ancestor=10, undo_floor=10, start_block=0) == Undo(10)
    assert remedy(ancestor=9, undo_floor=10, start_block=0) == Replay(9)
    assert remedy(ancestor=None, undo_floor=10, start_block=5) == Replay(4)


def test_everything_can_be_undone_while_nothing_was_pruned() -> None:
    assert remedy(ancestor=None, undo_floor=-1, start_block=0) == Undo(-1)


@given(
    floor=st.integers(-1, 100), last=st.integers(0, 300), ahead=st.integers(0, 300), keep=st.integers(1, 150)
)
def test_undo_reaches_as_deep_as_the_setting_or_as_before(
    floor: int, last: int, ahead: int, keep: int
) -> None:
    after = undo_floor_after(floor=floor, last=last, head=last + ahead, undo_blocks=keep)
    assert after >= floor
    assert after == floor or after <= last + ahead - keep
    assert after <= max(floor, last)


def test_ranges_grow_while_logs_are_few_and_shrink_on_failure() -> None:
    sizer = RangeSizer()
    for _ in range(20):
        sizer.succeeded(blocks=sizer.blocks, logs=0)
    assert sizer.blocks == BLOCKS_MAX
    sizer.succeeded(blocks=100, logs=3 * LOGS_TARGET)
    assert sizer.blocks == 33
    sizer.succeeded(blocks=33, logs=LOGS_TARGET)
    assert sizer.blocks == 33
    sizer.succeeded(blocks=1, logs=3 * LOGS_TARGET)
    assert sizer.blocks == 1
    for _ in range(20):
        sizer.unanswered()
    assert sizer.next(after=4, head=100) == (5, 5)


def test_a_range_never_reaches_beyond_the_head() -> None:
    assert RangeSizer().next(after=4, head=7) == (5, 7)
