"""How servers are compared, how fast they are asked, and what their refusals say."""

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.completeness import SELECTIVE_BITS, bloom_of, suspects
from indexer.ranges import BLOCKS_MAX, RangeSizer
from node.chain.pace import RETRY_AFTER_MAX_S, Pace, retry_after_s
from node.chain.peers import Sight, Standing, judge
from node.chain.range_hint import RangeHint, RangeLimit, range_hint
from node.chain.rpc import Header, Log
from node.kernel.clock import SystemClock
from node.kernel.hexes import ZERO_HASH, Address, Hash32

OURS, OTHER, THIRD = (Hash32("0x" + digit * 64) for digit in "123")


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


# ------------------------------------------------------------------------------------- who is believed

GOOD, LAGGING, FORKED, WRONG = Standing.GOOD, Standing.LAGGING, Standing.FORKED, Standing.WRONG_CHAIN


@pytest.mark.parametrize(
    ("sights", "read_from", "expected"),
    [
        ([(1, 10, None)], None, [GOOD]),
        ([(2, 10, None)], None, [WRONG]),
        ([(1, 10, OURS), (1, 13, OURS)], None, [GOOD, GOOD]),
        ([(1, 10, OURS), (1, 14, OURS)], None, [LAGGING, GOOD]),
        ([(1, 10, OTHER), (1, 10, OURS), (1, 9, OURS)], "rpc1", [FORKED, GOOD, GOOD]),
        ([(1, 99, OTHER), (1, 10, OURS), (1, 9, OURS)], "rpc1", [FORKED, GOOD, GOOD]),
        ([(1, 10, OURS), (1, 12, OTHER)], "rpc1", [GOOD, FORKED]),
        ([(1, 10, OURS), (1, 12, OTHER)], "rpc2", [FORKED, GOOD]),
        ([(1, 10, OURS), (1, 10, OTHER)], None, [GOOD, FORKED]),
        ([(1, 10, OURS), (1, 14, OTHER)], "rpc1", [FORKED, GOOD]),
        ([(2, 99, None), (1, 10, OURS), (1, 5, OURS)], "rpc1", [WRONG, GOOD, LAGGING]),
        ([(1, 10, OURS), (1, 10, OTHER), (1, 10, THIRD)], "rpc2", [FORKED, GOOD, FORKED]),
    ],
    ids=[
        *("alone", "alone on another chain", "a little behind", "far behind", "two against one"),
        *("a long fork of one", "a tie: the one in use", "a tie: the other in use", "a tie: the first"),
        *("a tie: far ahead", "another chain counts for nothing", "three forks"),
    ],
)
def test_servers_are_judged_by_each_other(
    sights: list[tuple[int, int, Hash32 | None]], read_from: str | None, expected: list[Standing]
) -> None:
    seen = {f"rpc{place}": Sight(*sight) for place, sight in enumerate(sights, start=1)}
    assert list(judge(seen, chain_id=1, lag_blocks=3, read_from=read_from).values()) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.integers(0, 50), st.sampled_from([OURS, OTHER, THIRD])),
        max_size=6,
    ),
    st.sampled_from([None, "rpc1", "rpc2"]),
)
def test_where_one_serves_the_chain_one_is_good(
    sights: list[tuple[int, int, Hash32]], read_from: str | None
) -> None:
    seen = {f"rpc{place}": Sight(*sight) for place, sight in enumerate(sights, start=1)}
    found = judge(seen, chain_id=1, lag_blocks=3, read_from=read_from)
    assert found.keys() == seen.keys()
    assert (GOOD in found.values()) == any(chain == 1 for chain, _, _ in sights)
    assert len({seen[name].fork for name, standing in found.items() if standing in (GOOD, LAGGING)}) <= 1


# --------------------------------------------------------------------------------------- how fast


def test_calls_are_spread_evenly() -> None:
    watch = Watch()
    pace = Pace(10, now=watch)
    assert [pace.reserve(1), pace.reserve(5), pace.reserve(1)] == pytest.approx([0, 0.1, 0.6])
    watch.at += 10
    assert pace.reserve(1) == 0
    assert pace.batch_max(100) == 10
    assert Pace(0.5).batch_max(100) == 1


def test_without_a_limit_nobody_waits() -> None:
    pace = Pace(now=Watch())
    assert [pace.reserve(100) for _ in range(3)] == [0, 0, 0]
    assert pace.batch_max(100) == 100


def test_a_server_is_left_alone_for_as_long_as_it_asks() -> None:
    watch = Watch()
    pace = Pace(now=watch)
    pace.rest(7)
    pace.rest(3)
    assert pace.resting() == 7
    watch.at += 8
    assert pace.resting() == 0
    pace.rest(10**9)
    assert pace.resting() == RETRY_AFTER_MAX_S


