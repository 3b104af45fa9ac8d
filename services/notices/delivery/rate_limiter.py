"""The rate limiter of bulk messages: reserves evenly spaced send slots over all workers."""

import asyncio
import datetime
import time
from collections import deque
from contextlib import suppress

import structlog

from services.clock import Clock
from services.notices.delivery.chat_limits import LONGEST_PAUSE, TooManyReports
from storage.database import Database
from storage.notices import rate_limiter

_MARK_LEAD = datetime.timedelta(milliseconds=100)
"""Time between marking a message as ``sending`` and its slot: it covers the commit. With a longer lead, more messages
become uncertain when the process is killed."""
_MAX_MARKED_WAIT = 0.5
"""Longest wait, in seconds, of a message in state ``sending`` for its slot."""
_MAX_DELAY = datetime.timedelta(milliseconds=20)
"""Longest delay of a request after its slot. A later one needs another slot: catching up would cause a burst."""
_ADMISSIONS_PER_SLOT = 1.5
"""Messages admitted to rendering per send slot."""
_TOO_MANY_CHATS, _TOO_MANY_SECONDS = 3, 5.0
"""Chats that have to meet a 429 within these seconds before all bulk messages halt."""

log = structlog.get_logger()


class BulkRateLimiter:
    """Hands out send slots that the database reserves for this worker; one slot serves one message.

    In the database a slot is a time of the system clock; here it is one of the monotonic clock, which nobody sets.

    Per message, call ``wait_until_near``, commit the state ``sending``, and call ``wait_for_slot``.

    Args:
        rate: Slots per second, over all workers.
    """

    def __init__(self, database: Database, clock: Clock, rate: float) -> None:
        self._database = database
        self._clock = clock
        self._gap = datetime.timedelta(seconds=1 / rate)
        # Reserve 0.2 s of slots at once: few database writes, and a halt by another worker takes effect soon.
        self._reserved_at_once = max(1, int(rate / 5))
        lead = rate_limiter.longest_lead(self._gap, self._reserved_at_once)
        self._longest_wait = lead.total_seconds()
        self._slots: deque[float] = deque()
        self._halted_until: tuple[datetime.datetime, float] | None = None
        self._queue_lock = asyncio.Lock()
        self._reservation_lock = asyncio.Lock()
        self._closed = asyncio.Event()
        self._next_admission = 0.0
        self._too_many = TooManyReports()

    async def admit(self) -> None:
        """Wait until one more message may be rendered, at 1.5 times the rate.

        Without it, rendering would run far ahead of the slots, and load the portal in bursts.
        """
        now = time.monotonic()
        admission = max(self._next_admission, now)
        self._next_admission = admission + self._gap.total_seconds() / _ADMISSIONS_PER_SLOT
        await asyncio.sleep(admission - now)

    def return_admission(self) -> None:
        """Admit another message in place of one that needs no slot."""
        self._next_admission -= self._gap.total_seconds() / _ADMISSIONS_PER_SLOT

    async def wait_until_near(self) -> float | None:
        """Take a slot and wait until shortly before it.

        Returns:
            The slot, for ``wait_for_slot``; ``None`` once the limiter is closed.
        """
        async with self._queue_lock:
            while not self._closed.is_set():
                slot = await self._next_slot()
                wait = slot - _MARK_LEAD.total_seconds() - time.monotonic()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait, self._longest_wait)):
                        await self._closed.wait()
                if wait > self._longest_wait:  # a halt, or a time from before the clock was set back: ask again
                    self._slots.clear()
                    continue
                if not self._closed.is_set() and self._is_usable(slot, _MAX_DELAY):
                    return slot
        return None

    async def wait_for_slot(self, slot: float) -> bool:
        """Wait for a slot, or for the next one if it has passed. The caller must then send the request immediately.

        Returns:
            False if the next slot is too far away, as after a 429.
        """
        while slot - time.monotonic() <= _MAX_MARKED_WAIT and not self._is_halted(slot):
            await asyncio.sleep(max(0.0, slot - time.monotonic()))
            if self._is_usable(slot, _MAX_DELAY):
                return True
            slot = await self._next_slot()
        return False

    async def report_too_many(self, chat_id: int, retry_after: datetime.timedelta) -> datetime.timedelta:
        """Hold the notices of a chat that met a 429, for as long as Telegram asks, up to ``LONGEST_PAUSE``.

        Where several chats met one within seconds, all bulk messages stop, for the longest of these pauses.

        Returns:
            The pause of this chat.
        """
        pause = min(retry_after, LONGEST_PAUSE)
        for_all = self._too_many.add(chat_id, pause)
        if for_all is not None:
            if self._halted_for() <= 0:
                log.warning("notices.halted", seconds=for_all.total_seconds())
            await self.halt(for_all)
        async with self._database.write() as session:
            await rate_limiter.hold_chat(session, chat_id, self._clock() + pause)
        return pause

    def pause_of(self, chat_id: int) -> datetime.timedelta:
        """Return how long a chat may get no notice, after a 429 that this process met; zero where it may."""
        return self._too_many.pause_of(chat_id)

    async def halt(self, pause: datetime.timedelta) -> None:
        """Stop all bulk messages for a pause. Other workers follow when they reserve their next slots."""
        until = self._clock() + pause
        if pause.total_seconds() > self._halted_for():
            self._halted_until = until, time.monotonic() + pause.total_seconds()
        async with self._database.write() as session:
            await rate_limiter.halt(session, until)

    def close(self) -> None:
        """End every ``wait_until_near``. A message in state ``sending`` still gets its slot."""
        self._closed.set()

    async def _next_slot(self) -> float:
        """Take the next usable slot, and reserve further ones if there is none."""
        async with self._reservation_lock:
            while True:
                tolerance = min(self._gap, _MAX_DELAY)
                while self._slots:
                    if self._is_usable(slot := self._slots.popleft(), tolerance):
                        return slot
                async with self._database.write() as session:
                    now, ticks = self._clock(), time.monotonic()
                    earliest = now + max(_MARK_LEAD / 2, datetime.timedelta(seconds=self._halted_for()))
                    slots = await rate_limiter.reserve(session, earliest, self._gap, self._reserved_at_once)
                starts = (slots.start + self._gap * n for n in range(slots.count))
                self._slots.extend(ticks + (start - now).total_seconds() for start in starts)

    def _is_usable(self, slot: float, tolerance: datetime.timedelta) -> bool:
        return slot >= time.monotonic() - tolerance.total_seconds() and not self._is_halted(slot)

    def _is_halted(self, slot: float) -> bool:
        halted_for = self._halted_for()
        return halted_for > 0 and slot < time.monotonic() + halted_for

    def _halted_for(self) -> float:
        """Return the seconds that a halt still lasts, by the clock by which it ends first; 0 where there is none."""
        if self._halted_until is None:
            return 0.0
        until, end = self._halted_until
        return max(0.0, min((until - self._clock()).total_seconds(), end - time.monotonic()))
