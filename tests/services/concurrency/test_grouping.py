import asyncio
from collections.abc import Sequence

import pytest

from services.concurrency.grouping import Grouped


async def test_items_that_come_together_are_one_group() -> None:
    groups: list[list[int]] = []

    async def double(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        return [2 * item for item in items]

    grouped = Grouped(double, limit=3, gather=0.01)
    assert await asyncio.gather(*(grouped.ask(item) for item in range(5))) == [0, 2, 4, 6, 8]
    assert groups == [[0, 1, 2], [3, 4]]
    assert await grouped.ask(7) == 14


async def test_error_reaches_every_caller_of_its_group_only() -> None:
    async def refuse_odd(items: Sequence[int]) -> list[int]:
        if any(item % 2 for item in items):
            raise ValueError(items)
        return list(items)

    grouped = Grouped(refuse_odd, limit=2, gather=0.01)
    found = await asyncio.gather(*(grouped.ask(item) for item in (1, 2, 4, 6)), return_exceptions=True)
    assert [type(each) for each in found] == [ValueError, ValueError, int, int]


async def test_cancelled_caller_does_not_take_the_others_along() -> None:
    done: list[int] = []

    async def note(items: Sequence[int]) -> list[int]:
        done.extend(items)
        return list(items)

    grouped = Grouped(note, limit=8, gather=0.05)
    first, second = (asyncio.create_task(grouped.ask(item)) for item in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 2
    with pytest.raises(asyncio.CancelledError):
        await first
    assert done == [1, 2]
