"""Calls that are made together: each is answered as if alone, and none holds up the others."""

import asyncio
from collections.abc import Sequence

import pytest

from node.kernel.db.gathering import TOGETHER_MAX, Gathering

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Calls:
    """What was called with what. Odd numbers go together, even ones alone, and a negative one is refused."""

    def __init__(self) -> None:
        self.alone: list[int] = []
        self.together: list[list[int]] = []
        self.gate = asyncio.Event()

    async def one(self, number: int) -> int:
        self.alone.append(number)
        await self.gate.wait()
        if number < 0:
            raise ValueError(number)
        return number * 10

    async def several(self, numbers: Sequence[int]) -> list[int | None]:
        self.together.append(list(numbers))
        if 0 in numbers:
            raise ZeroDivisionError
        return [number * 10 if number % 2 else None for number in numbers]


async def test_what_comes_meanwhile_goes_together_and_each_gets_its_own_answer() -> None:
    calls = Calls()
    gathering = Gathering(calls.one, calls.several)
    numbers = [2, 1, 3, 4, -2, *range(5, 5 + 2 * TOGETHER_MAX, 2)]
    asked = [asyncio.create_task(gathering.ask(number)) for number in numbers[:1]]
    await asyncio.sleep(0.01)
    asked += [asyncio.create_task(gathering.ask(number)) for number in numbers[1:]]
    await asyncio.sleep(0.01)
    assert (calls.alone, calls.together) == ([2], [])
    asked[-1].cancel()
    calls.gate.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[:4] == [20, 10, 30, 40]
    assert isinstance(answers[4], ValueError)
    assert answers[5:-1] == [number * 10 for number in numbers[5:-1]]
    assert isinstance(answers[-1], asyncio.CancelledError)
    assert [len(numbers) for numbers in calls.together] == [TOGETHER_MAX, 4]
    assert calls.alone == [2, 4, -2]


async def test_a_call_that_waits_for_long_holds_up_no_others() -> None:
    calls = Calls()
    gathering = Gathering(calls.one, calls.several)
    stuck = asyncio.create_task(gathering.ask(2))
    await asyncio.sleep(0.01)
    assert await asyncio.gather(gathering.ask(1), gathering.ask(3)) == [10, 30]
    assert not stuck.done()
    calls.gate.set()
    assert await stuck == 20


async def test_when_all_of_them_fail_each_goes_alone() -> None:
    calls = Calls()
    gathering = Gathering(calls.one, calls.several)
    first = asyncio.create_task(gathering.ask(2))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(gathering.ask(number)) for number in (1, 0, 3)]
    calls.gate.set()
    assert await asyncio.gather(first, *others) == [20, 10, 0, 30]
    assert (calls.together, calls.alone) == ([[1, 0, 3]], [2, 1, 0, 3])
