"""The supervisor: restarts the long-lived loops of the process when they end, fail or stand still."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from services.retries import backoff

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0
"""The longest pause before a restart: after an outage of the database, notices resume within it."""
_STEADY_SECONDS = 60.0
"""A loop that ran for this long begins again with the shortest pause."""
_LOG_SECONDS = 60.0
"""The shortest time between two log lines about the same failure of a loop."""
_CANCEL_SECONDS = 8.0
"""How long a cancelled loop may take to end: a transaction is finished first."""

_LONGEST_LOOK_SECONDS = 3600.0
"""The longest wait of the event loop for a loop that may stay idle for ever."""

log = structlog.get_logger()


class Beat(Protocol):
    """What a loop calls at every turn."""

    def __call__(self, wait: float = 0.0) -> None:
        """Say that the loop works.

        Args:
            wait: The seconds that it now intends to wait; ``math.inf`` if it waits for an event.
        """


class Loop(Struct, frozen=True):
    """A coroutine that runs until it is cancelled, and may then be started again.

    Args:
        name: For the log, the metrics and readiness.
        run: Called with ``Beat`` at each start.
        limit: The seconds without a beat, beyond those that it intended to wait, after which the loop stands still.
    """

    name: str
    run: Callable[[Beat], Coroutine[Any, Any, None]]
    limit: float


class Supervisor:
    """Runs loops, and restarts those that fail. The times are monotonic: a clock that is stepped changes nothing."""

    def __init__(self) -> None:
        self.restarts: Counter[str] = Counter()
        """The restarts since the start, by name of the loop; 0 for a loop that never failed."""
        self._watches: list[_Watch] = []

    @asynccontextmanager
    async def running(self, *loops: Loop) -> AsyncIterator[None]:
        """Run the loops during the body; then cancel them, and wait up to 8 s for their ends."""
        stop = self.start(*loops)
        try:
            yield
        finally:
            await stop()

    def start(self, *loops: Loop) -> Callable[[], Awaitable[None]]:
        """Run the loops. Returns: a function that cancels them, and waits up to 8 s for their ends."""
        watches = [_Watch(loop, self.restarts) for loop in loops]
        tasks = [asyncio.create_task(watch.run(), name=f"supervisor of {watch.loop.name}") for watch in watches]
        for watch, task in zip(watches, tasks, strict=True):
            task.add_done_callback(watch.on_end)
        self._watches += watches

        async def stop() -> None:
            self._watches = [watch for watch in self._watches if watch not in watches]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)

        return stop

    def reasons(self) -> list[str]:
        """Return one line for each loop that fails, for readiness.

        A loop fails from its failure until it has completed a turn again. A loop that nobody restarts is found here by
        the age of its last beat.
        """
        return [reason for watch in self._watches if (reason := watch.reason())]

    def limits(self) -> Iterator[tuple[str, float]]:
        """Yield the name of each running loop, and its limit in seconds."""
        for watch in self._watches:
            yield watch.loop.name, watch.loop.limit

    def failing(self) -> Iterator[tuple[str, bool]]:
        """Yield the name of each running loop, and whether it fails."""
        for watch in self._watches:
            yield watch.loop.name, bool(watch.reason())


class _Watch:
    """One loop, and the task that runs and restarts it."""

    def __init__(self, loop: Loop, restarts: Counter[str]) -> None:
        self.loop = loop
        self._restarts = restarts
        self._restarts[loop.name] += 0
        self._due_at = time.monotonic() + loop.limit
        """When the next beat must have come."""
        self._beats = 0
        self._failure = ""
        """What is wrong with the loop; empty while it works."""
        self._logged: tuple[str, float] | None = None
        self._has_ended = False

    def reason(self) -> str:
        """Return what is wrong in one line; empty if nothing is."""
        if self._has_ended:
            return f"loops: {self.loop.name} has no supervisor any more: restart the process"
        if self._failure:
            return f"loops: {self.loop.name} {self._failure} and is restarted, see loop.failed in the log"
        if time.monotonic() > self._due_at + _CANCEL_SECONDS + _LONGEST_PAUSE_SECONDS:
            return f"loops: {self.loop.name} stands still, and its supervisor too: restart the process"
        return ""

    def beat(self, wait: float = 0.0) -> None:
        """Note a turn of the loop. With the second one after a restart, a whole turn was made: it works again."""
        self._due_at = time.monotonic() + wait + self.loop.limit
        self._beats += 1
        if self._failure and self._beats > 1:
            log.info("loop.recovered", loop=self.loop.name)
            self._failure, self._logged = "", None

    async def run(self) -> None:
        """Run the loop, and restart it after a growing pause, until cancelled."""
        failures = 0
        while True:
            started_at = time.monotonic()
            failure, error = await self._run_once()
            failures = 1 if time.monotonic() - started_at > _STEADY_SECONDS else failures + 1
            self._failure = failure
            self._restarts[self.loop.name] += 1
            pause = backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
            self._log(failure, error, pause)
            await asyncio.sleep(pause)

    def on_end(self, task: "asyncio.Task[None]") -> None:
        """Report that the supervision itself has ended: only a stop cancels it."""
        if task.cancelled():
            return
        self._has_ended = True
        log.critical("loop.supervisor_failed", loop=self.loop.name, exc_info=task.exception())

    async def _run_once(self) -> tuple[str, BaseException | None]:
        """Run the loop until it ends, raises or stands still. Returns: which of these, and the error if it raised."""
        self._due_at, self._beats = time.monotonic() + self.loop.limit, 0
        task = asyncio.create_task(self.loop.run(self.beat), name=f"loop {self.loop.name}")
        try:
            while not task.done() and (left := self._due_at - time.monotonic()) > 0:
                await asyncio.wait({task}, timeout=min(left, _LONGEST_LOOK_SECONDS))
        finally:
            if not task.done():
                task.cancel()
                await self._wait_for_end(task)
        if not task.done() or task.cancelled():
            return f"stood still for {self.loop.limit:g} s", None
        error = task.exception()
        return (f"raised {type(error).__name__}" if error else "ended"), error

    async def _wait_for_end(self, task: "asyncio.Task[None]") -> None:
        """Wait for a cancelled task. One that does not end, such as on a dead connection, is left behind."""
        await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
        if not task.done():
            log.error("loop.left_behind", loop=self.loop.name)
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def _log(self, failure: str, error: BaseException | None, pause: float) -> None:
        """Log a failure, the same one at most once in ``_LOG_SECONDS``."""
        now = time.monotonic()
        if self._logged and self._logged[0] == failure and now - self._logged[1] < _LOG_SECONDS:
            return
        self._logged = failure, now
        is_outage = isinstance(error, SQLAlchemyError | OSError)  # its traceback would say nothing more
        log.error(
            "loop.failed",
            loop=self.loop.name,
            reason=failure,
            pause=pause,
            restarts=self._restarts[self.loop.name],
            exc_info=None if is_outage else error,
        )
