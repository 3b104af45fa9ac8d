"""The metrics for Prometheus. No label identifies a person, a chat or an invoice."""

import asyncio
import math
import platform
import re
from importlib import metadata

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from bot.http.admin.collectors import DeliveryDelays, Loops, Plan, Polling, SecurityEvents, Webhook
from bot.http.admin.counts import Counts, counts_of
from bot.http.admin.key_check import Keys
from bot.http.admin.linked_chats import LinkedChats
from bot.http.admin.sources import Sources
from bot.updates.fetched import FetchedUpdates
from bot.updates.poll_health import PollHealth
from bot.updates.webhook_state import WebhookState
from services.clock import Clock
from services.notices.delivery.breaker import BreakerState
from services.packs.runner import ENDS as PACK_ENDS, PackRunner
from storage.database import Database
from storage.notices import feed, outbox_report
from storage.tables import State

_DATABASE_SECONDS = 3.0
"""The time limit of the queries."""
_COUNTERS = (
    "feed_events",
    "feed_failures",
    "feed_skipped",
    "feed_malformed",
    "feed_repeated",
    "clock_steps",
    "notices_never_found",
)
"""Counters whose names are older than the rule that a counter's name ends in ``_total``."""
_GAUGE = re.compile(rf"^# TYPE (odobot_({'|'.join(_COUNTERS)})) gauge$".encode(), re.MULTILINE)


