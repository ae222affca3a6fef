"""Calls that come while another one is under way are made together, as the next one.

A commit waits for the disk and a call for its round trip, however much they carry. So a process has one call
under way and gathers what comes meanwhile: under load the calls grow, and without load each goes at once and
alone. Nobody is answered before the call that did their part has returned.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from node.kernel.log import get_logger

TOGETHER_MAX: Final = 32  # what is more waits for the next call: locks are not to be held for long
LINGER_S: Final = 0.002  # where several came together the rest of them are likely to be on their way
PATIENCE_S: Final = 0.1  # a call that waits for somebody's lock holds up no others for longer

log = get_logger(__name__)

One = TypeVar("One")
Answer = TypeVar("Answer")
_Asked = tuple[One, asyncio.Future[Answer | None]]


class Gathering(Generic[One, Answer]):
    """Of one event loop.

    Args:
        alone: Does one, and raises what is wrong with it.
        together: Does several and answers in their order. Those with None go alone, and all when it raises.
    """

    def __init__(
        self,
        alone: Callable[[One], Awaitable[Answer | None]],
        together: Callable[[Sequence[One]], Awaitable[Sequence[Answer | None]]],
    ) -> None:
        self._alone = alone
        self._together = together
        self._waiting: list[_Asked[One, Answer]] = []
        self._worker: asyncio.Task[None] | None = None
        self._size_before = 1
        self._calls: set[asyncio.Task[None]] = set()  # a loop keeps no task alive

    async def ask(self, one: One) -> Answer | None:
        """What `alone` answers or raises, if perhaps together with others."""
        mine: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, mine))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await mine

    async def _work(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._size_before:
                await asyncio.sleep(LINGER_S)
            asked, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
            self._size_before = len(asked)
            call = asyncio.create_task(self._call(asked))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await asyncio.wait({call}, timeout=PATIENCE_S)

    async def _call(self, asked: Sequence[_Asked[One, Answer]]) -> None:
        if len(asked) == 1:
            await self._settle(*asked[0])
            return
        try:
            answers = await self._together([one for one, _ in asked])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is met again by the one that it is about
            log.info("not_done_together", number=len(asked), error=str(error))
            answers = [None] * len(asked)
        left = [item for item, answer in zip(asked, answers, strict=True) if answer is None]
        for (_, mine), answer in zip(asked, answers, strict=True):
            if answer is not None and not mine.done():
                mine.set_result(answer)
        await asyncio.gather(*(self._settle(*item) for item in left))

    async def _settle(self, one: One, mine: asyncio.Future[Answer | None]) -> None:
        try:
            answer = await self._alone(one)
        except Exception as error:  # noqa: BLE001 - it is whoever asked that has to deal with it
            if not mine.done():
                mine.set_exception(error)
        else:
            if not mine.done():  # nobody waits for it any more
                mine.set_result(answer)
