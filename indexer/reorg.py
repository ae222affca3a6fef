"""What a new head means for what we have: pure decisions, no I/O.

A reorg is a value here, which `pipeline` carries out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from node.chain.rpc import Header
from node.kernel.hexes import Hash32

FIRST_WINDOW = 8  # most reorgs are shallow
WINDOW_MAX = 256  # blocks compared in one step


class Verdict(Enum):
    LEVEL = auto()  # nothing new
    AHEAD = auto()  # there is more to read; its parent hash will tell whether it builds on ours
    SHORTER = auto()  # same fork, lower head: a node that lags, or a chain that lost its tail
    FORKED = auto()  # the block at that number is another one


def judge(*, number: int, ours: Hash32 | None, head: Header) -> Verdict:
    """`number` is our newest block; `ours` is the hash that we have at the lower of it and the head.

    `ours` is None where we have no block of that number.
    """
    if head.number > number:
        return Verdict.AHEAD
    if ours is None:  # the head lies below the first block that we read
        return Verdict.LEVEL if head.number == number else Verdict.SHORTER
    if ours != head.hash:
        return Verdict.FORKED
    return Verdict.LEVEL if head.number == number else Verdict.SHORTER


@dataclass(frozen=True, slots=True)
class Window:
    first: int
    last: int


def windows(*, top: int, floor: int) -> Iterator[Window]:
    """Where to look for the common ancestor: from `top` down to and with `floor`, in growing steps."""
    size = FIRST_WINDOW
    last = top
    while last >= floor:
        first = max(floor, last - size + 1)
        yield Window(first, last)
        last = first - 1
        size = min(WINDOW_MAX, size * 2)


def newest_common(ours: Mapping[int, Hash32], theirs: Mapping[int, Hash32]) -> int | None:
    """The highest block of a window that both sides have."""
    return max((number for number, hash_ in ours.items() if theirs.get(number) == hash_), default=None)


@dataclass(frozen=True, slots=True)
class Undo:
    """Go back to `ancestor`, exactly."""

    ancestor: int


@dataclass(frozen=True, slots=True)
class Replay:
    """`ancestor` lies deeper than what can be undone: make the tables from the raw logs up to it."""

    ancestor: int


def remedy(*, ancestor: int | None, undo_floor: int, start_block: int) -> Undo | Replay:
    """`ancestor` None: not one block is shared."""
    goal = start_block - 1 if ancestor is None else ancestor
    return Undo(goal) if goal >= undo_floor else Replay(goal)


def undo_floor_after(*, floor: int, last: int, head: int, undo_blocks: int) -> int:
    """The lowest block to go back to once `last` is written: `undo_blocks` below the head, or as it was."""
    return max(floor, min(last, head - undo_blocks))
