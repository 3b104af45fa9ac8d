"""Group the small reads and writes of concurrent tasks into one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Grouped(Generic[ItemT, ResultT]):
    """Runs a function for groups of items, one group at a time.

    Args:
        run: Gets the items of a group in the order in which they came; returns their results in the same order.
        limit: The largest number of items in a group.
        gather: Seconds that the first item of a group waits for others.
    """

    def __init__(
        self, run: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]], limit: int, gather: float
    ) -> None:
        self._run = run
        self._limit = limit
        self._gather = gather
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, item: ItemT) -> ResultT:
        """Return the result of an item.

        A caller that is cancelled leaves its item in the group: what the function does for it is done all the same.

        Raises:
            Exception: What the function raised for the group; every caller of the group gets it.
        """
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < self._limit:
                    await asyncio.sleep(self._gather)
                group, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._run_group(group)
        finally:
            self._task = None

    async def _run_group(self, group: Sequence[tuple[ItemT, "asyncio.Future[ResultT]"]]) -> None:
        try:
            results = await self._run([item for item, _ in group])
        except BaseException as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)
