"""The plan of reminders against a model, over random histories; and what it does at the edges of an upgrade.

The model states what a person is told: each reminder of an open invoice once, from 9:00 of its day on, as long as the
chat wishes it, is not blocked or quiet, and has not muted the invoice; not one whose time fell before the wish.
"""

import asyncio
import datetime
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from handlers.telegram.notice_sender import TelegramNoticeSender
from portal.client import Reader
from portal.errors import NotFound, PortalUnavailable
from portal.events import Event
from portal.models import Account, Contact, Invoice, Order, Page
from services.access import Access
from services.company import Company
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.delivery.outcomes import Blocked, Cancelled, Deferred, Retry
from services.notices.event_recorder import record_events
from services.notices.planner import LEASE, Planner
from services.notices.reminders import reminder_time_on
from services.security import SecurityLog
from storage import personal_data
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import clock_steps, delivery_preferences, feed, outbox, subscriptions
from storage.notices.delivery_preferences import Quiet
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.plan import mutes, rows, sweeps
from storage.tables import Channel, Kind
from tests.storage import EMAIL, copied, opened, rows_of, url_of
from texts.language import Language

ZONE = ZoneInfo("America/Toronto")
COMPANY = Company("Odotrack", "", ZONE, Language.FR)
MORNING = datetime.datetime(2026, 10, 15, 12, 0, tzinfo=datetime.UTC)  # 8:00 in Toronto
CHAT = 1
DAYS = ((Kind.REMINDER_BEFORE, 3), (Kind.REMINDER_DUE, 0))
NUMBERS = st.sampled_from(["1", "2"])
HOURS = st.sampled_from([1, 2, 5, 13, 24, 24, 47])
Told = tuple[str, Kind, datetime.date]


class FakePortal:
    """Invoices and orders in memory. ``is_away``: every call fails."""

    def __init__(self) -> None:
        self.invoice_rows: dict[str, Invoice] = {}
        self.order_rows: dict[str, Order] = {}
        self.is_away = False
        self.calls = 0

    def _call(self) -> None:
        self.calls += 1
        if self.is_away:
            raise PortalUnavailable("away")

    async def invoices(self, _reader: Reader, *, page: int, page_size: int, status: object = None) -> Page[Invoice]:
        self._call()
        unpaid = [each for each in self.invoice_rows.values() if each.is_unpaid]
        return Page[Invoice](items=tuple(unpaid), page=page, page_size=page_size, total=len(unpaid))

    async def orders(self, _reader: Reader, *, page: int, page_size: int) -> Page[Order]:
        self._call()
        rows = tuple(self.order_rows.values())
        return Page[Order](items=rows, page=page, page_size=page_size, total=len(rows))

    async def invoice(self, _reader: Reader, number: str) -> Invoice:
        self._call()
        return self.invoice_rows[number]

    async def order(self, _reader: Reader, number: str) -> Order:
        self._call()
        return self.order_rows[number]

    async def contact(self, contact_id: str) -> Contact:
        self._call()
        if contact_id != "c":
            raise NotFound("no such contact")
        return Contact(contact_id="c", email=EMAIL, accounts=(Account(account_id="a", name="Client"),))


