"""The worker's loop over the feed: how long it waits after failures."""

import asyncio
import contextlib
from typing import Any

import pytest

from bot.supervisor import Beat, Supervisor
from bot.worker import Worker
from portal.errors import PortalError, PortalRefused, PortalUnavailable
from services.clock import utc_now
from services.notices.clock_watch import ClockWatch
from services.notices.feed_reader import FeedCounters
from storage.database import Database

FAILURES = 2000


class FailingFeed:
    """A feed that fails, and asks at once to be read again."""

    def __init__(self, error: PortalError) -> None:
        self.error = error
        self.counters = FeedCounters()
        self.worker: Worker
        self.has_failed_often = asyncio.Event()

    async def read(self) -> int:
        await asyncio.sleep(0)  # as any read of a portal lets other tasks run
        self.worker.read_now()
        if self.counters.failures == FAILURES:
            self.has_failed_often.set()
        raise self.error


class IdlePlanner:
    async def adopt(self, _beat: object) -> None: ...

    async def hand_over(self) -> tuple[int, int]:
        return 0, 0

    async def sweep_due(self) -> int:
        return 0


class IdleDispatcher:
    """Has nothing to deliver."""

    in_progress = 0

    async def work(self, beat: Beat) -> None:
        await asyncio.Event().wait()

    async def drain(self) -> None:
        return

    async def reclaim(self, *, everything: bool = False) -> None:
        return

    async def queue_repetitions(self) -> None:
        return


class IdlePacks:
    """Has no packs to make."""

    async def work(self, beat: Beat) -> None:
        await asyncio.Event().wait()

    async def purge(self, limit: int) -> int:
        return 0


class NothingOld:
    """Has no rows to delete."""

    async def clean(self, beat: Beat) -> None:
        return


@pytest.mark.parametrize(
    ("error", "shortest"),
    [
        (PortalUnavailable("down"), 300.0),
        (PortalRefused("401"), 300.0),
        (PortalUnavailable("503", retry_after=400), 400),
    ],
)
async def test_a_feed_that_fails_2000_times(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: PortalError,
    shortest: float,
) -> None:
    waits: list[float] = []
    timeout = asyncio.timeout

    def noted(seconds: float | None) -> Any:
        waits.append(seconds or 0.0)
        return timeout(seconds)

    monkeypatch.setattr("bot.worker.asyncio.timeout", noted)
    feed: Any = FailingFeed(error)
    parts: Any = (IdleDispatcher(), IdlePlanner(), IdlePacks(), NothingOld(), ClockWatch(database, utc_now))
    feed.worker = Worker(database, feed, *parts, Supervisor(), poll_seconds=30)
    async with feed.worker.working():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(feed.has_failed_often.wait(), 60)
    assert feed.counters.failures >= FAILURES
    assert waits[FAILURES - 1] == shortest
    assert "loop_failed" not in "".join(capsys.readouterr())
