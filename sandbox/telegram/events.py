"""Numbered events, and waiting for them without polling."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sandbox.telegram.clock import Clock

T = TypeVar("T")


@dataclass(slots=True)
class Event:
    """One event. `kind` is message, edit, delete, action, answer, request, commands, chat or person."""

    seq: int
    at: datetime
    kind: str
    bot: str | None
    chat_id: int | None
    data: Callable[[], dict[str, Any]] = field(repr=False)

    def json(self) -> dict[str, Any]:
        """Return the event as the control API does."""
        return {
            "seq": self.seq,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "bot": self.bot,
            "chat_id": self.chat_id,
            **self.data(),
        }


class Signal:
    """Wakes its waiters. A waiter may run in any event loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def fire(self) -> None:
        """Wake all current waiters."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, timeout: float) -> bool:
        """Wait for the signal. Returns False after `timeout` seconds without it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            # Python 3.11's wait_for can lose a cancellation that arrives together with the result.
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(future)
        return True

    async def until(self, look: Callable[[], T | None], timeout: float) -> T | None:
        """Call `look` at once and after each signal, until it returns something.

        Returns:
            The result of `look`, or None after `timeout` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while (found := look()) is None:
            left = deadline - loop.time()
            if left <= 0 or not await self.wait(left):
                return look()
        return found


class EventHub:
    """Numbers events, keeps the last `keep` of them, and passes them to subscribers."""

    def __init__(self, clock: Clock, keep: int = 5_000) -> None:
        self._clock = clock
        self.sequence = 0
        self.recent: deque[Event] = deque(maxlen=keep)
        self.changed = Signal()
        self.closed = False

    def publish(
        self, kind: str, data: Callable[[], dict[str, Any]], *, bot: str | None = None, chat_id: int | None = None
    ) -> Event:
        """Add an event. `data` is called only when somebody reads the event."""
        self.sequence += 1
        event = Event(self.sequence, self._clock.now(), kind, bot, chat_id, data)
        self.recent.append(event)
        self.changed.fire()
        return event

    def after(self, seq: int) -> list[Event]:
        """Return the kept events with a number above `seq`, oldest first."""
        missed = min(self.sequence - seq, len(self.recent))
        if missed <= 0:
            return []
        return [self.recent[index] for index in range(len(self.recent) - missed, len(self.recent))]

    async def subscribe(self, since: int | None = None) -> AsyncIterator[Event]:
        """Iterate over the events after `since` until the hub closes. None means from now on."""
        seen = self.sequence if since is None else since
        while not self.closed:
            events = self.after(seen)
            for event in events:
                seen = event.seq
                yield event
            if not events:
                await self.changed.wait(15)

    def close(self) -> None:
        """End all subscriptions."""
        self.closed = True
        self.changed.fire()
