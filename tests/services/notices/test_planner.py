"""The plan of reminders: an upgrade, two workers, failed sweeps, clock steps, and erasure."""

import asyncio
import datetime
from collections import Counter

import pytest

from services.notices.planner import LEASE, Planner
from services.notices.reminders import reminder_time_on
from storage import personal_data
from storage.database import Database
from storage.linking import links
from storage.notices import clock_steps, delivery_preferences, feed, outbox, subscriptions
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.plan import mutes, rows, sweeps
from storage.tables import Channel, Kind
from tests.services.notices.plan_bench import CHAT, COMPANY, MORNING, ZONE, Bench
from tests.storage import rows_of


@pytest.fixture
async def bench(database: Database) -> Bench:
    return Bench(database)


DUE = datetime.date(2026, 10, 25)
NINE = reminder_time_on(DUE, ZONE)


async def queue_as_before(bench: Bench, link_id: int, due_at: datetime.datetime) -> None:
    """Queue a reminder as the version before migration 0012 did."""
    async with bench.database.write() as session:
        notice = NewNotice("evt-1:due", Kind.REMINDER_DUE, "a", "1", bench.now)
        await feed.record(session, notice, [NewDelivery(Channel.TELEGRAM, CHAT, link_id, due_at)])


@pytest.mark.parametrize("is_planned", [True, False])
async def test_reminder_of_the_older_version_is_told_once(bench: Bench, is_planned: bool) -> None:
    """It waits for its day in the outbox; the plan may have been made by then, or not."""
    link_id = await bench.link()
    bench.invoice("1", DUE)
    async with bench.database.write() as session:
        await subscriptions.set_subscriptions(session, CHAT, [link_id], {"reminder"}, on=True)
    await queue_as_before(bench, link_id, NINE)
    if is_planned:
        await bench.planner.adopt(lambda: None)
        await bench.planner.sweep_link(link_id)
    bench.now = NINE
    await bench.settle()
    await bench.planner.sweep_link(link_id)
    await bench.settle()
    assert [each for each in bench.told if each[1] is Kind.REMINDER_DUE] == [("1", Kind.REMINDER_DUE, DUE)]


async def test_reminder_that_an_older_version_sent(bench: Bench) -> None:
    """A worker of the older version sends it at nine; the plan of the newer one does not tell it again."""
    link_id = await bench.link()
    bench.invoice("1", DUE)
    await bench.wish(link_id)
    await bench.planner.sweep_link(link_id)
    await queue_as_before(bench, link_id, NINE)
    bench.now = NINE + datetime.timedelta(seconds=1)
    async with bench.database.write() as session:
        gap = datetime.timedelta(0)
        (old,) = await outbox.claim(session, "old", bench.now, NINE + datetime.timedelta(hours=1), 1, gap)
        await outbox.settle(session, outbox.held_by("old", [old.delivery_id]), outbox.State.SENT, bench.now)
    await bench.settle()
    assert [each for each in bench.told if each[1] is Kind.REMINDER_DUE] == []


async def test_two_workers_hand_over_at_once(bench: Bench) -> None:
    link_id = await bench.link()
    bench.invoice("1", DUE)
    await bench.wish(link_id)
    await bench.planner.sweep_link(link_id)
    bench.now = NINE
    other = Planner(bench.database, bench.portal, bench.clock, COMPANY)
    found = await asyncio.gather(*(each.hand_over() for each in (bench.planner, other) * 4))
    assert sum(queued for _, queued in found) == 2  # of both days, each once


async def test_sweep_waits_for_the_portal(bench: Bench) -> None:
    """A sweep that fails is due again after its lease; nothing is planned or held meanwhile."""
    link_id = await bench.link()
    await bench.wish(link_id)
    bench.invoice("1", DUE)
    bench.portal.is_away = True
    assert await bench.planner.sweep_due() == 1
    assert (bench.planner.counters.failures, await bench.planner.sweep_due()) == (1, 0)
    bench.portal.is_away = False
    bench.now += LEASE
    assert await bench.planner.sweep_due() == 1
    bench.now = NINE
    await bench.settle()
    assert ("1", Kind.REMINDER_DUE, DUE) in bench.told


