"""A worker leases a bounded number of deliveries and records their outcomes."""

import asyncio
import datetime
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlmodel import col

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
from services.notices.delivery.breaker import ChannelBreaker
from services.notices.delivery.claims import LEASE
from services.notices.delivery.dispatcher import MAX_CONCURRENT_SENDS, Dispatcher
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.delivery.outcomes import (
    NEVER_FOUND,
    Blocked,
    Cancelled,
    NotSent,
    Outcome,
    Retry,
    Sender,
    SendFunc,
    Sent,
    Uncertain,
    after_portal_error,
)
from services.notices.delivery.rate_limiter import BulkRateLimiter
from storage.database import Database, Session
from storage.notices import feed, outbox, outbox_report
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, Delivery, Kind, State

PATIENCE = 60.0


class SlowPortal:
    """Renders only when the portal answers; deliveries to odd recipients are then cancelled."""

    is_paced = False

    def __init__(self) -> None:
        self.answers = asyncio.Semaphore(0)
        self.asked = asyncio.Semaphore(0)

    async def is_still_wanted(self, _batch: object) -> bool:
        return True

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent:
        self.asked.release()
        await self.answers.acquire()
        return Cancelled("nobody") if batch[0].recipient % 2 else self._send

    async def is_reachable(self) -> bool:
        return True

    @staticmethod
    async def _send() -> Outcome:
        return Sent()


