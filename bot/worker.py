"""The worker: reads the feed, delivers notices, and deletes old data."""

import asyncio
import contextvars
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from portal.breaker import Caller, caller
from portal.errors import PortalAway, PortalError, PortalUnavailable
from services.clock import Clock
from services.linking.linking import Linking
from services.notices.dispatcher import Dispatcher
from services.notices.feed_reader import FeedReader
from services.retries import backoff
from services.uninterrupted import run_to_completion
from storage import chats, updates
from storage.database import Database
from storage.notices import retention

_RECLAIM_SECONDS = 10.0
_RETENTION_SECONDS = 600.0
_DELIVERIES_KEPT = datetime.timedelta(days=400)
"""Age at which settled deliveries are deleted: the list of sent copies covers the invoices of a year."""
_UPDATES_KEPT = datetime.timedelta(days=2)
_BATCH = 100
_BETWEEN_BATCHES_SECONDS = 0.02
_DRAIN_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
_RESTART_SECONDS = 1.0

log = structlog.get_logger()


class Worker:
    """The background loops of a process.

    Args:
        poll_seconds: The seconds between two reads of the feed.
    """

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
        self._last_checked_notice = 0

    def read_now(self) -> None:
        """Read the feed at once, because the portal reports an event."""
        self._read_now.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run all loops during the body; then finish the sends in progress, for up to ten seconds."""
        # SQLite has a single process, so every lease was left by an earlier one.
        await self._dispatcher.reclaim(everything=self._database.is_sqlite)
        async with _running(self._read_feed, self._dispatcher.work, self._reclaim, self._apply_retention):
            yield
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._dispatcher.drain()
        except TimeoutError:
            log.warning("worker.drain_cut_short", seconds=_DRAIN_SECONDS)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """During the body, read the feed only after ``read_now``; other processes poll and deliver."""
        async with _running(self._read_feed_on_request):
            yield

    async def _read_feed(self) -> None:
        pause, failures = self._poll_seconds, 0
        while True:
            self._read_now.clear()
            try:
                if await self._feed_reader.read():
                    self._dispatcher.wake()
                pause, failures = self._poll_seconds, 0
            except PortalAway as error:
                pause = error.retry_after
            except PortalError as error:
                self._feed_reader.counters.failures += 1
                log.warning("feed.not_read", error=type(error).__name__, reason=str(error))
                failures += 1
                pause = _pause_after(error, failures, longest=max(_LONGEST_PAUSE_SECONDS, self._poll_seconds))
            try:
                async with asyncio.timeout(pause):
                    await self._read_now.wait()
            except TimeoutError:
                continue

    async def _read_feed_on_request(self) -> None:
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
            await run_to_completion(self._dispatcher.reclaim())

    async def _apply_retention(self) -> None:
        while True:
            await run_to_completion(self._clean())
            await asyncio.sleep(_RETENTION_SECONDS)

    async def _clean(self) -> None:
        """Delete old rows in batches, so that other writers wait for one batch at most."""
        for purge in (
            self._linking.purge,
            self._purge_strangers,
            self._purge_deliveries,
            self._purge_updates,
            self._purge_notices,
        ):
            count = _BATCH
            while count == _BATCH:
                count = await purge(_BATCH)
                await asyncio.sleep(_BETWEEN_BATCHES_SECONDS)

    async def _purge_strangers(self, limit: int) -> int:
        async with self._database.write() as session:
            return await chats.purge_unlinked(session, self._clock(), limit)

    async def _purge_deliveries(self, limit: int) -> int:
        async with self._database.write() as session:
            return await retention.purge_settled(session, self._clock() - _DELIVERIES_KEPT, limit)

    async def _purge_updates(self, limit: int) -> int:
        async with self._database.write() as session:
            return await updates.purge(session, self._clock() - _UPDATES_KEPT, limit)

    async def _purge_notices(self, limit: int) -> int:
        """Delete notices without deliveries, checking each once; others are deleted with their last delivery.

        Returns:
            How many notices were checked.
        """
        last, before = self._last_checked_notice, self._clock() - _DELIVERIES_KEPT
        async with self._database.write() as session:
            checked = await retention.purge_undelivered(session, last, before, limit)
        self._last_checked_notice = max([last, *checked])
        return len(checked)


def _pause_after(error: PortalError, failures: int, *, longest: float) -> float:
    """Return the seconds until the next read of the feed, at least those that the portal requested."""
    requested = error.retry_after if isinstance(error, PortalUnavailable) else None
    return max(requested or 0.0, backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=longest))


@asynccontextmanager
async def _running(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    for_worker = contextvars.copy_context()
    for_worker.run(caller.set, Caller.WORKER)
    tasks = [asyncio.create_task(_run_forever(loop), context=for_worker.copy()) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_forever(loop: Callable[[], Awaitable[None]]) -> None:
    """Restart a loop that fails, for example because the database is unreachable."""
    while True:
        try:
            await loop()
        except Exception as error:
            log.error("worker.loop_failed", loop=loop.__name__, error=type(error).__name__, exc_info=error)
        await asyncio.sleep(_RESTART_SECONDS)
