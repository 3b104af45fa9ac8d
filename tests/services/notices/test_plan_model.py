"""The plan of reminders against a model, over random histories and over some that random ones seldom reach.

The model states what a person is told: each reminder of an open invoice once, from 9:00 of its day on and at most seven
days late, while the chat is not blocked or quiet and the invoice is not muted. Reminders before and on the due date
need a subscription, and neither it nor the invoice may be newer than their time; a snoozed one was asked for by itself.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from services.notices.event_recorder import REMINDERS
from services.notices.reminders import reminder_time_on
from storage.linking import links
from storage.notices import cancellation, delivery_preferences, outbox
from storage.notices.delivery_preferences import Quiet
from storage.notices.plan import mutes, sweeps
from storage.tables import Kind
from tests.services.notices.plan_bench import CHAT, ZONE, Bench, Told
from tests.storage import opened

DAYS = ((Kind.REMINDER_BEFORE, 3), (Kind.REMINDER_DUE, 0))
NEWEST = st.sampled_from([0, 0, 0, 1, 1, 2])
"""Which invoice: 0 is the newest one."""
HOURS = st.sampled_from([1, 2, 5, 13, 24, 24, 47])
LONG_HOURS = st.sampled_from([1, 2, 24, 25, 47, 72, 100, 167, 168, 169])
"""Nine in the morning is an hour after the start: these also end at it, and seven days after it."""
MORNING_QUIET = Quiet(8 * 60, 12 * 60)


@dataclass
class Model:
    """What a person should be told; ``since``: when the reminders were turned on, ``None``: they are off."""

    open: dict[str, datetime.date] = field(default_factory=dict)
    issued: dict[str, datetime.datetime] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    snoozed: set[Told] = field(default_factory=set)
    told: set[Told] = field(default_factory=set)
    given_up: set[Told] = field(default_factory=set)
    """Snoozed reminders of paid invoices whose time passed with reminders off: a later withdrawal is not seen."""
    since: datetime.datetime | None = None
    is_blocked: bool = False
    is_away: bool = False
    quiet: Quiet | None = None

    def look(self, now: datetime.datetime) -> set[Told]:
        """Return what is told now."""
        wanted = {(n, kind, due - datetime.timedelta(days)) for n, due in self.open.items() for kind, days in DAYS}
        due = set()
        for each in (wanted | self.snoozed) - self.told - self.given_up:
            number, kind, at = each[0], each[1], reminder_time_on(each[2], ZONE)
            until = at + datetime.timedelta(days=7)
            if kind is Kind.REMINDER_BEFORE:
                until = min(until, reminder_time_on(self.open[number], ZONE))
            is_wished = self.since is not None and max(self.since, self.issued[number]) <= at
            if at <= now < until and (is_wished or kind is Kind.REMINDER_LATER):
                due.add(each)
        paid = {each for each in due if each[0] not in self.open}
        self.given_up |= set() if self.since else paid
        missed = {each for each in due if each[0] in self.muted}
        is_quiet = self.quiet and self.quiet.until(now.astimezone(ZONE))
        told = set() if self.is_blocked or self.is_away or is_quiet else due - missed - paid
        self.told |= told | missed
        return told


class Histories(RuleBasedStateMachine):
    """Random histories of one chat, its invoices and its wishes."""

    new_database: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.database = self.run(self.stack.enter_async_context(opened(type(self).new_database())))
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

    def numbered(self, newest: int) -> str:
        """Return the number of an invoice: 0 is the newest one."""
        numbers = list(self.model.issued)
        return numbers[max(0, len(numbers) - 1 - newest)]

    @initialize(days=st.integers(0, 5))
    def wish_and_issue(self, days: int) -> None:
        """Begin where something can be told."""
        self.wish(True)
        self.issue(days)

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.bench.now += datetime.timedelta(hours=hours)
        self.look()

    @rule(days=st.integers(-1, 5))
    def issue(self, days: int) -> None:
        number = str(len(self.model.issued) + 1)
        self.model.issued[number] = self.bench.now
        self._set(number, days, "10.00", "invoice.issued")

    @rule(newest=NEWEST, days=st.integers(-1, 5), seen=st.booleans())
    def move_due_date(self, newest: int, days: int, seen: bool = True) -> None:
        if (number := self.numbered(newest)) in self.model.open:
            self._set(number, days, "10.00", "invoice.changed" if seen else "")

    @rule(newest=NEWEST, event=st.sampled_from(["invoice.paid", "invoice.cancelled", ""]))
    def pay_or_cancel(self, newest: int, event: str = "invoice.paid") -> None:
        if (number := self.numbered(newest)) in self.model.open:
            self._set(number, None, "0.00", event)

    @rule(newest=NEWEST)
    def withdraw_payment(self, newest: int) -> None:
        self._set(self.numbered(newest), None, "10.00", "invoice.changed")

    def _set(self, number: str, days: int | None, balance: str, event: str) -> None:
        old = self.bench.portal.invoice_rows.get(number)
        due = old.due_date if days is None else self.today + datetime.timedelta(days=days)
        self.bench.invoice(number, due, balance)
        self.model.open.pop(number, None)
        if balance != "0.00":
            self.model.open[number] = due
        # Without an event, the daily sweep sees the change.
        self.run(self.bench.event(event, number) if event else self.bench.planner.sweep_link(self.link))
        self.look()

    @rule(on=st.sampled_from([True, True, True, False]))
    def wish(self, on: bool) -> None:
        self.run(self.bench.wish(self.link, on=on))
        if on != (self.model.since is not None):
            self.model.since = self.bench.now if on else None
            self.model.given_up.clear()
        self.look()

    @rule(newest=NEWEST, days=st.sampled_from([1, 7]))
    def snooze(self, newest: int, days: int = 1) -> None:
        if (number := self.numbered(newest)) in self.model.open:
            day = self.today + datetime.timedelta(days=days)
            self.run(self._change(lambda s: mutes.snooze(
                s, self.link, number, day, reminder_time_on(day, ZONE), self.bench.now
            )))  # fmt: skip
            self.model.muted.discard(number)
            self.model.snoozed.add((number, Kind.REMINDER_LATER, day))
            self.look()

    @rule(newest=NEWEST, is_seen=st.booleans())
    def mute(self, newest: int, is_seen: bool = True) -> None:
        """Mute an invoice; ``is_seen``: the mute sees what waits in the outbox."""
        number, now = self.numbered(newest), self.bench.now
        self.run(self._change(lambda s: mutes.mute(s, self.link, number, now)))
        if is_seen:
            self.run(self._change(lambda s: cancellation.cancel_for_number(
                s, REMINDERS, number, now, "muted", link_id=self.link
            )))  # fmt: skip
        self.model.muted.add(number)
        self.model.snoozed = {each for each in self.model.snoozed if each[0] != number}
        self.look()

    @rule(blocked=st.booleans())
    def block(self, blocked: bool) -> None:
        at = self.bench.now if blocked else None
        self.run(self._change(lambda s: delivery_preferences.set_blocked(s, CHAT, at)))
        if not blocked:
            self.run(self._change(lambda s: sweeps.request_for_chat(s, CHAT, self.bench.now)))
            self.model.given_up.clear()
        self.model.is_blocked = blocked
        self.look()

    @precondition(lambda self: not 8 <= self.bench.now.astimezone(ZONE).hour < 12)
    @rule(quiet=st.sampled_from([None, MORNING_QUIET]))
    def quiet_hours(self, quiet: Quiet | None) -> None:
        self.run(self._change(lambda s: delivery_preferences.set_quiet(s, CHAT, quiet)))
        self.model.quiet = quiet

    @rule(hours=LONG_HOURS)
    def block_for(self, hours: int) -> None:
        self.block(True)
        self.wait(hours)
        self.block(False)

    @rule(hours=LONG_HOURS)
    def lose_portal_for(self, hours: int) -> None:
        self.bench.portal.is_away = self.model.is_away = True
        self.wait(1)
        self.wait(hours)
        self.bench.portal.is_away = self.model.is_away = False
        self.wait(1)  # the pause before the next attempt

    @rule(newest=NEWEST, hours=LONG_HOURS)
    def mute_for(self, newest: int, hours: int) -> None:
        self.mute(newest)
        self.wait(hours)
        self.snooze(newest)
        self.event_about_another_invoice()

    @rule(newest=NEWEST, hours=LONG_HOURS)
    def pay_for(self, newest: int, hours: int) -> None:
        self.pay_or_cancel(newest)
        self.wait(hours)
        self.withdraw_payment(newest)

    @rule(hours=LONG_HOURS)
    def turn_off_for(self, hours: int) -> None:
        self.wish(False)
        self.wait(hours)
        self.wish(True)

    @rule()
    def event_about_another_invoice(self) -> None:
        """The link is swept again."""
        self.run(self.bench.event("invoice.changed", "other"))
        self.look()

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


def test_what_is_told_equals_the_model(engine: str, new_database: Callable[[], str]) -> None:
    Histories.new_database = staticmethod(new_database)
    # Derandomized, 20 s: a longer search is ``settings(max_examples=1000)`` by hand.
    chosen = settings(
        max_examples=20 if engine == "sqlite" else 5, stateful_step_count=25, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Histories, settings=chosen)


Step = tuple[Callable[..., None], *tuple[Any, ...]]
SELDOM: dict[str, tuple[int, list[Step]]] = {
    "an invoice issued after the day of its reminder": (0, [(Histories.wait, 100), (Histories.issue, 1)]),
    "reminders turned on after their time": (1, [(Histories.turn_off_for, 2), (Histories.wait, 24)]),
    "a reminder missed during a mute": (4, [(Histories.mute_for, 0, 26), (Histories.wait, 24)]),
    "missed during a mute, paid, and not paid after all": (
        4, [(Histories.mute_for, 0, 26), (Histories.pay_for, 0, 2), (Histories.wait, 24)]
    ),
    "missed during a mute, and due on that day again": (
        0, [(Histories.mute_for, 0, 2), (Histories.move_due_date, 0, 2), (Histories.move_due_date, 0, 0)]
    ),
    "a mute before the time of a reminder": (4, [(Histories.mute_for, 0, 2), (Histories.wait, 24)]),
    "muted and snoozed before the time of a reminder": (
        0, [(Histories.mute, 0), (Histories.snooze, 0), (Histories.wait, 1)]
    ),
    "snoozed, muted, and snoozed to another day": (
        5, [(Histories.snooze, 0, 7), (Histories.mute, 0), (Histories.snooze, 0, 1), (Histories.wait, 170)]
    ),
    "a mute of a snoozed invoice": (5, [(Histories.snooze, 0), (Histories.mute_for, 0, 26), (Histories.wait, 24)]),
    "due on a day that was told, again": (
        0, [(Histories.wait, 2), (Histories.move_due_date, 0, 2), (Histories.move_due_date, 0, 0)]
    ),
    "paid over the time of a reminder": (0, [(Histories.pay_for, 0, 2)]),
    "blocked for less than seven days": (0, [(Histories.block_for, 168)]),
    "blocked for seven days": (0, [(Histories.block_for, 169)]),
    "no portal for less than seven days": (0, [(Histories.lose_portal_for, 166)]),
    "no portal for seven days": (0, [(Histories.lose_portal_for, 167)]),
    "the due day comes during a block": (3, [(Histories.block_for, 73)]),
    "the due day comes while there is no portal": (3, [(Histories.lose_portal_for, 72)]),
    "blocked while the delivery waits for the end of quiet hours": (
        0,
        [
            (Histories.quiet_hours, MORNING_QUIET), (Histories.wait, 1), (Histories.block, True), (Histories.wait, 4),
            (Histories.block, False),
        ],
    ),
    "due on another day, while the delivery waits": (
        0,
        [
            (Histories.quiet_hours, MORNING_QUIET), (Histories.wait, 1), (Histories.move_due_date, 0, 2),
            (Histories.wait, 4),
        ],
    ),
    "muted while the delivery waits": (
        0,
        [
            (Histories.quiet_hours, MORNING_QUIET), (Histories.wait, 1), (Histories.mute, 0, False),
            (Histories.wait, 4),
        ],
    ),
    "turned off and on in quiet hours": (
        1,
        [
            (Histories.wait, 5), (Histories.quiet_hours, MORNING_QUIET), (Histories.wait, 20),
            (Histories.wish, False), (Histories.wish, True), (Histories.wait, 5),
        ],
    ),
    "turned off and on in quiet hours, after the time": (
        1,
        [
            (Histories.wait, 5), (Histories.quiet_hours, MORNING_QUIET), (Histories.wait, 21),
            (Histories.wish, False), (Histories.wish, True), (Histories.wait, 5),
        ],
    ),
    "snoozed, and reminders turned off": (5, [(Histories.snooze, 0), (Histories.wish, False), (Histories.wait, 25)]),
    "snoozed, reminders turned off, and blocked": (
        5, [(Histories.snooze, 0), (Histories.wish, False), (Histories.block_for, 72)]
    ),
    "snoozed with reminders off, and blocked": (
        5, [(Histories.wish, False), (Histories.snooze, 0), (Histories.block_for, 72)]
    ),
    "snoozed, paid, reminders turned off, and not paid after all": (
        5,
        [
            (Histories.snooze, 0), (Histories.pay_or_cancel, 0), (Histories.wish, False),
            (Histories.withdraw_payment, 0), (Histories.wait, 25),
        ],
    ),
}  # fmt: skip
"""Histories that begin with reminders turned on, and an invoice that is due so many days later."""


@pytest.mark.parametrize("name", SELDOM)
def test_history_that_is_seldom_found(name: str, new_database: Callable[[], str]) -> None:
    Histories.new_database = staticmethod(new_database)
    days, steps = SELDOM[name]
    machine = Histories()
    try:
        machine.wish_and_issue(days)
        for step, *arguments in steps:
            step(machine, *arguments)
    finally:
        machine.teardown()
