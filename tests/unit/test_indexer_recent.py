"""What is told from memory is what is written, or is read back."""

import datetime as dt

import pytest

from indexer import recent
from indexer.fetch import Decoded, Fetched
from indexer.recent import Recent
from node.chain import events as ev
from node.chain.rpc import Header, Log
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def fetched(first: int, last: int, logs_each: int = 2) -> tuple[Fetched, dict[int, dt.datetime]]:
    headers = tuple(Header(number, ZERO_HASH, ZERO_HASH, 0) for number in range(first, last + 1))
    logs = tuple(
        Decoded(
            Log(header.number, index, ZERO_HASH, ZERO_HASH, 0, ZERO_ADDRESS, (), b""),
            ev.MetadataFrozen() if index else None,
            None,
        )
        for header in headers
        for index in range(logs_each + 1)
    )
    return Fetched(headers, logs, {}), {header.number: NOW for header in headers}


def places(found: Recent, first: int, last: int) -> list[tuple[int, int]] | None:
    said = found.between(first, last)
    return None if said is None else [(one.log.block_number, one.log.log_index) for one in said]


def test_it_holds_consecutive_blocks_until_they_are_told_or_gone() -> None:
    held = Recent()
    assert held.between(1, 1) is None
    held.add(*fetched(5, 6))
    held.add(*fetched(7, 8, logs_each=0))
    assert places(held, 5, 8) == [(5, 1), (5, 2), (6, 1), (6, 2)]
    assert places(held, 6, 7) == [(6, 1), (6, 2)]
    assert held.between(4, 6) is None
    assert held.between(6, 9) is None
    held.told(5)
    held.cut(above=7)
    assert held.between(5, 6) is None
    assert held.between(7, 8) is None
    assert places(held, 6, 7) == [(6, 1), (6, 2)]
    held.add(*fetched(10, 10))  # not behind what is held
    assert held.between(6, 7) is None
    assert places(held, 10, 10) == [(10, 1), (10, 2)]


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "LOGS_MAX", 5)
    held = Recent()
    held.add(*fetched(1, 4))
    assert held.between(2, 4) is None
    assert places(held, 3, 4) == [(3, 1), (3, 2), (4, 1), (4, 2)]
    held.add(*fetched(5, 5, logs_each=6))  # more than it may hold
    assert held.between(5, 5) is None


def test_a_write_that_failed_leaves_nothing() -> None:
    held = Recent()
    held.add(*fetched(1, 1))
    with pytest.raises(ValueError, match="no commit"), held.believed():
        held.add(*fetched(2, 2))
        raise ValueError("no commit")
    assert held.between(1, 1) is None
    held.add(*fetched(9, 9))
    assert places(held, 9, 9) == [(9, 1), (9, 2)]