def test_retry_after_is_seconds_or_a_date() -> None:
    soon = format_datetime(SystemClock().now() + dt.timedelta(seconds=100), usegmt=True)
    assert retry_after_s("7") == 7
    assert 90 < (retry_after_s(soon) or 0) <= 100
    assert [retry_after_s(text) for text in (None, "", "soon", "-1")] == [None] * 4


# ------------------------------------------------------------------------------------ what refusals say


ALCHEMY = (
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit"
    " on the response size, or you can request any block range with a cap of 10K logs in the response."
    " Based on your parameters and the response size limit, this block range should work: [0x0, 0x133d]"
)
ALCHEMY_FREE = (
    "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Based on your"
    " parameters, this block range should work: [0x10, 0x19]."
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "query returned more than 10000 results. Try with this block range [0xE4E1C0, 0xE4E1CF].",
            RangeHint(16, lasting=False),
        ),
        (
            ALCHEMY,
            RangeHint(0x133E, lasting=False),
        ),
        (
            ALCHEMY_FREE,
            RangeHint(10, lasting=True),
        ),
        (
            "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range",
            RangeHint(10_000, lasting=True),
        ),
        ("eth_getLogs is limited to a 5 range", RangeHint(5, lasting=True)),
        ("eth_getLogs is limited to 0 - 10000 blocks range", RangeHint(10_000, lasting=True)),
        ("exceed maximum block range: 5000", RangeHint(5_000, lasting=True)),
        ("query exceeds max block range 100000", RangeHint(100_000, lasting=True)),
        ("range too large. Max range: 800", RangeHint(800, lasting=True)),
        ("eth_getLogs range is too large, max is 1k blocks", RangeHint(1_000, lasting=True)),
        ("requested too many blocks from 0 to 5000, maximum is set to 2048", RangeHint(2_048, lasting=True)),
        ("block range is too wide (maximum 1024)", RangeHint(1_024, lasting=True)),
        ("ranges over 10000 blocks are not supported on freetier", RangeHint(10_000, lasting=True)),
        ("block range greater than 100000 max", RangeHint(100_000, lasting=True)),
        ("query exceeds max results 20000, retry with the range 100-149", RangeHint(50, lasting=False)),
        ("block range is too wide", None),
        ("limit exceeded", None),
        ("Try with this block range [0x10, 0x1]", None),
    ],
)
def test_the_range_that_a_server_would_answer(words: str, expected: RangeHint | None) -> None:
    assert range_hint(words) == expected


def test_the_range_may_stand_beside_the_words() -> None:
    data = {"from": "0x10", "to": "0x1f", "limit": 10_000}
    assert range_hint("query returned more than 10000 results", data) == RangeHint(16, lasting=False)
    assert range_hint("query returned more than 10000 results", {"from": 1}) is None


@given(st.integers(1, BLOCKS_MAX), st.booleans(), st.booleans())
def test_a_server_is_seldom_asked_for_more_than_it_takes(taken: int, says: bool, lasting: bool) -> None:
    """Of 200 ranges one in eight is refused at most, and in the end no range is small without need."""
    limit, refused = RangeLimit(), 0
    sizer = RangeSizer(limit)
    for _ in range(200):
        blocks = sizer.blocks
        if blocks > taken:
            refused += 1
            sizer.refused(blocks=blocks, fitting=taken if says else None, lasting=says and lasting)
        else:
            sizer.succeeded(blocks=blocks, logs=0)
    assert refused <= 25
    assert sizer.blocks > taken // 3
    assert RangeSizer(limit).blocks <= max(8, taken + taken // 8 + 1)


# ------------------------------------------------------------------------------------ what was left out

US, THEM = Address("0x" + "aa" * 20), Address("0x" + "bb" * 20)


def header(number: int, bloom: int) -> Header:
    return Header(number, ZERO_HASH, ZERO_HASH, 0, bloom)


def log(number: int, address: Address) -> Log:
    return Log(number, 0, ZERO_HASH, ZERO_HASH, 0, address, (), b"")


def test_a_block_that_knows_an_address_without_logs_is_suspect() -> None:
    both = bloom_of(US) | bloom_of(THEM)
    blocks = [header(1, bloom_of(US)), header(2, both), header(3, bloom_of(THEM)), header(4, 0)]
    assert suspects(blocks, [US], [log(1, US), log(2, US)]) == []
    assert suspects(blocks, [US], [log(1, US)]) == [2]
    assert suspects(blocks, [US, THEM], [log(1, US), log(2, US)]) == [2, 3]


def test_a_full_bloom_is_not_asked() -> None:
    full = bloom_of(US) | ((1 << SELECTIVE_BITS) - 1)
    assert full.bit_count() > SELECTIVE_BITS
    assert suspects([header(1, full)], [US], []) == []
