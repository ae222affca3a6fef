"""How many blocks to ask for at once: pure, and bounded on both sides."""

from dataclasses import dataclass

BLOCKS_FIRST = 8  # nothing is known of the chain yet
BLOCKS_MAX = 1_000  # bounds one transaction, and what a crash repeats
GROWTH_MAX = 4  # a quiet stretch says little about the blocks after it
LOGS_TARGET = 5_000  # enough to make round trips cheap; rows of one range stay below some 20 MB
LOGS_MAX = 4 * LOGS_TARGET  # bounds the memory of a range that is denser than those before it


@dataclass(slots=True)
class RangeSizer:
    """Sizes a range by how many logs the blocks of the last one held."""

    blocks: int = BLOCKS_FIRST

    def next(self, *, after: int, head: int) -> tuple[int, int]:
        """The next range, both ends included. It never reaches beyond the head."""
        return after + 1, min(after + self.blocks, head)

    def succeeded(self, *, blocks: int, logs: int) -> None:
        fitting = blocks * LOGS_TARGET // max(1, logs)
        self.blocks = max(1, min(fitting, self.blocks * GROWTH_MAX, BLOCKS_MAX))

    def failed(self) -> None:
        self.blocks = max(1, self.blocks // 2)
