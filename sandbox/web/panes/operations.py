"""The operations pane: metrics, deliveries and alerts of the running bot."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel.numbers import format_decimal
from prometheus_client.samples import Sample
from starlette.responses import Response

from sandbox.operated_bot import OperatedBot, StoredAlert, Unavailable
from sandbox.telegram.model.chats import Message
from sandbox.web.calls import Call, Routes
from sandbox.web.page import Page
from sandbox.web.rendering.operation_words import ALERTS, KINDS, METRICS, OUTCOMES, STATES, meaning, words_of
from sandbox.web.rendering.views import LOCALES, clock_time, moment_text
from sandbox.web.rendering.words import Words

MOST_MESSAGES = 10
_CLEAR = timedelta(hours=12)
_WELL = ("ok", "sent", "cancelled", "deferred")
"""Outcomes that nobody has to look at."""
_WAITING = ("queued", "leased", "sending", "retry")
_MINUTES_FROM = 120.0
"""Longer spans are shown in minutes."""
_STALE_SECONDS = 60.0
"""An older feed is shown as bad; the demo's bot reads it every 10 s."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric: its name in words, its value, and a note below; ``is_bad`` if somebody should look."""

    title: str
    value: str
    note: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """One delivery in the page's language."""

    delivery_id: int
    state: str
    state_word: str
    title: str
    means: str
    details: str
    at: str


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """One alert in the page's language."""

    title: str
    is_held: bool
    is_told: bool
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Operations:
    """What the pane shows. ``problem`` says why metrics or deliveries are missing; empty if they are there."""

    figures: Sequence[Figure]
    deliveries: Sequence[ShownDelivery]
    alerts: Sequence[ShownAlert]
    messages: Sequence[Message]
    problem: str


async def operations_values(page: Page, language: str) -> dict[str, Any]:
    """Return the template values of the pane; nothing of a page without a bot."""
    bot = page.operated
    if bot is None:
        return {"operations": None}
    figures: list[Figure] = []
    deliveries: list[ShownDelivery] = []
    problem = ""
    now = page.world.clock.now()
    try:
        samples = await bot.metrics()
        figures = Figures(samples, language).all()
        deliveries = [_delivery(each, language, now) for each in await bot.deliveries(samples)]
    except Unavailable as error:
        problem = str(error)
    alerts = [_alert(each, language, now) for each in bot.alerts()]
    return {"operations": Operations(figures, deliveries, alerts, _messages(page, bot), problem)}


def _messages(page: Page, bot: OperatedBot) -> list[Message]:
    """Return the newest messages to the operator's chat, the newest first."""
    group = page.world.groups.get(bot.chat_id)
    return [each for each in group.chat.visible if each.from_bot][: -MOST_MESSAGES - 1 : -1] if group else []


def _delivery(facts: dict[str, Any], language: str, now: datetime) -> ShownDelivery:
    title = words_of(KINDS, facts["kind"], language)
    account = f"{facts['account']} · " if facts["account"] else ""
    return ShownDelivery(
        facts["delivery"],
        facts["state"],
        words_of(STATES, facts["state"], language),
        f"{title} {facts['number']}" if facts["number"] else title,
        meaning(facts, language),
        f"{account}{facts['channel']} {facts['recipient']}",
        _time(datetime.fromisoformat(facts["settled_at"] or facts["due_at"]), language, now),
    )


def _alert(stored: StoredAlert, language: str, now: datetime) -> ShownAlert:
    title = words_of(ALERTS, stored.name, language)
    since, until = (_time(each, language, now) for each in (stored.since, stored.seen_at))
    return ShownAlert(title, stored.is_held, stored.is_told, since, until)


def _time(at: datetime, language: str, now: datetime) -> str:
    """Return the time of day, with the day if it is not today; within 12 hours the day is clear."""
    return clock_time(at) if abs(now - at) < _CLEAR else moment_text(at, language)


