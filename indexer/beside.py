"""Long work of the processor, beside the loop: it goes on feeding Postgres meanwhile.

Postgres is a process of its own, so what Python does while a statement runs costs no time. Short work stays
where it is: a thread costs more than it saves, and at the head each millisecond shows.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LONG_FROM = 500  # logs; some 10 ms


async def beside(logs: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` must touch nothing that others touch meanwhile. `logs`: how many it is about."""
    if logs < LONG_FROM:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
