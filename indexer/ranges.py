"""How many blocks to ask for at once: pure, and bounded on both sides."""

from dataclasses import dataclass, field

from node.chain.range_hint import PATIENCE_FIRST, RangeLimit

BLOCKS_FIRST = 8  # nothing is known of the chain yet
BLOCKS_MAX = 1_000  # bounds one transaction, and what a crash repeats
GROWTH_MAX = 4  # a quiet stretch says little about the blocks after it
SLOW_STEP = 16  # where the endpoint once had enough, a range grows by this part of itself
PATIENCE_MAX = 1_024  # ranges between two such steps, when one after the other is refused
LOGS_TARGET = 3_000  # enough to make round trips cheap; more is not faster, and takes memory
LOGS_MAX = 4 * LOGS_TARGET  # bounds the memory of a range that is denser than those before it


@dataclass(slots=True)
class RangeSizer:
    """Sizes a range by how many logs the blocks of the last one held, and by what the endpoint takes.

    `limit` is the endpoint's memory: it outlives the sizer, so a refusal is not provoked again and again.
    """

    limit: RangeLimit = field(default_factory=RangeLimit)
    blocks: int = 0

    def __post_init__(self) -> None:
        self.blocks = self._allowed(self.blocks or BLOCKS_FIRST)

    def next(self, *, after: int, head: int) -> tuple[int, int]:
        """The next range, both ends included. It never reaches beyond the head."""
        return after + 1, min(after + self.blocks, head)

    def succeeded(self, *, blocks: int, logs: int) -> None:
        """A range that ended at the head says nothing about larger ones."""
        fitting = blocks * LOGS_TARGET // max(1, logs)
        grown = self._grown() if blocks >= self.blocks else self.blocks
        self.blocks = self._allowed(min(fitting, grown))

    def refused(self, *, blocks: int, fitting: int | None = None, lasting: bool = False) -> None:
        """The range was too large. `fitting` is how many blocks the node would answer, where it says so."""
        limit = self.limit
        step = limit.slow_from is not None and blocks > limit.slow_from
        smaller = (limit.slow_from or 1) if step else blocks // 2
        if fitting is not None and 0 < fitting < blocks:
            smaller = fitting
        if lasting:
            limit.most = smaller
        else:
            limit.patience = min(PATIENCE_MAX, limit.patience * 2) if step else PATIENCE_FIRST
            limit.slow_from, limit.waited = max(1, smaller), 0
        self.blocks = self._allowed(smaller)

    def unanswered(self) -> None:
        """Whether the range was to blame is not known."""
        self.blocks = self._allowed(self.blocks // 2)

    def _grown(self) -> int:
        limit, quickly = self.limit, self.blocks * GROWTH_MAX
        if limit.slow_from is None:
            return quickly
        if self.blocks < limit.slow_from:
            return min(quickly, limit.slow_from)
        if self.blocks > limit.slow_from:  # a step that was answered
            limit.slow_from, limit.patience = self.blocks, max(1, limit.patience // 2)
        limit.waited += 1
        if limit.waited < limit.patience:
            return self.blocks
        limit.waited = 0
        return self.blocks + max(1, self.blocks // SLOW_STEP)

    def _allowed(self, blocks: int) -> int:
        return max(1, min(blocks, self.limit.most or BLOCKS_MAX, BLOCKS_MAX))
