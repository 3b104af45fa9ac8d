"""The bulk lane: when the next notice may go, at an even pace over all workers together."""

import asyncio
import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from services.clock import Clock
from storage import feed
from storage.database import Database

_FAR = datetime.timedelta(milliseconds=500)
"""A message marked as being sent waits no longer for its time."""
_SHORTEST_LEAD = datetime.timedelta(milliseconds=50)
_LONGEST_LEAD = datetime.timedelta(milliseconds=250)
_OVERSLEPT = datetime.timedelta(milliseconds=20)


class BulkLane:
    """Times at which one message each may be written. They are reserved in the database, for this worker alone.

    A message waits until one is ``near``, is then marked as being sent while it is ``owed`` one, and waits for its
    ``turn``: whoever is marked first takes the first, so that a commit that takes long holds up nobody else.
    """

    def __init__(self, database: Database, clock: Clock, rate: float) -> None:
        self._database = database
        self._clock = clock
        self._gap = datetime.timedelta(seconds=1 / rate)
        # At least a tenth of a second at a time: few reservations. No more than a third ahead of those that wait: what
        # the database takes long for is bridged, and a halt by another worker is seen soon.
        self._least, self._most = max(1, int(rate / 10)), max(1, int(rate / 3))
        self._times: list[datetime.datetime] = []
        self._waiting = 0
        self._owed = 0
        self._lead = _SHORTEST_LEAD
        self._halted_until: datetime.datetime | None = None
        self._door = asyncio.Lock()
        self._reserving = asyncio.Lock()
        self._closed = asyncio.Event()
        self._begins_at = 0.0

    async def begin(self) -> None:
        """Waits until one more message may be rendered: half as many again as the lane takes, or the portal and this
        machine would be busy with what then has to wait."""
        now = time.monotonic()
        begins_at = max(self._begins_at, now)
        self._begins_at = begins_at + self._gap.total_seconds() / 1.5
        await asyncio.sleep(begins_at - now)

    def came_to_nothing(self) -> None:
        """What was begun is not sent: another one may begin in its place."""
        self._begins_at -= self._gap.total_seconds() / 1.5

    async def near(self) -> bool:
        """Waits until a time that is owed to nobody is near; ``False`` once the lane is closed."""
        self._waiting += 1
        try:
            await self._stock(min(self._owed + self._waiting, self._most))
            async with self._door:
                while not self._closed.is_set():
                    at = await self._time_after(self._owed)
                    if at - self._clock() <= self._lead:
                        return True
                    with suppress(TimeoutError):
                        async with asyncio.timeout((at - self._lead - self._clock()).total_seconds()):
                            await self._closed.wait()
            return False
        finally:
            self._waiting -= 1

    @contextmanager
    def owed(self) -> Iterator[None]:
        """While a message is being marked. That is begun twice as long before its time as it took lately."""
        self._owed += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._owed -= 1
            took = datetime.timedelta(seconds=time.monotonic() - began)
            self._lead = min(_LONGEST_LEAD, max(_SHORTEST_LEAD, took * 2, self._lead * 0.9))

    async def turn(self) -> bool:
        """Waits for the next time; the request is then to be written before anything else is awaited.

        ``False`` where no time is near, after a 429. One that was overslept is given up: catching up would be a burst.
        """
        while (at := await self._time_after(0)) - self._clock() <= _FAR:
            self._times.remove(at)
            await asyncio.sleep(max(0.0, (at - self._clock()).total_seconds()))
            now = self._clock()
            if now - at <= _OVERSLEPT and self._soonest(now) == now:
                return True
        return False

    async def halt(self, pause: datetime.timedelta) -> None:
        """A 429: nobody sends bulk before it is over. Here it holds at once, in other workers with their next times."""
        until = self._clock() + pause
        self._halted_until = max(self._halted_until or until, until)
        async with self._database.write() as session:
            await feed.halt(session, until)

    def close(self) -> None:
        """Nobody else is let in; who is marked has a turn."""
        self._closed.set()

    async def _time_after(self, count: int) -> datetime.datetime:
        """The time after so many others."""
        while True:
            soonest = self._soonest(self._clock()) - min(self._gap, _OVERSLEPT)
            self._times = [at for at in self._times if at >= soonest]
            if len(self._times) > count:
                return self._times[count]
            await self._stock(count + 1)

    async def _stock(self, count: int) -> None:
        """Sees to it that there are so many times, as far as they do not pass meanwhile."""
        if len(self._times) >= count:
            return
        async with self._reserving:
            missing = count - len(self._times)
            if missing <= 0:
                return
            async with self._database.write() as session:
                soonest = self._soonest(self._clock() + _SHORTEST_LEAD)
                slots = await feed.reserve(session, soonest, self._gap, max(self._least, missing))
            self._times += [slots.start + self._gap * n for n in range(slots.count)]

    def _soonest(self, now: datetime.datetime) -> datetime.datetime:
        """The end of a halt, or now."""
        return now if self._halted_until is None else max(now, self._halted_until)
