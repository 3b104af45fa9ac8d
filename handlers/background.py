"""Tasks that run in parallel with the answers, such as mails, deletions and menus; a stop waits for all of them."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class BackgroundTasks:
    """Keeps references to running tasks. PTB does not wait for a task that starts while the application stops."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()
        self._stopping = asyncio.Event()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine as a task; it must handle its own errors."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def pause(self, seconds: float) -> bool:
        """Wait in a task, before it tries something again. Returns: False as soon as the process stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return True
        return False

    async def drain(self) -> None:
        """End every ``pause``, and wait until no task runs, including those that start meanwhile."""
        self._stopping.set()
        while self._running:
            await asyncio.wait(self._running)

    def cancel(self) -> None:
        """Cancel the tasks that ``drain`` did not wait for, before what they use is closed."""
        for task in self._running:
            task.cancel()
