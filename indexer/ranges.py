"""How many blocks to ask for at once: pure, and bounded on both sides."""

from dataclasses import dataclass

BLOCKS_FIRST = 64
BLOCKS_MAX = 1_000  # bounds one transaction, and what a crash repeats
LOGS_TARGET = 5_000  # enough to make round trips cheap; rows of one range stay below some 20 MB


@dataclass(slots=True)
class RangeSizer:
    blocks: int = BLOCKS_FIRST

    def next(self, *, after: int, head: int) -> tuple[int, int]:
        """The next range, both ends included. It never reaches beyond the head."""
        return after + 1, min(after + self.blocks, head)

    def succeeded(self, *, logs: int) -> None:
        if logs > 2 * LOGS_TARGET:
            self.failed()
        elif logs < LOGS_TARGET // 2:
            self.blocks = min(BLOCKS_MAX, self.blocks * 2)

    def failed(self) -> None:
        self.blocks = max(1, self.blocks // 2)
