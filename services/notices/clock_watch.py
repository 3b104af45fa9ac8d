"""Detects steps of the system clock, and adjusts the times that were stored before a step back."""

import datetime
import time
from collections import Counter

import structlog

from services.clock import Clock
from services.notices.delivery.claims import LEASE, SENDING_LEASE
from services.notices.delivery.outcome_recorder import LONGEST_RETRY_SECONDS
from storage.database import Database
from storage.notices import clock_steps

SMALLEST_STEP = datetime.timedelta(seconds=30)
"""Smaller steps delay a notice by less than that, and clocks of several machines may differ as much."""
_CLOCKS_DIFFER = datetime.timedelta(seconds=5)
"""By how much a lease may end later than its length from now, because another machine's clock is ahead."""
_LONGEST_PAUSE = datetime.timedelta(seconds=LONGEST_RETRY_SECONDS)

log = structlog.get_logger()


class ClockWatch:
    """Compares the system clock with the monotonic clock; at the start, with the time that a worker saw last.

    A step forward needs no adjustment, only a log line. A start after a pause looks like one, so it is not reported.

    Attributes:
        steps: The number of steps that this process saw, by direction: ``forward`` and ``back``.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._last: tuple[datetime.datetime, float] | None = None
        self.steps: Counter[str] = Counter()

    async def check(self) -> None:
        """Look for a step since the last call. Call it at the start, then several times a minute."""
        async with self._database.write() as session:
            now, ticks = self._clock(), time.monotonic()
            was = self._expected(ticks) or max(now, await clock_steps.last_seen(session) or now)
            made_due = 0
            if was - now >= SMALLEST_STEP:
                made_due = await clock_steps.set_back(session, now, was, _LONGEST_PAUSE)
            if self._last is None or abs(now - was) >= SMALLEST_STEP:
                made_due += await clock_steps.make_far_ones_due(session, now, _LONGEST_PAUSE)
            await clock_steps.shorten_leases(session, now, LEASE + _CLOCKS_DIFFER, SENDING_LEASE + _CLOCKS_DIFFER)
            await clock_steps.record_seen(session, now)
        self._last = now, ticks
        if abs(now - was) >= SMALLEST_STEP:
            self.steps["forward" if now > was else "back"] += 1
            log.warning("clock.stepped", seconds=round((now - was).total_seconds()), made_due=made_due)

    def _expected(self, ticks: float) -> datetime.datetime | None:
        """Return what the clock would show without a step; None at the first call."""
        if self._last is None:
            return None
        now, before = self._last
        return now + datetime.timedelta(seconds=ticks - before)
