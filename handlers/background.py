"""Work beside the answers: mails, deletions, menus. A stop waits for it, to the last piece that is still started."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Keeps hold of what runs. PTB's own tasks would not be waited for once the application has begun to stop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a piece of work, which treats its own errors."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Waits until nothing runs any more."""
        while self._running:
            await asyncio.wait(self._running)