def a_dispatcher(
    database: Database, senders: dict[Channel, Sender], limiter: BulkRateLimiter, settled: Counter[State]
) -> Dispatcher:
    breakers = {channel: ChannelBreaker(channel, places=16, silence=3.0) for channel in senders}
    recorder = OutcomeRecorder(database, utc_now, limiter, settled)
    return Dispatcher(database, utc_now, senders, breakers, limiter, recorder, chat_rate=1000)


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
    dispatcher = a_dispatcher(database, {Channel.TELEGRAM: sender}, limiter, settled)
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(PATIENCE):
        for _ in range(MAX_CONCURRENT_SENDS):
            await sender.asked.acquire()
        for _ in range(MAX_CONCURRENT_SENDS // 2):
            sender.answers.release()
        for _ in range(MAX_CONCURRENT_SENDS // 4):  # a claim takes several at once
            await sender.asked.acquire()
        # No delivery is leased while others wait for the portal.
        found = await counts(database)
        assert found[State.LEASED] <= MAX_CONCURRENT_SENDS
        assert sum(found.values()) - found[State.QUEUED] - found[State.LEASED] >= MAX_CONCURRENT_SENDS // 4
        for _ in range(notices):
            sender.answers.release()
        while (await counts(database)).keys() - {State.SENT, State.CANCELLED}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    assert await counts(database) == settled == {State.SENT: notices // 2, State.CANCELLED: notices // 2}
    async with database.read() as session:
        assert await outbox_report.next_due(session) is None


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


@pytest.mark.parametrize(
    ("hours", "outcome"), [(0, Retry("portal: order")), (5, Retry("portal: order")), (7, Cancelled(NEVER_FOUND))]
)
def test_what_the_feed_reported_may_come_later(hours: int, outcome: Retry | Cancelled) -> None:
    """A 404 for what the feed has just reported is retried, for hours."""
    assert after_portal_error(NotFound("order"), reported=datetime.timedelta(hours=hours)) == outcome


class Broken(Exception):
    """An error of asyncpg's own, as a connection that is opened raises it."""


Broken.__module__ = "asyncpg.exceptions"


class RefusingDatabase:
    """A database that refuses the next writes, each with one of these errors."""

    def __init__(self, database: Database, *errors: Exception) -> None:
        self._database = database
        self.errors = list(errors)
        self.is_sqlite = database.is_sqlite

    def read(self) -> AbstractAsyncContextManager[Session]:
        return self._database.read()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        if self.errors:
            raise self.errors.pop(0)
        async with self._database.write() as session:
            yield session


@pytest.mark.parametrize("outcome", [Sent(), Cancelled("paid"), Uncertain("timed out"), Retry("500")])
@pytest.mark.parametrize("is_reclaimed", [False, True])
async def test_outcome_is_recorded_when_the_database_is_back(
    database: Database, outcome: Outcome, is_reclaimed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raised meanwhile, also where another worker has reclaimed the delivery."""
    monkeypatch.setattr("services.notices.delivery.outcome_recorder._LONGEST_PAUSE_SECONDS", 0.01)
    now = utc_now()
    async with database.write() as session:
        wanted = [NewDelivery(Channel.EMAIL, 1, 1, now, "Client")]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", now), wanted)
        claimed = await outbox.claim(session, "w", now, now + LEASE, 1, datetime.timedelta())
        assert await outbox.begin_sending(session, outbox.held_by("w", [claimed[0].delivery_id]), now, now + LEASE)
    if is_reclaimed:
        async with database.write() as session:
            assert await outbox.reclaim(session, now, everything=True) == (0, 1)
    errors = [
        OperationalError("UPDATE", {}, Exception("locked")), ConnectionRefusedError(), TimeoutError(), OSError("I/O"),
        Broken(),
    ]  # fmt: skip
    refusing: Any = RefusingDatabase(database, *errors)
    settled: Counter[State] = Counter()
    recorder = OutcomeRecorder(refusing, utc_now, BulkRateLimiter(database, utc_now, 1000), settled)
    recording = asyncio.create_task(recorder.record(claimed, outcome))
    async with asyncio.timeout(PATIENCE):
        while not recorder.unrecorded:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await recording
    assert (recorder.unrecorded, refusing.errors) == (0, [])
    state = {Sent: State.SENT, Cancelled: State.CANCELLED, Uncertain: State.UNCERTAIN, Retry: State.RETRY}
    assert await counts(database) == {state[type(outcome)]: 1}


async def test_mistake_of_the_program_is_not_taken_for_the_database(database: Database) -> None:
    recorder = OutcomeRecorder(database, utc_now, BulkRateLimiter(database, utc_now, 1000), Counter())
    with pytest.raises(AttributeError):
        await recorder.record([cast("ClaimedDelivery", None)], Sent())


class FailingServer(SlowPortal):
    """A server that answers so for some seconds from the first message on, and counts what it gets at once."""

    def __init__(self, outcome: Outcome, seconds: float) -> None:
        super().__init__()
        self._outcome = outcome
        self._seconds = seconds
        self._began: float | None = None
        self.failed = self.at_once = self.most_at_once = 0

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent:
        return self.send

    async def send(self) -> Outcome:
        self._began = self._began or time.monotonic()
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0.02)
        self.at_once -= 1
        if time.monotonic() - self._began > self._seconds:
            return Sent()
        self.failed += 1
        return self._outcome


@pytest.mark.timeout(120)
@pytest.mark.parametrize("failure", [Uncertain("502"), Retry("refused", is_outage=True)])
async def test_failing_server_gets_few_messages(database: Database, failure: Outcome) -> None:
    """One volley, then single probes; all others wait, and are not spent."""
    async with database.write() as session:
        wanted = [NewDelivery(Channel.TELEGRAM, n, n, utc_now(), "Client") for n in range(1, 101)]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", utc_now()), wanted)
    sender = FailingServer(failure, 2.0)
    settled: Counter[State] = Counter()
    dispatcher = a_dispatcher(database, {Channel.TELEGRAM: sender}, BulkRateLimiter(database, utc_now, 1000), settled)
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(100):
        while settled[State.SENT] + settled[State.UNCERTAIN] < 100:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    assert (await counts(database))[State.SENT] == 100 - settled[State.UNCERTAIN]
    assert settled[State.UNCERTAIN] == (sender.failed if isinstance(failure, Uncertain) else 0)
    assert sender.failed <= 16 + 2
    assert sender.most_at_once <= 16


class CancelledWhileRendered(SlowPortal):
    """Cancels odd recipients' deliveries while it renders them, as a tap in the chat may; counts what it sends."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self.sent: list[int] = []

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent:
        delivery = batch[0]

        async def send() -> Outcome:
            self.sent.append(delivery.recipient)
            return Sent()

        if delivery.recipient % 2:
            async with self._database.write() as session:
                which = update(Delivery).where(col(Delivery.delivery_id) == delivery.delivery_id)
                await session.change(which.values(state=State.CANCELLED))
        return send


async def test_delivery_cancelled_while_it_is_rendered_is_not_sent(database: Database) -> None:
    async with database.write() as session:
        wanted = [NewDelivery(Channel.TELEGRAM, n, n, utc_now(), "Client") for n in range(1, 9)]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", utc_now()), wanted)
    sender, settled = CancelledWhileRendered(database), Counter[State]()
    dispatcher = a_dispatcher(database, {Channel.TELEGRAM: sender}, BulkRateLimiter(database, utc_now, 1000), settled)
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(PATIENCE):
        while await counts(database) != {State.SENT: 4, State.CANCELLED: 4}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    assert sorted(sender.sent) == [2, 4, 6, 8]


@pytest.mark.parametrize("answer", [Blocked(), Cancelled("refused"), Retry("429", is_too_many=True)])
async def test_answer_about_one_recipient_brakes_nothing(database: Database, answer: Outcome) -> None:
    async with database.write() as session:
        wanted = [NewDelivery(Channel.TELEGRAM, n, n, utc_now(), "Client") for n in range(1, 41)]
        await feed.record(session, NewNotice("e1", Kind.INVOICE_ISSUED, "a1", "1", utc_now()), wanted)
    sender = FailingServer(answer, 3600)
    limiter = BulkRateLimiter(database, utc_now, 1000)
    dispatcher = a_dispatcher(database, {Channel.TELEGRAM: sender}, limiter, Counter())
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(PATIENCE):  # less than the pauses of a breaker that opens
        while (await counts(database)).keys() & {State.QUEUED, State.LEASED, State.SENDING}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    assert sender.failed >= 40


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
    dispatcher = a_dispatcher(database, {channel: sender}, limiter, Counter())
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(PATIENCE):
        await sender.asked.acquire()
        while (await counts(database)).keys() != {State.RETRY}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    working.cancel()
    await dispatcher.drain()
    async with database.read() as session:
        due_at = await outbox_report.next_due(session)
    assert due_at is not None
    assert due_at - started >= datetime.timedelta(seconds=300)
