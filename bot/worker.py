"""The worker: reads the feed, carries notices, and keeps house."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from portal.errors import PortalError
from services.clock import Clock
from services.linking.linking import Linking
from services.notices.delivery import Courier
from services.notices.feed_reader import Intake
from services.uninterrupted import uninterrupted
from storage import chats, updates
from storage.database import Database
from storage.notices import retention

_RECLAIM_SECONDS = 10.0
_HOUSEKEEPING_SECONDS = 600.0
_KEPT = datetime.timedelta(days=400)
"""How long a settled delivery stays: "the list of what was sent" reaches back over a year's invoices."""
_AT_ONCE = 100
_BETWEEN_PARTS = 0.02
_UPDATES_KEPT = datetime.timedelta(days=2)
_DRAIN_SECONDS = 10.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
_PAUSE_AFTER_FAILURE = 1.0

log = structlog.get_logger()


class Worker:
    """What runs beside the conversations."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        courier: Courier,
        linking: Linking,
        clock: Clock,
        *,
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._intake = intake
        self._courier = courier
        self._linking = linking
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._read_now = asyncio.Event()
        self._looked_at = 0  # the last notice that was old

    def read_now(self) -> None:
        """The portal says that something happened."""
        self._read_now.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Works until the body ends; then finishes what is being carried, for ten seconds at the most."""
        # A single process on SQLite: whatever is leased was leased by one that is dead.
        await self._courier.reclaim(everything=self._database.is_sqlite)
        async with _looping(self._read_feed, self._courier.work, self._reclaim, self._keep_house):
            yield
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._courier.drain()
        except TimeoutError:
            log.warning("worker.drain_cut_short", seconds=_DRAIN_SECONDS)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Only reads the feed when the portal says so: the deliveries that follow are for the workers elsewhere."""
        async with _looping(self._read_when_told):
            yield

    async def _read_feed(self) -> None:
        pause, failures = self._poll_seconds, 0
        while True:
            self._read_now.clear()
            try:
                if await self._intake.read():
                    self._courier.wake()
                pause, failures = self._poll_seconds, 0
            except PortalError as error:
                self._intake.report.failures += 1
                log.warning("feed.not_read", error=type(error).__name__, reason=str(error))
                failures += 1
                pause = min(_FIRST_PAUSE * 2**failures, max(_LONGEST_PAUSE, self._poll_seconds))
            try:
                async with asyncio.timeout(pause):
                    await self._read_now.wait()
            except TimeoutError:
                continue

    async def _read_when_told(self) -> None:
        while True:
            await self._read_now.wait()
            self._read_now.clear()
            try:
                await self._intake.read()
            except PortalError as error:
                log.warning("feed.not_read", error=type(error).__name__, reason=str(error))

    async def _reclaim(self) -> None:
        while True:
            await asyncio.sleep(_RECLAIM_SECONDS)
            await uninterrupted(self._courier.reclaim())

    async def _keep_house(self) -> None:
        while True:
            await uninterrupted(self._clean())
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    async def _clean(self) -> None:
        """A part at a time: whoever waits to write waits for one part, however much is old."""
        for forget_some in (
            self._linking.purge,
            self._forget_strangers,
            self._forget_settled,
            self._forget_updates,
            self._forget_bare,
        ):
            some = _AT_ONCE
            while some == _AT_ONCE:
                some = await forget_some(_AT_ONCE)
                await asyncio.sleep(_BETWEEN_PARTS)

    async def _forget_strangers(self, limit: int) -> int:
        async with self._database.write() as session:
            return await chats.purge_unlinked(session, self._clock(), limit)

    async def _forget_settled(self, limit: int) -> int:
        async with self._database.write() as session:
            return await retention.purge_settled(session, self._clock() - _KEPT, limit)

    async def _forget_updates(self, limit: int) -> int:
        async with self._database.write() as session:
            return await updates.purge(session, self._clock() - _UPDATES_KEPT, limit)

    async def _forget_bare(self, limit: int) -> int:
        """Goes on where it stopped: a notice that has deliveries goes with the last of them."""
        async with self._database.write() as session:
            looked_at = await retention.purge_undelivered(session, self._looked_at, self._clock() - _KEPT, limit)
        self._looked_at = max([self._looked_at, *looked_at])
        return len(looked_at)


@asynccontextmanager
async def _looping(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_kept_alive(loop)) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_alive(loop: Callable[[], Awaitable[None]]) -> None:
    """A loop that fails, because the database is away for a moment, begins again."""
    while True:
        try:
            await loop()
        except Exception as error:
            log.error("worker.loop_failed", loop=loop.__name__, error=type(error).__name__, exc_info=error)
        await asyncio.sleep(_PAUSE_AFTER_FAILURE)
