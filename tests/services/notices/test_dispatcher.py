"""A worker leases a bounded number of deliveries and records their outcomes."""

import asyncio
import datetime
from collections import Counter
from collections.abc import Sequence

import pytest

from portal.errors import (
    Forbidden,
    NotFound,
    NotReady,
    PortalBroken,
    PortalError,
    PortalRefused,
    PortalUnavailable,
    TooLarge,
)
from services.clock import utc_now
from services.notices.dispatcher import MAX_CONCURRENT_SENDS, Dispatcher
from services.notices.outcomes import Cancelled, NotSent, Outcome, Retry, SendFunc, Sent, after_portal_error
from services.notices.rate_limiter import BulkRateLimiter
from storage.database import Database
from storage.notices import feed, outbox, outbox_report
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, Kind, State

PATIENCE = 20


class SlowPortal:
    """Renders only when the portal answers; deliveries to odd recipients are then cancelled."""

    is_paced = False

    def __init__(self) -> None:
        self.answers = asyncio.Semaphore(0)
        self.asked = asyncio.Semaphore(0)

    async def is_still_wanted(self, batch: Sequence[ClaimedDelivery]) -> bool:
        return True

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent:
        self.asked.release()
        await self.answers.acquire()
        return Cancelled("nobody") if batch[0].recipient % 2 else self._send

    @staticmethod
    async def _send() -> Outcome:
        return Sent()


async def counts(database: Database) -> dict[State, int]:
    async with database.read() as session:
        return await outbox_report.count_all(session)


async def test_worker_leases_no_more_than_it_processes(database: Database) -> None:
    """A worker leases no more deliveries than it can process at once, and processes all."""
    notices = 3 * MAX_CONCURRENT_SENDS
    async with database.write() as session:
        wanted = [NewDelivery(Channel.TELEGRAM, n, n, utc_now(), "Client") for n in range(1, notices + 1)]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", utc_now()), wanted)
    sender = SlowPortal()
    settled: Counter[State] = Counter()
    limiter = BulkRateLimiter(database, utc_now, 1000)
    dispatcher = Dispatcher(
        database,
        utc_now,
        {Channel.TELEGRAM: sender},
        limiter,
        chat_rate=1000,
        settled=settled,
    )
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(PATIENCE):
        for _ in range(MAX_CONCURRENT_SENDS):
            await sender.asked.acquire()
        for _ in range(MAX_CONCURRENT_SENDS // 2):
            sender.answers.release()
        for _ in range(MAX_CONCURRENT_SENDS // 2):
            await sender.asked.acquire()
        # No delivery is leased while others wait for the portal.
        found = await counts(database)
        assert found[State.LEASED] <= MAX_CONCURRENT_SENDS
        assert sum(found.values()) - found[State.QUEUED] - found[State.LEASED] >= MAX_CONCURRENT_SENDS // 2
        for _ in range(notices):
            sender.answers.release()
        while (await counts(database)).keys() - {State.SENT, State.CANCELLED}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    assert await counts(database) == settled == {State.SENT: notices // 2, State.CANCELLED: notices // 2}
    async with database.read() as session:
        assert await outbox.next_due(session) is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotFound("order"), Cancelled("NotFound")),
        (Forbidden("invoice"), Cancelled("Forbidden")),
        (TooLarge("a document"), Cancelled("TooLarge")),
        (PortalUnavailable("down"), Retry("portal: down")),
        (PortalBroken("no JSON"), Retry("portal: no JSON")),
        (PortalUnavailable("503", retry_after=300.0), Retry("portal: 503", datetime.timedelta(minutes=5))),
        (NotReady("409", retry_after=30.0), Retry("portal: 409", datetime.timedelta(seconds=30))),
        (PortalRefused("401"), Retry("portal: 401", datetime.timedelta(minutes=10))),
    ],
)
def test_what_a_portal_error_means(error: PortalError, outcome: Retry | Cancelled) -> None:
    assert after_portal_error(error) == outcome


class FailingPortal(SlowPortal):
    """A sender that cannot read the portal, which names a pause."""

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent:
        self.asked.release()
        raise PortalUnavailable("503", retry_after=300.0)


@pytest.mark.parametrize("channel", list(Channel))
async def test_a_pause_that_the_portal_names_holds_in_every_channel(database: Database, channel: Channel) -> None:
    started = utc_now()
    async with database.write() as session:
        wanted = [NewDelivery(channel, 1, 1, started, "Client")]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", started), wanted)
    sender = FailingPortal()
    limiter = BulkRateLimiter(database, utc_now, 1000)
    dispatcher = Dispatcher(database, utc_now, {channel: sender}, limiter, chat_rate=1000, settled=Counter())
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(PATIENCE):
        await sender.asked.acquire()
        while (await counts(database)).keys() != {State.RETRY}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    async with database.read() as session:
        due_at = await outbox.next_due(session)
    assert due_at is not None
    assert due_at - started >= datetime.timedelta(seconds=300)
