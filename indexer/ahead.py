"""Reading the next range while the present one is written.

One range at most is ahead, so memory stays flat. It is taken only if it is the very range that is asked for
next, under the same contracts; else it is dropped and read anew. Whether it still belongs to the chain is
judged as for any other range: by its parent hash, when it is written.
"""

import asyncio
from dataclasses import dataclass

from indexer.beside import beside
from indexer.fetch import BlockSource, fetch
from indexer.reading import Kinds
from indexer.writing import Prepared, prepare
from node.chain.rpc import Header


@dataclass(frozen=True, slots=True)
class _Ahead:
    first: int
    last: int
    kinds: Kinds
    task: asyncio.Task[Prepared]


class RangeReader:
    def __init__(self, blocks: BlockSource, chain_id: int) -> None:
        self._blocks = blocks
        self._chain_id = chain_id
        self._ahead: _Ahead | None = None

    def begin(self, first: int, last: int, kinds: Kinds) -> None:
        """Starts to read a range. Nothing else may be ahead: `read` takes or drops it."""
        task = asyncio.create_task(self._prepared(first, last, kinds))
        self._ahead = _Ahead(first, last, kinds, task)

    async def read(self, first: int, last: int, kinds: Kinds, head: Header) -> Prepared:
        ahead = self._ahead
        if ahead is not None and (ahead.first, ahead.last) == (first, last) and ahead.kinds is kinds:
            self._ahead = None
            return await ahead.task
        await self.forget()
        return await self._prepared(first, last, kinds, head)

    async def _prepared(self, first: int, last: int, kinds: Kinds, head: Header | None = None) -> Prepared:
        fetched = await fetch(self._blocks, first=first, last=last, kinds=kinds, head=head)
        return await beside(len(fetched.logs), prepare, self._chain_id, fetched)

    async def forget(self) -> None:
        """Drops what is ahead, and what went wrong with it."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.task.cancel()
            await asyncio.wait([ahead.task])
            if not ahead.task.cancelled():
                ahead.task.exception()  # or asyncio complains that nobody looked at it
