"""What can be reconciled: a source compares two books of one kind and tells each difference.

A new one is a class with these three members, and a line in `node.bootstrap`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from node.kernel.db.unit_of_work import Tx

Begin = Callable[[], AbstractContextManager[Tx]]


@dataclass(frozen=True, slots=True)
class Difference:
    """`key` names what differs, the same each time that it is found; `found` and `expected` are the books."""

    key: str
    found: str
    expected: str
    details: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lines` say what was compared, for people; nothing differs when `differences` is empty."""

    differences: Sequence[Difference]
    lines: Sequence[str] = ()


class Source(Protocol):
    @property
    def name(self) -> str:
        """One word: the incidents' kind is `reconciliation.<name>`."""

    def compare(self, begin: Begin) -> Comparison | None:
        """Opens short transactions of its own, as it may ask somebody outside.

        None: not now, as the books are not at the same point.

        Raises:
            Transient: Somebody outside is away; the next run asks again.
        """
