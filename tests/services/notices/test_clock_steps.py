"""Steps of the system clock: stored times are adjusted, and what runs in the process goes by the monotonic clock."""

import asyncio
import datetime
import secrets
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import delete
from sqlmodel import col, select

from services.access import BLOCKING_CONFIRM_AGE, Access
from services.notices.clock_watch import ClockWatch
from services.notices.delivery.breaker import ChannelBreaker
from services.notices.delivery.claims import LEASE, SENDING_LEASE
from services.notices.delivery.dispatcher import Dispatcher
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.delivery.outcomes import Sent
from services.notices.delivery.rate_limiter import BulkRateLimiter
from services.security import SecurityLog
from storage import chats
from storage.chats import ChatState
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import clock_steps, feed, outbox, rate_limiter
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Delivery, Kind, Pace, State
from tests.storage import EMAIL

HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)
GAP = datetime.timedelta(seconds=1)
RATE = 28.0


class SteppedClock:
    """The system clock, as somebody sets it."""

    def __init__(self) -> None:
        self.offset = datetime.timedelta()

    def __call__(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + self.offset


async def queue(
    database: Database, event: str, due_at: datetime.datetime, kind: Kind = Kind.INVOICE_ISSUED, recipient: int = 1
) -> None:
    async with database.write() as session:
        deliveries = [NewDelivery(Channel.TELEGRAM, recipient, recipient, due_at)]
        await feed.record(session, NewNotice(event, kind, "a1", event, due_at), deliveries)


async def due_times(database: Database) -> list[datetime.datetime]:
    async with database.read() as session:
        return list((await session.exec(select(Delivery.due_at).order_by(col(Delivery.delivery_id)))).all())


async def test_what_an_unseen_clock_wrote_becomes_due(database: Database) -> None:
    """The clock was two hours ahead for some seconds, no worker saw it, and the process was killed and started."""
    clock = SteppedClock()
    await ClockWatch(database, clock).check()
    now = clock()
    await queue(database, "ahead", now + 2 * HOUR)
    await queue(database, "retry", now + 5 * MINUTE)
    await queue(database, "reminder", now + 2 * HOUR, Kind.REMINDER_DUE)
    await queue(database, "quiet", now + 8 * HOUR)
    async with database.write() as session:
        for delivery in (await session.exec(select(Delivery).order_by(col(Delivery.delivery_id)))).all()[-1:]:
            delivery.is_postponed = True

    await ClockWatch(database, clock).check()

    ahead, *others = await due_times(database)
    assert now <= ahead <= clock()
    assert others == [now + 5 * MINUTE, now + 2 * HOUR, now + 8 * HOUR]


@pytest.mark.parametrize("over_a_restart", [False, True])
async def test_a_step_back_makes_waiting_deliveries_due(database: Database, over_a_restart: bool) -> None:
    """Also one that waits for its retry; a snoozed reminder, and one of next week, keep their times."""
    clock = SteppedClock()
    watch = ClockWatch(database, clock)
    await watch.check()
    before = clock()
    await queue(database, "new", before)
    await queue(database, "retry", before + 5 * MINUTE)
    await queue(database, "snoozed", before + 5 * MINUTE, Kind.REMINDER_LATER)
    await queue(database, "next week", before + 7 * 24 * HOUR, Kind.REMINDER_DUE)
    clock.offset = -2 * HOUR
    watch = ClockWatch(database, clock) if over_a_restart else watch
    await watch.check()
    new, retry, snoozed, next_week = await due_times(database)
    assert max(new, retry) <= clock()
    assert snoozed == before + 5 * MINUTE
    assert next_week == before + 7 * 24 * HOUR
    assert watch.steps == {"back": 1}
    await watch.check()
    assert watch.steps == {"back": 1}, "a step is reported once"


async def test_small_steps_and_steps_forward_change_nothing(database: Database) -> None:
    clock = SteppedClock()
    watch = ClockWatch(database, clock)
    await watch.check()
    await queue(database, "new", clock() + MINUTE)
    before = await due_times(database)
    clock.offset = datetime.timedelta(seconds=-20)
    await watch.check()
    assert watch.steps == {}
    clock.offset = 2 * HOUR
    await watch.check()
    assert (watch.steps, await due_times(database)) == ({"forward": 1}, before)


@pytest.mark.parametrize("step", [-24 * HOUR, -2 * HOUR, -MINUTE, MINUTE, 2 * HOUR])
@pytest.mark.parametrize("over_a_restart", [False, True])
async def test_slots_come_soon_after_a_step(database: Database, step: datetime.timedelta, over_a_restart: bool) -> None:
    clock = SteppedClock()
    watch = ClockWatch(database, clock)
    await watch.check()
    limiter = BulkRateLimiter(database, clock, RATE)
    assert await limiter.wait_until_near() is not None
    clock.offset = step
    if over_a_restart:
        watch, limiter = ClockWatch(database, clock), BulkRateLimiter(database, clock, RATE)
    await watch.check()
    began = time.monotonic()
    async with asyncio.timeout(40):
        for _ in range(10):
            slot = await limiter.wait_until_near()
            assert slot is not None
            assert await limiter.wait_for_slot(slot)
    assert time.monotonic() - began < 30


async def test_a_halt_keeps_its_length_over_a_step_back(database: Database) -> None:
    clock = SteppedClock()
    watch = ClockWatch(database, clock)
    await watch.check()
    await BulkRateLimiter(database, clock, RATE).halt(datetime.timedelta(seconds=90))
    clock.offset = -2 * HOUR
    await watch.check()
    async with database.write() as session:
        slots = await rate_limiter.reserve(session, clock(), GAP, 1)
    assert 60 < (slots.start - clock()).total_seconds() < 95


async def test_leases_from_before_a_step_back_end(database: Database) -> None:
    """A dead worker's deliveries are released one lease after the step, and no earlier."""
    clock = SteppedClock()
    watch = ClockWatch(database, clock)
    await watch.check()
    for recipient in (1, 2):
        await queue(database, f"e{recipient}", clock(), recipient=recipient)
    async with database.write() as session:
        held = await outbox.claim(session, "dead", clock(), clock() + LEASE, 32, GAP)
        dead = outbox.held_by("dead", [held[0].delivery_id])
        await outbox.begin_sending(session, dead, clock(), clock() + SENDING_LEASE)
    clock.offset = -2 * HOUR
    await watch.check()
    for seconds, released in ((90, (0, 0)), (130, (1, 0)), (400, (0, 1))):
        async with database.write() as session:
            assert await outbox.reclaim(session, clock() + datetime.timedelta(seconds=seconds)) == released


async def test_a_recipient_is_not_busy_until_the_old_time(database: Database) -> None:
    """A delivery that was settled before a step back does not hold up the next one of its recipient."""
    clock = SteppedClock()
    await queue(database, "e1", clock())
    async with database.write() as session:
        (held,) = await outbox.claim(session, "a", clock(), clock() + LEASE, 32, GAP)
        assert await outbox.settle(session, outbox.held_by("a", [held.delivery_id]), State.SENT, clock())
    clock.offset = -2 * HOUR
    await queue(database, "e2", clock())
    async with database.write() as session:
        assert len(await outbox.claim(session, "b", clock(), clock() + LEASE, 32, GAP)) == 1


async def test_kinds_of_a_newer_version_are_left_waiting(database: Database) -> None:
    """During an upgrade, an older worker delivers what it knows."""
    clock = SteppedClock()
    await queue(database, "e1", clock())
    async with database.write() as session:
        await feed.record(session, NewNotice("e2", "invoice.future", "a1", "2", clock()), [  # type: ignore[arg-type]
            NewDelivery(Channel.TELEGRAM, 2, 2, clock())
        ])  # fmt: skip
        held = await outbox.claim(session, "a", clock(), clock() + LEASE, 32, GAP)
    assert [each.event_id for each in held] == ["e1"]


class SlowSender:
    """Sends each message when the test says so."""

    is_paced = False

    def __init__(self) -> None:
        self.is_sending, self.may_end = asyncio.Event(), asyncio.Event()
        self.sent = 0

    async def render(self, _batch: object) -> object:
        async def send() -> Sent:
            self.is_sending.set()
            await self.may_end.wait()
            self.sent += 1
            return Sent()

        return send

    async def is_still_wanted(self, _batch: object) -> bool:
        return True


class BrokenSender(SlowSender):
    """Fails to render one event, in a way that nobody foresaw."""

    async def render(self, batch: object) -> object:
        if batch[0].event_id == "poison":  # type: ignore[index]
            raise OverflowError
        return await super().render(batch)


def dispatcher_of(database: Database, clock: SteppedClock, sender: SlowSender) -> Dispatcher:
    limiter = BulkRateLimiter(database, clock, RATE)
    senders = {Channel.TELEGRAM: sender}
    breakers = {Channel.TELEGRAM: ChannelBreaker(Channel.TELEGRAM, places=16, silence=3.0)}
    recorder = OutcomeRecorder(database, clock, limiter, Counter())
    return Dispatcher(database, clock, senders, breakers, limiter, recorder, chat_rate=1000)  # type: ignore[arg-type]


async def test_a_step_forward_does_not_take_own_deliveries(database: Database) -> None:
    """A lease seems to have run out, but its owner lives: the delivery is sent once, and recorded as sent."""
    clock, sender = SteppedClock(), SlowSender()
    dispatcher = dispatcher_of(database, clock, sender)
    await queue(database, "e1", clock())
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(20):
        await sender.is_sending.wait()
    clock.offset = 2 * HOUR
    await dispatcher.reclaim()
    sender.may_end.set()
    async with asyncio.timeout(20):
        while await states(database) != [State.SENT]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await dispatcher.drain()
    assert sender.sent == 1


async def states(database: Database) -> list[str]:
    async with database.read() as session:
        return list((await session.exec(select(Delivery.state).order_by(col(Delivery.delivery_id)))).all())


async def test_a_notice_that_cannot_be_rendered(database: Database) -> None:
    """It is retried later, and does not hold up the recipient's other notices."""
    clock, sender = SteppedClock(), BrokenSender()
    sender.may_end.set()
    dispatcher = dispatcher_of(database, clock, sender)
    await queue(database, "poison", clock())
    await queue(database, "e2", clock())
    working = asyncio.create_task(dispatcher.work(lambda: None))
    async with asyncio.timeout(20):
        while await states(database) != [State.RETRY, State.SENT]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await dispatcher.drain()


async def test_links_confirmed_in_the_future(database: Database) -> None:
    """A confirmation from before a step back has no known age, so the link is confirmed again."""
    clock = SteppedClock()
    access = Access(database, None, clock, SecurityLog(database.vault), idle_after=400 * 24 * HOUR)  # type: ignore[arg-type]
    async with database.write() as session:
        await links.add_links(session, 1, "C", [NewLink("c", "a", "Client", frozenset({"orders"}), EMAIL)], clock())

    async def chat() -> ChatState:
        async with database.read() as session:
            return await chats.load(session, 1)

    assert not access.needs_confirmation(await chat(), BLOCKING_CONFIRM_AGE)
    clock.offset = -2 * HOUR
    assert access.needs_confirmation(await chat(), BLOCKING_CONFIRM_AGE)


async def test_a_stored_slot_far_ahead_is_brought_near(database: Database) -> None:
    """Also before the clock watch looks: the next free slot is at most ten seconds ahead."""
    now = datetime.datetime(2026, 10, 15, tzinfo=datetime.UTC)
    async with database.write() as session:
        await rate_limiter.reserve(session, now - 24 * HOUR, GAP / RATE, 5)  # creates the row
        await rate_limiter.reserve(session, now + 24 * HOUR, GAP / RATE, 5)
        slots = await rate_limiter.reserve(session, now, GAP / RATE, 5)
    assert slots.start - now <= datetime.timedelta(seconds=10)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(-100_000, 100_000).filter(lambda step: not -30 < step < 0), min_size=1, max_size=8))
async def test_random_steps_delay_no_slot_and_no_delivery(database: Database, steps: list[int]) -> None:
    """After each step and one look at the clock, every waiting delivery is due, and a slot is free soon."""
    now = datetime.datetime(2026, 10, 15, tzinfo=datetime.UTC)
    async with database.write() as session:
        for table in (Delivery, Pace):
            await session.change(delete(table))
    for step in steps:
        await queue(database, secrets.token_hex(8), now)
        was, now = now, now + datetime.timedelta(seconds=step)
        async with database.write() as session:
            if step <= -30:
                await clock_steps.set_back(session, now, was, 10 * MINUTE)
            slots = await rate_limiter.reserve(session, now, GAP / RATE, 5)
            late = select(Delivery.delivery_id).where(col(Delivery.due_at) > now)
            assert (await session.exec(late)).all() == []
        assert datetime.timedelta() <= slots.start - now <= datetime.timedelta(seconds=10)
