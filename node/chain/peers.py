"""Which of several servers of one chain can be believed: pure, from one look at all of them.

Servers that agree on the block at the height of the lowest of them are on one fork. The largest group is
right; of two as large, the one that is clearly ahead, for a fork that others left grows slowly; else the one
that is read from already, so that nothing changes without a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.kernel.hexes import Hash32


class Standing(StrEnum):
    """How an endpoint does; all but `good` set it aside. From the least to the worst."""

    GOOD = "good"
    LAGGING = "lagging"
    LIMITED = "limited"  # it asked to be left alone
    AWAY = "away"  # no answer, or a wrong one
    INCOMPLETE = "incomplete"  # it left out logs
    FORKED = "forked"
    WRONG_CHAIN = "wrong_chain"


SEVERITY = {standing: place for place, standing in enumerate(Standing)}


@dataclass(frozen=True, slots=True)
class Sight:
    """What one endpoint said. `fork` is the hash of its block at the height that all are compared at."""

    chain_id: int
    head: int
    fork: Hash32 | None  # None where there is nobody to be compared with


def compared_at(heads: Sequence[int]) -> int:
    """The height at which every server should have the same block."""
    return min(heads)


def judge(
    sights: Mapping[str, Sight], *, chain_id: int, lag_blocks: int, read_from: str | None
) -> dict[str, Standing]:
    """Where each endpoint that answered stands; `sights` are in the order of preference."""
    found = {
        name: Standing.WRONG_CHAIN if sight.chain_id != chain_id else Standing.GOOD
        for name, sight in sights.items()
    }
    right = {name: sight for name, sight in sights.items() if found[name] is Standing.GOOD}
    if not right:
        return found
    fork = _right_fork(right, lag_blocks=lag_blocks, read_from=read_from)
    newest = max(sight.head for sight in right.values() if sight.fork == fork)
    for name, sight in right.items():
        if sight.fork != fork:
            found[name] = Standing.FORKED
        elif sight.head < newest - lag_blocks:
            found[name] = Standing.LAGGING
    return found


def _right_fork(sights: Mapping[str, Sight], *, lag_blocks: int, read_from: str | None) -> Hash32 | None:
    groups: dict[Hash32 | None, list[str]] = {}
    for name, sight in sights.items():
        groups.setdefault(sight.fork, []).append(name)
    largest = max(map(len, groups.values()))
    heads = {
        fork: max(sights[name].head for name in names)
        for fork, names in groups.items()
        if len(names) == largest
    }
    ahead = max(heads, key=lambda fork: heads[fork])  # of equals the first, by preference
    used = next((fork for fork in heads if read_from in groups[fork]), ahead)
    return ahead if heads[ahead] > heads[used] + lag_blocks else used
