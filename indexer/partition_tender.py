"""Keeps partitions ahead of what is written, and drops raw logs that are older than they are kept."""

from indexer import metrics
from indexer.checkpoint import Checkpoint
from indexer.fetch import Fetched
from indexer.partitions import Partitioned
from indexer.store import Store
from node.kernel.errors import AsoudError
from node.kernel.log import get_logger

log = get_logger(__name__)


class PartitionTender:
    """Of one chain; `begin` reads what partitions there are."""

    def __init__(self, store: Store, *, first: int, raw_log_blocks: int | None) -> None:
        self._store = store
        self._first = first
        self._raw_log_blocks = raw_log_blocks
        self._end = 0

    async def begin(self) -> None:
        self._end = await self._store.partitions_end()

    async def tend(self, fetched: Fetched, before: Checkpoint) -> None:
        """Before a range is written above `before`.

        What can't be made ahead is an alarm; the indexer stops only when the range itself has no place.
        """
        last = fetched.headers[-1].number
        have = Partitioned(first=self._first, end=self._end)
        due = list(have.missing(last=last, logs_per_block=len(fetched.logs) / len(fetched.headers)))
        try:
            for first, end in due:
                await self._store.make_partition(first, end)
                self._end = end
            if due and self._raw_log_blocks is not None:
                old = min(before.number - self._raw_log_blocks, before.finalized_number, before.undo_floor)
                await self._store.thin_logs(below=old)
        except AsoudError as error:
            log.error("partitions_not_made", chain_id=self._store.chain_id, error=str(error))  # noqa: TRY400
            await self.begin()
            if self._end <= last:
                raise
        left = metrics.PARTITION_BLOCKS_LEFT.labels(str(self._store.chain_id))
        left.set(self._end - 1 - last)