class Metrics:
    """The metrics of one process."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, database: Database, clock: Clock, sources: Sources) -> None:
        self._database = database
        self._clock = clock
        self._sources = sources
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Gauge(
            "odobot_build_info",
            "1, with the version of the program, of Python, and the database engine.",
            ["version", "python", "database"],
            registry=self._registry,
        ).labels(
            metadata.version("odobot"), platform.python_version(), "sqlite" if database.is_sqlite else "postgresql"
        ).set(1)
        self._linked_chats = LinkedChats(database)
        self._updates = Histogram(
            "odobot_update_seconds",
            "From the arrival of an update to the end of its handling, including the wait for the chat's earlier ones.",
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
            registry=self._registry,
        )
        self._dropped = Counter(
            "odobot_updates_dropped",
            "Updates that were dropped, because their chat had too many waiting or strangers sent too many.",
            registry=self._registry,
        )
        self._retried = Counter(
            "odobot_updates_retried",
            "Further attempts at updates, because the database was away.",
            registry=self._registry,
        )
        self._deliveries = Gauge(
            "odobot_deliveries",
            "Deliveries by state: sent, blocked and cancelled by this process, the others in the database.",
            ["state"],
            registry=self._registry,
        )
        self._breaker = Gauge(
            "odobot_breaker_state",
            "The breaker of each channel: 0 full speed, 1 slow start, 2 one message at a time after a pause.",
            ["channel"],
            registry=self._registry,
        )
        self._unrecorded = Gauge(
            "odobot_deliveries_unrecorded",
            "Deliveries whose outcome is in memory until the database takes it.",
            registry=self._registry,
        )
        Gauge(
            "odobot_notices_never_found",
            "Notices that were given up, because the portal did not have what its feed had reported.",
            registry=self._registry,
        ).set_function(lambda: sources.recorder.never_found)
        self._lag = Gauge("odobot_feed_lag_seconds", "Time since the feed was last read.", registry=self._registry)
        self._events = Gauge("odobot_feed_events", "Events read since the start.", registry=self._registry)
        self._failed = Gauge(
            "odobot_feed_failures", "Failed reads of the feed since the start.", registry=self._registry
        )
        self._skipped = Gauge(
            "odobot_feed_skipped", "Events of unknown kinds since the start.", registry=self._registry
        )
        self._usable = Gauge(
            "odobot_database_usable",
            "1 if the last attempt to write to the database succeeded.",
            registry=self._registry,
        )
        Gauge(
            "odobot_portal_breaker_open",
            "1 while calls of the portal fail at once, because it did not answer; else 0.",
            registry=self._registry,
        ).set_function(sources.is_portal_away)
        self._malformed = Gauge(
            "odobot_feed_malformed",
            "Events that could not be read or stored, by reason, since the start.",
            ["reason"],
            registry=self._registry,
        )
        self._repeated = Gauge(
            "odobot_feed_repeated",
            "Notices that were not queued, because another event about the same fact had queued them.",
            registry=self._registry,
        )
        self._stuck = Gauge(
            "odobot_feed_stuck", "1 while the feed that this process reads does not advance.", registry=self._registry
        )
        self._clock_steps = Gauge(
            "odobot_clock_steps",
            "Steps of the system clock since the start, by direction.",
            ["direction"],
            registry=self._registry,
        )
        self._registry.register(SecurityEvents(sources.services.security))
        self._registry.register(Loops(sources.supervisor))
        self._registry.register(Plan(sources.services.planner.counters))
        self._registry.register(Keys(sources.keys))
        self._registry.register(self._linked_chats)
        self._registry.register(DeliveryDelays(sources.recorder.counters))
        for counts in counts_of(sources):
            self._registry.register(counts)

    def handled(self, seconds: float) -> None:
        """Record the duration of an update in seconds, from its arrival to the end of its handling."""
        self._updates.observe(seconds)

    def dropped(self) -> None:
        """Count a dropped update."""
        self._dropped.inc()

    def retried(self) -> None:
        """Count a further attempt at an update."""
        self._retried.inc()

    def watch_polling(self, health: PollHealth, fetched: FetchedUpdates) -> None:
        """Export the state of polling; without a call the process does not poll."""
        self._registry.register(Polling(health, fetched))

    def watch_packs(self, packs: PackRunner) -> None:
        """Export the packs that ended, and those in progress."""
        counts = Counts("odobot_packs", "Packs of invoices that ended.", ["outcome"], lambda: packs.outcomes, PACK_ENDS)
        self._registry.register(counts)
        Gauge("odobot_packs_in_progress", "Packs that this process makes now.", registry=self._registry).set_function(
            lambda: packs.in_progress
        )

    def watch_webhook(self, state: WebhookState) -> None:
        """Export what Telegram says of the webhook."""
        self._registry.register(Webhook(state))

    async def text(self) -> bytes:
        """Return the metrics in Prometheus' exposition format; without the database, those of the process only."""
        for channel, breaker in self._sources.breakers.items():
            self._breaker.labels(channel).set(list(BreakerState).index(breaker.state))
        self._unrecorded.set(self._sources.recorder.unrecorded)
        self._usable.set(not self._sources.database_check.reason)
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                await self._read_database()
        except Exception:  # each driver has its own; the database check reports them
            self._deliveries.clear()
            self._lag.set(math.nan)
        for state in outbox_report.FINAL:
            self._deliveries.labels(state).set(self._sources.settled.get(state, 0))
        self._events.set(self._sources.feed.events)
        self._failed.set(self._sources.feed.failures)
        self._skipped.set(self._sources.feed.skipped.total())
        for reason, count in self._sources.feed.malformed.items():
            self._malformed.labels(reason).set(count)
        self._repeated.set(self._sources.feed.repeated)
        self._stuck.set(bool(self._sources.feed.stuck))
        for direction in ("back", "forward"):
            self._clock_steps.labels(direction).set(self._sources.clock_steps.get(direction, 0))
        return _GAUGE.sub(rb"# TYPE \1 counter", generate_latest(self._registry))

    async def _read_database(self) -> None:
        async with self._database.read() as session:
            open_deliveries = await outbox_report.count_open(session)
            position = await feed.position(session)
        await self._sources.keys.refresh()
        await self._linked_chats.refresh()
        for state in set(State) - set(outbox_report.FINAL):
            self._deliveries.labels(state).set(open_deliveries.get(state, 0))
        if position:
            self._lag.set(max(0.0, (self._clock() - position.read_at).total_seconds()))
