"""The worker: reads the feed, delivers notices, and deletes old data."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from portal.errors import PortalError, PortalUnavailable
from services.clock import Clock
from services.linking.linking import Linking
from services.notices.dispatcher import Dispatcher
from services.notices.feed_reader import FeedReader
from services.retries import backoff
from services.uninterrupted import uninterrupted
from storage import chats, updates
from storage.database import Database
from storage.notices import retention

_RECLAIM_SECONDS = 10.0
_RETENTION_SECONDS = 600.0
_KEPT = datetime.timedelta(days=400)
"""Retention of settled deliveries: the list of sent copies covers the invoices of a year."""
_BATCH = 100
_BETWEEN_BATCHES_SECONDS = 0.02
_UPDATES_KEPT = datetime.timedelta(days=2)
_DRAIN_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
_RESTART_SECONDS = 1.0

log = structlog.get_logger()


class Worker:
    """The background loops of a process."""

    def __init__(
        self,
        database: Database,
        feed_reader: FeedReader,
        dispatcher: Dispatcher,
        linking: Linking,
        clock: Clock,
        *,
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._feed_reader = feed_reader
        self._dispatcher = dispatcher
        self._linking = linking
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._read_now = asyncio.Event()
        self._looked_at = 0  # id of the last notice that retention has checked

    def read_now(self) -> None:
        """Read the feed at once: the portal reports an event."""
        self._read_now.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run all loops during the body; then finish the sends under way, for ten seconds at most."""
        # SQLite has a single process: every lease belongs to one that is dead.
        await self._dispatcher.reclaim(everything=self._database.is_sqlite)
        async with _looping(self._read_feed, self._dispatcher.work, self._reclaim, self._apply_retention):
            yield
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._dispatcher.drain()
        except TimeoutError:
            log.warning("worker.drain_cut_short", seconds=_DRAIN_SECONDS)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """During the body, read the feed only when the portal reports an event; other processes deliver."""
        async with _looping(self._read_when_told):
            yield

    async def _read_feed(self) -> None:
        pause, failures = self._poll_seconds, 0
        while True:
            self._read_now.clear()
            try:
                if await self._feed_reader.read():
                    self._dispatcher.wake()
                pause, failures = self._poll_seconds, 0
            except PortalError as error:
                self._feed_reader.report.failures += 1
                log.warning("feed.not_read", error=type(error).__name__, reason=str(error))
                failures += 1
                pause = _pause_after(error, failures, longest=max(_LONGEST_PAUSE_SECONDS, self._poll_seconds))
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
                await self._feed_reader.read()
            except PortalError as error:
                log.warning("feed.not_read", error=type(error).__name__, reason=str(error))

    async def _reclaim(self) -> None:
        while True:
            await asyncio.sleep(_RECLAIM_SECONDS)
            await uninterrupted(self._dispatcher.reclaim())

    async def _apply_retention(self) -> None:
        while True:
            await uninterrupted(self._clean())
            await asyncio.sleep(_RETENTION_SECONDS)

    async def _clean(self) -> None:
        """Delete old rows in batches, so that other writers wait for one batch at most."""
        for forget in (
            self._linking.purge,
            self._forget_strangers,
            self._forget_settled,
            self._forget_updates,
            self._forget_bare,
        ):
            deleted = _BATCH
            while deleted == _BATCH:
                deleted = await forget(_BATCH)
                await asyncio.sleep(_BETWEEN_BATCHES_SECONDS)

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
        """Check notices from the last one checked on. One with deliveries is deleted with the last of them."""
        async with self._database.write() as session:
            looked_at = await retention.purge_undelivered(session, self._looked_at, self._clock() - _KEPT, limit)
        self._looked_at = max([self._looked_at, *looked_at])
        return len(looked_at)


def _pause_after(error: PortalError, failures: int, *, longest: float) -> float:
    """Return the seconds until the next read of the feed: no fewer than the portal asked for."""
    requested = error.retry_after if isinstance(error, PortalUnavailable) else None
    return max(requested or 0.0, backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=longest))


@asynccontextmanager
async def _looping(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_restarting(loop)) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _restarting(loop: Callable[[], Awaitable[None]]) -> None:
    """Restart a loop that fails, for example because the database is unreachable."""
    while True:
        try:
            await loop()
        except Exception as error:
            log.error("worker.loop_failed", loop=loop.__name__, error=type(error).__name__, exc_info=error)
        await asyncio.sleep(_RESTART_SECONDS)