class Bench:
    """The parts that make and deliver reminders, without the loops and the dispatcher's waits."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.portal: Any = FakePortal()
        self.now = MORNING
        self.told: list[Told] = []
        self.events = 0
        security = SecurityLog(database.vault)
        self._access = Access(database, self.portal, self.clock, security, idle_after=datetime.timedelta(days=4000))
        self.start()

    def clock(self) -> datetime.datetime:
        return self.now

    def start(self) -> None:
        """Make the parts anew, as a restart does."""
        self.planner = Planner(self.database, self.portal, self.clock, COMPANY)
        bot: Any = object()
        self.sender = TelegramNoticeSender(bot, self.database, self.portal, self._access, self.clock, COMPANY)

    async def link(self) -> int:
        async with self.database.write() as session:
            new = NewLink("c", "a", "Client", frozenset({"invoices", "orders"}), EMAIL)
            await links.add_links(session, CHAT, "Camille", [new], self.now)
        return await self.link_id() or 0

    async def link_id(self) -> int | None:
        async with self.database.read() as session:
            return next(iter(await links.emails(session, CHAT)), None)

    async def wish(self, link_id: int, kind: str = "reminder", *, on: bool = True) -> None:
        async with self.database.write() as session:
            await subscriptions.set_subscriptions(session, CHAT, [link_id], {kind}, on=on)
            await sweeps.follow(session, [link_id], self.now)

    def invoice(self, number: str, due: datetime.date, balance: str = "10.00") -> None:
        self.portal.invoice_rows[number] = Invoice(
            number=number, date=self.now.date(), due_date=due, amount=Decimal("10.00"), balance=Decimal(balance)
        )

    async def event(self, event_type: str, number: str) -> None:
        self.events += 1
        event = Event(id=f"e{self.events}", type=event_type, occurred_at=self.now, account_id="a", number=number)
        async with self.database.write() as session:
            await record_events(session, [event], self.now)

    async def settle(self) -> None:
        """Sweep, hand over and deliver until nothing is due."""
        while True:
            taken = await self.planner.sweep_due() if not self.portal.is_away else 0
            rows, _ = await self.planner.hand_over()
            if not taken + rows + await self.deliver():
                return

    async def deliver(self) -> int:
        gap = datetime.timedelta(0)
        async with self.database.write() as session:
            claimed = await outbox.claim(session, "w", self.now, self.now + datetime.timedelta(hours=1), 32, gap)
        limiter: Any = None
        recorder = OutcomeRecorder(self.database, self.clock, limiter, _Ignored())
        for each in claimed:
            try:
                rendered = await self.sender.render([each])
            except PortalUnavailable:
                rendered = Deferred(self.now + datetime.timedelta(minutes=5))
            if isinstance(rendered, Deferred | Cancelled | Blocked | Retry):
                await recorder.record([each], rendered)
                continue
            async with self.database.write() as session:
                await outbox.settle(session, [each.delivery_id], "w", outbox.State.SENT, self.now)
            assert each.day is not None
            self.told.append((each.number or "", each.kind, each.day))
        return len(claimed)


class _Ignored(dict[Any, int]):
    """Counts nothing."""

    def __missing__(self, key: Any) -> int:
        return 0


@dataclass
class Model:
    """What a person should be told; ``since``: when the reminders were turned on, ``None``: they are off."""

    open: dict[str, datetime.date] = field(default_factory=dict)
    issued: dict[str, datetime.datetime] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    snoozed: set[Told] = field(default_factory=set)
    told: set[Told] = field(default_factory=set)
    since: datetime.datetime | None = None
    is_blocked: bool = False
    quiet: Quiet | None = None

    def look(self, now: datetime.datetime) -> set[Told]:
        """Return what is told now."""
        wanted = {(n, kind, due - datetime.timedelta(days)) for n, due in self.open.items() for kind, days in DAYS}
        wanted |= {each for each in self.snoozed if each[0] in self.open}
        due = set()
        for each in wanted - self.told:
            at = reminder_time_on(each[2], ZONE)
            until = at + datetime.timedelta(days=7)
            if each[1] is Kind.REMINDER_BEFORE:
                until = min(until, reminder_time_on(self.open[each[0]], ZONE))
            if self.since is not None and max(self.since, self.issued[each[0]]) <= at <= now < until:
                due.add(each)
        missed = {each for each in due if each[0] in self.muted}
        if self.is_blocked or (self.quiet and self.quiet.until(now.astimezone(ZONE))):
            due = missed
        self.told |= due
        return due - missed


class Histories(RuleBasedStateMachine):
    """Random histories of one chat, its invoices and its wishes."""

    folder: Path
    empty: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        for old in self.folder.glob("odobot.db*"):
            old.unlink()
        self.database = self.run(self.stack.enter_async_context(opened(url_of(copied(self.empty, self.folder)))))
        self.bench, self.model = Bench(self.database), Model()
        self.link = self.run(self.bench.link())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    def look(self) -> None:
        """Deliver what is due, and compare it with the model."""
        before = len(self.bench.told)
        self.run(self.bench.settle())
        told = self.bench.told[before:]
        assert sorted(told) == sorted(self.model.look(self.bench.now)), self.bench.now.astimezone(ZONE)

    @property
    def today(self) -> datetime.date:
        return self.bench.now.astimezone(ZONE).date()

    @initialize(days=st.integers(0, 4))
    def wish_and_issue(self, days: int) -> None:
        """Begin where something can be told."""
        self.wish(True)
        self.issue("1", days)

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.bench.now += datetime.timedelta(hours=hours)
        self.look()

    @rule(number=NUMBERS, days=st.integers(0, 4))
    def issue(self, number: str, days: int) -> None:
        if number not in self.bench.portal.invoice_rows:
            self._set(number, days, "10.00", "invoice.issued")
            self.model.issued[number] = self.bench.now
            self.look()

    @rule(number=NUMBERS, days=st.integers(-1, 5), seen=st.booleans())
    def move_due_date(self, number: str, days: int, seen: bool) -> None:
        if number in self.model.open:
            self._set(number, days, "10.00", "invoice.changed" if seen else "")
            self.look()

    @rule(number=NUMBERS, event=st.sampled_from(["invoice.paid", "invoice.cancelled", ""]))
    def pay_or_cancel(self, number: str, event: str) -> None:
        if number in self.model.open:
            self._set(number, None, "0.00", event)
            self.look()

    @rule(number=NUMBERS)
    def withdraw_payment(self, number: str) -> None:
        if number in self.bench.portal.invoice_rows:
            self._set(number, None, "10.00", "invoice.changed")
            self.look()

    def _set(self, number: str, days: int | None, balance: str, event: str) -> None:
        old = self.bench.portal.invoice_rows.get(number)
        due = old.due_date if days is None else self.today + datetime.timedelta(days=days)
        self.bench.invoice(number, due, balance)
        self.model.open.pop(number, None)
        if balance != "0.00":
            self.model.open[number] = due
        # Without an event, the daily sweep sees the change.
        self.run(self.bench.event(event, number) if event else self.bench.planner.sweep_link(self.link))

    @rule(on=st.sampled_from([True, True, True, False]))
    def wish(self, on: bool) -> None:
        self.run(self.bench.wish(self.link, on=on))
        if on != (self.model.since is not None):
            self.model.since, self.model.snoozed = self.bench.now if on else None, set()
        self.look()

    @precondition(lambda self: self.model.since)
    @rule(number=NUMBERS, days=st.sampled_from([1, 7]))
    def snooze(self, number: str, days: int) -> None:
        if number in self.model.open:
            day = self.today + datetime.timedelta(days=days)
            self.run(self._change(lambda s: mutes.snooze(
                s, self.link, number, day, reminder_time_on(day, ZONE), self.bench.now
            )))  # fmt: skip
            self.model.muted.discard(number)
            self.model.snoozed.add((number, Kind.REMINDER_LATER, day))
            self.look()

    @rule(number=NUMBERS)
    def mute(self, number: str) -> None:
        if number in self.model.open:
            self.run(self._change(lambda s: mutes.mute(s, self.link, number, self.bench.now)))
            self.model.muted.add(number)
            self.model.snoozed = {each for each in self.model.snoozed if each[0] != number}
            self.look()

    @rule(blocked=st.booleans())
    def block(self, blocked: bool) -> None:
        at = self.bench.now if blocked else None
        self.run(self._change(lambda s: delivery_preferences.set_blocked(s, CHAT, at)))
        if not blocked:
            self.run(self._change(lambda s: sweeps.request_for_chat(s, CHAT, self.bench.now)))
        self.model.is_blocked = blocked
        self.look()

    @precondition(lambda self: not 8 <= self.bench.now.astimezone(ZONE).hour < 12)
    @rule(quiet=st.sampled_from([None, Quiet(8 * 60, 12 * 60)]))
    def quiet_hours(self, quiet: Quiet | None) -> None:
        self.run(self._change(lambda s: delivery_preferences.set_quiet(s, CHAT, quiet)))
        self.model.quiet = quiet

    @rule()
    def unlink_and_link(self) -> None:
        self.run(self._change(lambda s: links.unlink(s, CHAT, self.bench.now)))
        self.link = self.run(self.bench.link())
        self.model.since, self.model.muted, self.model.snoozed = None, set(), set()
        self.look()

    @rule(hours=HOURS)
    def die_and_restart(self, hours: int) -> None:
        """The worker dies with what it claimed, and starts again later."""
        self.bench.now += datetime.timedelta(hours=hours)
        self.run(self.bench.planner.hand_over())
        self.run(self._change(lambda s: outbox.claim(
            s, "dead", self.bench.now, self.bench.now, 32, datetime.timedelta(0)
        )))  # fmt: skip
        self.run(self._change(lambda s: outbox.reclaim(s, self.bench.now, everything=True)))
        self.bench.start()
        self.look()

    async def _change(self, change: Callable[[Any], Awaitable[Any]]) -> None:
        async with self.database.write() as session:
            await change(session)


def test_what_is_told_equals_the_model(tmp_path: Path, empty_database: Path) -> None:
    Histories.folder, Histories.empty = tmp_path, empty_database
    # Derandomized: a longer search is ``settings(max_examples=1000)`` by hand.
    chosen = settings(
        max_examples=30, stateful_step_count=25, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Histories, settings=chosen)


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
        await outbox.settle(session, [old.delivery_id], "old", outbox.State.SENT, bench.now)
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
