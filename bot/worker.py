"""The worker: the background loops, which read the feed, deliver notices, make packs and delete old data."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from bot.supervisor import Beat, Loop, Supervisor
from handlers.telegram.support.closing import ConversationCloser
from portal.breaker import Caller, caller
from portal.errors import PortalAway, PortalError, PortalUnavailable
from services.concurrency.uninterrupted import run_to_completion
from services.housekeeping import Housekeeping
from services.notices.clock_watch import ClockWatch
from services.notices.delivery.dispatcher import Dispatcher
from services.notices.feed_reader import FeedReader
from services.notices.planner import HAND_OVER_BATCH, Planner
from services.notices.stop_mail_reader import StopMailReader
from services.packs.runner import PackRunner
from services.retries import backoff
from storage.database import Database

_RECLAIM_SECONDS = 10.0
_RETENTION_SECONDS = 600.0
_START_SECONDS = 1.0
_DRAIN_SECONDS = 8.0
"""How long a stop waits for the sends in progress; updates in progress are waited for at the same time."""
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
_FEED_LIMIT_SECONDS = 600.0
"""A read may take in 20,000 events, which took 150 s; what it has stored stays stored where it is restarted."""
_DISPATCHER_LIMIT_SECONDS = 600.0
"""A turn may wait for one of 32 sends to end, and a send may take 300 s."""
_RECLAIM_LIMIT_SECONDS = 120.0
_PLAN_SECONDS = 1.0
"""Pause between two looks at the plan, and the shortest time of a batch of sweeps: 10 links/s in each process."""
_ADOPT_SECONDS = 86_400.0
_PLAN_LIMIT_SECONDS = 120.0
_SWEEP_LIMIT_SECONDS = 300.0
"""A batch of ten links, four at once, with at most 20 calls of 10 s each for the largest accounts."""
_PACKS_LIMIT_SECONDS = 120.0
_SUPPORT_SECONDS = 10.0
_SUPPORT_LIMIT_SECONDS = 300.0
"""Twenty conversations, each with three calls of Telegram of 15 s at most."""
_STOP_MAIL_SECONDS = 60.0
_STOP_MAIL_LIMIT_SECONDS = 120.0
"""For one mail: three commands of 15 s at most, and a transaction."""
_RETENTION_LIMIT_SECONDS = 300.0
"""For one batch; each takes milliseconds, except where another process holds locks."""

log = structlog.get_logger()


class Worker:
    """The background loops of a process.

    Args:
        supervisor: Restarts the loops that fail.
        poll_seconds: The seconds between two reads of the feed.
        closer: Closes ended conversations with the staff; None where there is no staff's chat.
        stop_mails: Reads the mailbox of mails that stop copies; None where there is none.
    """

    def __init__(
        self,
        database: Database,
        feed_reader: FeedReader,
        dispatcher: Dispatcher,
        planner: Planner,
        packs: PackRunner,
        housekeeping: Housekeeping,
        clock_watch: ClockWatch,
        supervisor: Supervisor,
        *,
        poll_seconds: float,
        closer: ConversationCloser | None = None,
        stop_mails: StopMailReader | None = None,
    ) -> None:
        self._database = database
        self._feed_reader = feed_reader
        self._dispatcher = dispatcher
        self._planner = planner
        self._packs = packs
        self._housekeeping = housekeeping
        self._clock_watch = clock_watch
        self._supervisor = supervisor
        self._poll_seconds = poll_seconds
        self._closer = closer
        self._stop_mails = stop_mails
        self._stop_loops: Callable[[], Awaitable[None]] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._read_now = asyncio.Event()

    @property
    def stop_mails(self) -> StopMailReader | None:
        """The reader of the mailbox of mails that stop copies; None where there is none."""
        return self._stop_mails

    @property
    def in_progress(self) -> int:
        """The number of notices that are claimed or being sent."""
        return self._dispatcher.in_progress

    def read_now(self) -> None:
        """Read the feed at once, because the portal reports an event."""
        self._read_now.set()

    async def reclaim_left(self) -> None:
        """Before ``working``: look at the clock, and release what dead processes left; on SQLite no other one lives."""
        await self._clock_watch.check()
        await self._dispatcher.reclaim(everything=self._database.is_sqlite)
        if self._database.is_sqlite:
            await self._packs.reclaim()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run all loops during the body; then finish the sends in progress, for up to ``_DRAIN_SECONDS``."""
        stop_loops = self._supervisor.start(
            Loop("feed", self._read_feed, _FEED_LIMIT_SECONDS),
            Loop("dispatcher", self._dispatcher.work, _DISPATCHER_LIMIT_SECONDS),
            Loop("plan", self._hand_over, _PLAN_LIMIT_SECONDS),
            Loop("sweeps", self._sweep, _SWEEP_LIMIT_SECONDS),
            Loop("packs", self._packs.work, _PACKS_LIMIT_SECONDS),
            Loop("reclaim", self._reclaim, _RECLAIM_LIMIT_SECONDS),
            Loop("retention", self._apply_retention, _RETENTION_LIMIT_SECONDS),
            *([Loop("support", self._close_conversations, _SUPPORT_LIMIT_SECONDS)] if self._closer else []),
            *([Loop("stop_mails", self._read_stop_mails, _STOP_MAIL_LIMIT_SECONDS)] if self._stop_mails else []),
        )
        self._stop_loops = stop_loops
        try:
            yield
        finally:
            self.begin_stop()
            if self._stopping is not None:
                await self._stopping
            self._stop_loops = self._stopping = None

    def begin_stop(self) -> None:
        """Begin the end of ``working`` if it runs, so that it takes place beside other steps of a stop."""
        if self._stop_loops is not None and self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(self._stop_loops))

    async def _stop(self, stop_loops: Callable[[], Awaitable[None]]) -> None:
        """Stop claiming, and wait for the sends in progress. What is cut short stays in the outbox."""

        async def stop_and_drain() -> None:
            await stop_loops()
            await self._dispatcher.drain()

        draining = asyncio.create_task(stop_and_drain())
        await asyncio.wait({draining}, timeout=_DRAIN_SECONDS)
        if not draining.done():
            draining.cancel()
            log.warning("worker.drain_cut_short", seconds=_DRAIN_SECONDS, notices=self._dispatcher.in_progress)
        elif error := draining.exception():
            log.warning("worker.drain_failed", error=type(error).__name__, notices=self._dispatcher.in_progress)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """During the body, read the feed only after ``read_now``; other processes poll and deliver."""
        async with self._supervisor.running(Loop("feed", self._read_feed_on_request, _FEED_LIMIT_SECONDS)):
            yield

    async def _read_feed(self, beat: Beat) -> None:
        caller.set(Caller.WORKER)  # of this task only
        pause, failures = self._poll_seconds, 0
        while True:
            beat()
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
            beat(pause)
            try:
                async with asyncio.timeout(pause):
                    await self._read_now.wait()
            except TimeoutError:
                continue

    async def _read_feed_on_request(self, beat: Beat) -> None:
        caller.set(Caller.WORKER)
        while True:
            beat(math.inf)
            await self._read_now.wait()
            beat()
            self._read_now.clear()
            try:
                await self._feed_reader.read()
            except PortalError as error:
                log.warning("feed.not_read", error=type(error).__name__, reason=str(error))

    async def _hand_over(self, beat: Beat) -> None:
        """Queue what the plan has for now."""
        while True:
            beat(_PLAN_SECONDS)
            taken, queued = await self._planner.hand_over()
            if queued:
                self._dispatcher.wake()
            if taken < HAND_OVER_BATCH:
                await asyncio.sleep(_PLAN_SECONDS)

    async def _sweep(self, beat: Beat) -> None:
        """Compare the links whose sweep is due with the portal, a batch at a time."""
        caller.set(Caller.WORKER)
        await _after_start(beat)
        adopt_at = time.monotonic()
        while True:
            if time.monotonic() >= adopt_at:
                await self._planner.adopt(beat)
                adopt_at = time.monotonic() + _ADOPT_SECONDS
            beat(_PLAN_SECONDS)
            pause = _PLAN_SECONDS
            try:
                await self._planner.sweep_due()
            except PortalAway as error:
                pause = error.retry_after
            beat(pause)
            await asyncio.sleep(pause)

    async def _reclaim(self, beat: Beat) -> None:
        while True:
            beat(_RECLAIM_SECONDS)
            await self._dispatcher.queue_repetitions()
            await asyncio.sleep(_RECLAIM_SECONDS)
            await run_to_completion(self._clock_watch.check())
            await run_to_completion(self._dispatcher.reclaim())

    async def _close_conversations(self, beat: Beat) -> None:
        """End conversations with the staff that are idle, and close those that ended."""
        while self._closer is not None:
            beat(_SUPPORT_SECONDS)
            await self._closer.end_idle()
            await self._closer.close_ended()
            await asyncio.sleep(_SUPPORT_SECONDS)

    async def _read_stop_mails(self, beat: Beat) -> None:
        """Act on mails that ask to stop copies, and on copies that came back."""
        while self._stop_mails is not None:
            beat()
            if await self._stop_mails.read(beat):
                self._dispatcher.wake()
                continue
            self._dispatcher.wake()
            beat(_STOP_MAIL_SECONDS)
            await asyncio.sleep(_STOP_MAIL_SECONDS)

    async def _apply_retention(self, beat: Beat) -> None:
        await _after_start(beat)
        while True:
            await run_to_completion(self._housekeeping.clean(beat))
            beat(_RETENTION_SECONDS)
            await asyncio.sleep(_RETENTION_SECONDS)


async def _after_start(beat: Beat) -> None:
    """Wait until those who wrote while the bot was down are answered: nobody waits for this work."""
    beat(_START_SECONDS)
    await asyncio.sleep(_START_SECONDS)


def _pause_after(error: PortalError, failures: int, *, longest: float) -> float:
    """Return the seconds until the next read of the feed, at least those that the portal requested."""
    requested = error.retry_after if isinstance(error, PortalUnavailable) else None
    return max(requested or 0.0, backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=longest))
