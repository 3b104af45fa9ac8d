"""The rate limiter of bulk messages: reserves send slots at an even pace over all workers."""

import asyncio
import datetime
import time
from contextlib import suppress

from services.clock import Clock
from storage.database import Database
from storage.notices import rate_limiter

_LEAD = datetime.timedelta(milliseconds=100)
"""How long before its slot a message is marked as being sent: room for the commit. A longer lead leaves more messages
uncertain when the process is killed."""
_FAR = datetime.timedelta(milliseconds=500)
"""A message that is marked as being sent waits for no slot that is further away."""
_TOLERANCE = datetime.timedelta(milliseconds=20)
"""How late a request may be written. A later one needs another slot: catching up would be a burst."""
_ADMISSIONS_PER_SLOT = 1.5


class BulkRateLimiter:
    """Hands out send slots, which are reserved in the database for this worker alone; one message may use one slot.

    A message waits until its slot is near, is marked as being sent, and waits for the slot:
    ``wait_until_near``, then the caller's commit, then ``wait_for_slot``.

    Args:
        rate: Slots per second, over all workers.
    """

    def __init__(self, database: Database, clock: Clock, rate: float) -> None:
        self._database = database
        self._clock = clock
        self._gap = datetime.timedelta(seconds=1 / rate)
        # A fifth of a second at once: few writes of the row, and a halt by another worker takes effect soon.
        self._reserved_at_once = max(1, int(rate / 5))
        self._slots: list[datetime.datetime] = []
        self._halted_until: datetime.datetime | None = None
        self._next_in_line = asyncio.Lock()
        self._reserving = asyncio.Lock()
        self._closed = asyncio.Event()
        self._admits_at = 0.0

    async def admit(self) -> None:
        """Wait until one more message may be rendered, at 1.5 times the rate.

        Without this the portal and this machine would be busy with messages that then wait for a slot.
        """
        now = time.monotonic()
        admits_at = max(self._admits_at, now)
        self._admits_at = admits_at + self._gap.total_seconds() / _ADMISSIONS_PER_SLOT
        await asyncio.sleep(admits_at - now)

    def return_admission(self) -> None:
        """Let another message be rendered in place of an admitted one that needs no slot."""
        self._admits_at -= self._gap.total_seconds() / _ADMISSIONS_PER_SLOT

    async def wait_until_near(self) -> datetime.datetime | None:
        """Take a slot and wait until shortly before it.

        Returns:
            The slot, to be given to ``wait_for_slot``; ``None`` once the limiter is closed.
        """
        async with self._next_in_line:
            while not self._closed.is_set():
                slot = await self._take()
                with suppress(TimeoutError):
                    async with asyncio.timeout((slot - _LEAD - self._clock()).total_seconds()):
                        await self._closed.wait()
                if not self._closed.is_set() and self._is_usable(slot, _TOLERANCE):
                    return slot
        return None

    async def wait_for_slot(self, slot: datetime.datetime) -> bool:
        """Wait for a slot, or for the next one where this one has passed. The caller then writes the request at once.

        Returns:
            False where no slot is near, after a 429.
        """
        while slot - self._clock() <= _FAR and not self._is_halted(slot):
            await asyncio.sleep(max(0.0, (slot - self._clock()).total_seconds()))
            if self._is_usable(slot, _TOLERANCE):
                return True
            slot = await self._take()
        return False

    async def halt(self, pause: datetime.timedelta) -> None:
        """Send no bulk message for a while, after a 429. Other workers notice when they reserve their next slots."""
        until = self._clock() + pause
        self._halted_until = max(self._halted_until or until, until)
        async with self._database.write() as session:
            await rate_limiter.halt(session, until)

    def close(self) -> None:
        """End every ``wait_until_near``. A message that is marked as being sent still gets its slot."""
        self._closed.set()

    async def _take(self) -> datetime.datetime:
        """Remove and return the next slot that has not passed."""
        async with self._reserving:
            while True:
                tolerance = min(self._gap, _TOLERANCE)
                self._slots = [slot for slot in self._slots if self._is_usable(slot, tolerance)]
                if self._slots:
                    return self._slots.pop(0)
                async with self._database.write() as session:
                    soonest = max(self._clock() + _LEAD / 2, self._halted_until or self._clock())
                    slots = await rate_limiter.reserve(session, soonest, self._gap, self._reserved_at_once)
                self._slots = [slots.start + self._gap * n for n in range(slots.count)]

    def _is_usable(self, slot: datetime.datetime, tolerance: datetime.timedelta) -> bool:
        return slot >= self._clock() - tolerance and not self._is_halted(slot)

    def _is_halted(self, slot: datetime.datetime) -> bool:
        return self._halted_until is not None and slot < self._halted_until
