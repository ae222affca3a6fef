"""Reading the next range while the present one is written.

One range at most is ahead, so memory stays flat. It is taken only if it is the very range that is asked for
next, under the same contracts; else it is dropped and read anew. Whether it still belongs to the chain is
judged as for any other range: by its parent hash, when it is written.
"""

import asyncio
from dataclasses import dataclass

from indexer.fetch import Fetched, fetch
from indexer.reading import Kinds
from node.chain.rpc import RpcClient


@dataclass(frozen=True, slots=True)
class _Ahead:
    first: int
    last: int
    kinds: Kinds
    task: asyncio.Task[Fetched]


class RangeReader:
    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._ahead: _Ahead | None = None

    def begin(self, first: int, last: int, kinds: Kinds) -> None:
        """Starts to read a range. Nothing else may be ahead: `read` takes or drops it."""
        task = asyncio.create_task(fetch(self._rpc, first=first, last=last, kinds=kinds))
        self._ahead = _Ahead(first, last, kinds, task)

    async def read(self, first: int, last: int, kinds: Kinds) -> Fetched:
        ahead = self._ahead
        if ahead is not None and (ahead.first, ahead.last) == (first, last) and ahead.kinds is kinds:
            self._ahead = None
            return await ahead.task
        await self.forget()
        return await fetch(self._rpc, first=first, last=last, kinds=kinds)

    async def forget(self) -> None:
        """Drops what is ahead, and what went wrong with it."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.task.cancel()
            await asyncio.wait([ahead.task])
            if not ahead.task.cancelled():
                ahead.task.exception()  # or asyncio complains that nobody looked at it