class Figures:
    """Makes the figures of one reading of ``/metrics``."""

    def __init__(self, samples: Iterable[Sample], language: str) -> None:
        self._samples = list(samples)
        self._language = language
        self._words = Words(language)

    def all(self) -> list[Figure]:
        """Return the figures in the order in which they are shown."""
        failed = self._total("odobot_updates_failed_total")
        feed_age = self._total("odobot_feed_lag_seconds")
        is_usable = self._total("odobot_database_usable") == 1
        memory = self._total("process_resident_memory_bytes") / 1_000_000
        waiting = self._counts("odobot_deliveries", "state")
        return [
            self._figure("linked_chats", self._total("odobot_linked_chats"), self._words.counted_seldom),
            self._figure("updates_handled", self._total("odobot_update_seconds_count")),
            self._figure("updates_failed", failed, is_bad=failed > 0),
            self._figure("updates_in_progress", self._total("odobot_updates_in_progress")),
            self._mean("update_time", "odobot_update_seconds"),
            self._outcomes("notices", "odobot_delivery_outcomes_total"),
            self._figure("waiting", sum(waiting[each] for each in _WAITING)),
            self._mean("delay", "odobot_delivery_delay_seconds"),
            self._span("feed_age", feed_age, is_bad=not feed_age < _STALE_SECONDS),
            self._outcomes("portal_calls", "odobot_portal_calls_total"),
            self._outcomes("telegram_calls", "odobot_telegram_calls_total"),
            self._outcomes("mail", "odobot_mail_total", lambda labels: labels["kind"] != "session"),
            Figure(self._title("database"), self._words["usable" if is_usable else "unusable"], is_bad=not is_usable),
            self._figure("process", memory, unit=self._words.megabytes),
        ]

    def _title(self, name: str) -> str:
        return words_of(METRICS, name, self._language)

    def _figure(self, name: str, value: float, note: str = "", *, unit: str = "", is_bad: bool = False) -> Figure:
        return Figure(self._title(name), f"{self._number(value)}\u00a0{unit}".rstrip(), note, is_bad)

    def _number(self, value: float) -> str:
        """Format a number: large ones whole, small ones with one digit behind the point; a dash for NaN."""
        if math.isnan(value):
            return "–"
        return str(format_decimal(value, "#,##0" if value >= 10 else "#,##0.#", locale=LOCALES[self._language]))

    def _outcomes(self, name: str, metric: str, is_wanted: Callable[[dict[str, str]], bool] = lambda _: True) -> Figure:
        """Return the number of good outcomes, and a note with each of the others."""
        counts = self._counts(metric, "outcome", is_wanted)
        main = "ok" if "ok" in counts else "sent"
        others = [(each, count) for each, count in counts.most_common() if each != main and count]
        said = [
            self._words.count_of.format(name=words_of(OUTCOMES, each, self._language), count=self._number(count))
            for each, count in others
        ]
        is_bad = any(each not in _WELL for each, _ in others)
        return Figure(self._title(name), self._number(counts[main]), ", ".join(said), is_bad)

    def _mean(self, name: str, histogram: str) -> Figure:
        count = self._total(f"{histogram}_count")
        if not count:
            return Figure(self._title(name), "–")
        return self._span(name, self._total(f"{histogram}_sum") / count)

    def _span(self, name: str, seconds: float, *, is_bad: bool = False) -> Figure:
        """Return a time span, in the unit that gives a short number; a dash for NaN."""
        if math.isnan(seconds):
            return self._figure(name, seconds, is_bad=is_bad)
        if seconds < 1:
            return self._figure(name, seconds * 1000, unit="ms", is_bad=is_bad)
        if seconds < _MINUTES_FROM:
            return self._figure(name, seconds, unit="s", is_bad=is_bad)
        return self._figure(name, seconds / 60, unit="min", is_bad=is_bad)

    def _total(self, metric: str) -> float:
        return sum(each.value for each in self._samples if each.name == metric)

    def _counts(
        self, metric: str, label: str, is_wanted: Callable[[dict[str, str]], bool] = lambda _: True
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        for each in self._samples:
            if each.name == metric and is_wanted(each.labels):
                counts[each.labels[label]] += int(each.value) if math.isfinite(each.value) else 0
        return counts


async def show(call: Call) -> Response:
    """Show the pane."""
    return call.show("operations", **await operations_values(call.page, call.language))


OPERATIONS_ROUTES: Routes = [("GET", "/operations", show)]
