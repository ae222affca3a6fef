"""How wide the partitions of a chain are, and when the next one is made: pure.

Raw logs and transfers are partitioned by chain and block range. A partition is as wide as its indexes may
grow before writing into them becomes slow, judged by how dense the logs are now; yet never narrower than a
share of all that is there already, so that a chain of any age has some dozens of partitions and a view that
looks into all of them stays quick. They are made one whole width ahead of the blocks that are written.
"""

from collections.abc import Iterator
from dataclasses import dataclass

ROWS_TARGET = 250_000
WIDTH_MIN = 512  # blocks; a burst of logs must not scatter into many partitions
SHARE = 8  # of the blocks partitioned so far


@dataclass(frozen=True, slots=True)
class Partitioned:
    """Blocks of a chain that have partitions: from `first`, the first one read, to `end` - 1."""

    first: int
    end: int

    def missing(self, *, last: int, logs_per_block: float) -> Iterator[tuple[int, int]]:
        """The partitions to make, as first block and end, so that `last` has a whole width above it."""
        width = self.width(logs_per_block)
        end = self.end
        while end <= last + width:
            # The first one begins at zero: blocks below the first one read hold nothing.
            until = max(end, self.first) + width
            yield end, until
            end = until

    def width(self, logs_per_block: float) -> int:
        fitting = int(ROWS_TARGET / max(1.0, logs_per_block))
        return max(WIDTH_MIN, fitting, (self.end - self.first) // SHARE)