async def test_sweep_requested_during_a_sweep(bench: Bench) -> None:
    """The portal's answer may be older than the event: the link is due again at once."""
    link_id = await bench.link()
    await bench.wish(link_id)
    await bench.settle()
    async with bench.database.write() as session:
        await sweeps.request(session, [link_id], bench.now)
        (taken,) = await sweeps.claim(session, bench.now, bench.now + LEASE, 1)
    bench.now += datetime.timedelta(seconds=1)
    await bench.event("invoice.changed", "1")
    async with bench.database.write() as session:
        assert not await sweeps.finish(session, taken, bench.now + datetime.timedelta(days=1))
    assert await bench.planner.sweep_due() == 1


async def test_clock_set_back_makes_late_sweeps_due(bench: Bench) -> None:
    link_id = await bench.link()
    bench.now += datetime.timedelta(days=30)
    await bench.wish(link_id)
    await bench.settle()
    wrong, bench.now = bench.now, MORNING
    async with bench.database.write() as session:
        await clock_steps.set_back(session, bench.now, wrong, datetime.timedelta(minutes=10))
    assert await bench.planner.sweep_due() == 1


async def test_planned_reminders_follow_the_time_zone(bench: Bench) -> None:
    """The person goes east: nine comes an hour earlier, for reminders of the due date and for a snoozed one."""
    link_id = await bench.link()
    bench.invoice("1", DUE)
    await bench.wish(link_id)
    await bench.settle()
    async with bench.database.write() as session:
        await mutes.snooze(session, link_id, "1", DUE, NINE, bench.now)
        await delivery_preferences.set_timezone(session, CHAT, "America/Halifax")
        await sweeps.request_for_chat(session, CHAT, bench.now)
    await bench.settle()
    bench.now = NINE - datetime.timedelta(hours=1, seconds=1)
    await bench.settle()
    assert [each for each in bench.told if each[2] == DUE] == []
    bench.now += datetime.timedelta(seconds=1)
    await bench.settle()
    assert {each[1] for each in bench.told if each[2] == DUE} == {Kind.REMINDER_DUE, Kind.REMINDER_LATER}


@pytest.mark.parametrize("gone", ["unlinked", "forgotten"])
async def test_plan_goes_with_its_link(bench: Bench, gone: str) -> None:
    link_id = await bench.link()
    bench.invoice("1", DUE)
    await bench.wish(link_id)
    await bench.settle()
    async with bench.database.write() as session:
        await mutes.mute(session, link_id, "1", bench.now)
    stored = await rows_of(bench.database)
    assert (len(stored["planned_notices"]), len(stored["sweeps"])) == (3, 1)
    async with bench.database.write() as session:
        await (links.unlink if gone == "unlinked" else personal_data.delete_chat)(session, CHAT, bench.now)
    stored = await rows_of(bench.database)
    assert stored["planned_notices"] == stored["sweeps"] == stored["mutes"] == []


async def test_old_rows_of_the_plan_are_deleted(bench: Bench) -> None:
    """Mutes stay, whatever their age."""
    link_id = await bench.link()
    bench.invoice("1", DUE)
    await bench.wish(link_id)
    await bench.settle()
    async with bench.database.write() as session:
        await mutes.mute(session, link_id, "1", bench.now)
        assert await rows.purge(session, DUE, 100) == 1
        assert await rows.purge(session, DUE + datetime.timedelta(days=1), 100) == 1
        assert await mutes.is_muted(session, link_id, "1")


def test_sweeps_are_spread_over_the_day() -> None:
    """100,000 links: no minute has more than twice its share."""
    minutes = Counter((at := sweeps.next_slot(link, MORNING)).hour * 60 + at.minute for link in range(1, 100_001))
    assert len(minutes) == 24 * 60
    assert max(minutes.values()) <= 2 * 100_000 // (24 * 60)
