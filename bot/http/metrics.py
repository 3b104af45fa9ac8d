"""The metrics for Prometheus. No label identifies a person, a chat or an invoice."""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.database_check import DatabaseCheck
from bot.supervisor import Supervisor
from bot.updates.fetched import FetchedUpdates
from bot.updates.poll_health import PollFailure, PollHealth
from handlers.telegram.failures import FailureKind
from portal.fields import unread_rows
from services.clock import Clock
from services.notices.delivery.breaker import BreakerState, ChannelBreaker
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.feed_reader import FeedCounters
from services.notices.planner import PlanCounters
from services.security import SecurityEvent, SecurityLog
from storage.database import Database
from storage.notices import feed, outbox_report
from storage.tables import Channel, State

_DATABASE_SECONDS = 3.0
"""The time limit of the queries."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the metrics of a process are read from, beside the database."""

    feed: FeedCounters
    plan: PlanCounters
    settled: Mapping[State, int]
    """The dispatcher's counts of deliveries by final state."""
    recorder: OutcomeRecorder
    breakers: Mapping[Channel, ChannelBreaker]
    clock_steps: Mapping[str, int]
    """Steps of the system clock by direction, ``back`` or ``forward``."""
    security: SecurityLog
    supervisor: Supervisor
    database_check: DatabaseCheck
    undelivered: Mapping[str, int]
    """Answers that were not delivered in time, by kind of the last failure."""
    is_portal_away: Callable[[], bool]
    """Returns whether the breaker of the portal is open."""


class Metrics:
    """The metrics of one process."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, database: Database, clock: Clock, sources: Sources) -> None:
        self._database = database
        self._clock = clock
        self._sources = sources
        self._registry = CollectorRegistry()
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
        self._registry.register(_SecurityEvents(sources.security))
        self._registry.register(_Loops(sources.supervisor))
        self._registry.register(_Undelivered(sources.undelivered))
        self._registry.register(_UnreadRows())
        self._registry.register(_Plan(sources.plan))

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
        self._registry.register(_Polling(health, fetched))

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
        return generate_latest(self._registry)

    async def _read_database(self) -> None:
        async with self._database.read() as session:
            open_deliveries = await outbox_report.count_open(session)
            position = await feed.position(session)
        for state in set(State) - set(outbox_report.FINAL):
            self._deliveries.labels(state).set(open_deliveries.get(state, 0))
        if position:
            self._lag.set(max(0.0, (self._clock() - position.read_at).total_seconds()))


class _Loops(Collector):
    """Exports the restarts and the failures of the loops."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield ``odobot_loop_restarts_total`` and ``odobot_loop_failing``, by name of the loop."""
        restarts = CounterMetricFamily("odobot_loop_restarts", "Restarts of a loop since the start.", labels=["loop"])
        for name, count in sorted(self._supervisor.restarts.items()):
            restarts.add_metric([name], count)
        yield restarts
        failing = GaugeMetricFamily("odobot_loop_failing", "1 while a loop fails.", labels=["loop"])
        for name, fails in self._supervisor.failing():
            failing.add_metric([name], float(fails))
        yield failing


class _UnreadRows(Collector):
    """Exports the counts of the portal's rows that could not be read."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield ``odobot_portal_rows_unread_total`` by what the row should have been."""
        family = CounterMetricFamily(
            "odobot_portal_rows_unread", "Rows of the portal's answers that could not be read.", labels=["row"]
        )
        for row in ("Account", "Contact", "Invoice", "Order", "OrderLine"):
            family.add_metric([row], unread_rows[row])
        yield family


class _Plan(Collector):
    """Exports what the plan of reminders and order endings did."""

    def __init__(self, counters: PlanCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the links that were compared with the portal, those that could not be, and the queued deliveries."""
        counters = self._counters
        yield CounterMetricFamily("odobot_plan_sweeps", "Links compared with the portal.", value=counters.sweeps)
        yield CounterMetricFamily("odobot_plan_failures", "Links that could not be compared.", value=counters.failures)
        yield CounterMetricFamily("odobot_plan_queued", "Deliveries queued from the plan.", value=counters.queued)


class _Undelivered(Collector):
    """Exports the counts of answers that were not delivered."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield ``odobot_answers_undelivered_total`` by kind of failure; 0 for a kind that has not occurred."""
        family = CounterMetricFamily(
            "odobot_answers_undelivered", "Answers that were not delivered in time, since the start.", labels=["kind"]
        )
        for kind in FailureKind:
            family.add_metric([kind], self._counts.get(kind, 0))
        yield family


class _SecurityEvents(Collector):
    """Exports the counts of the security log."""

    def __init__(self, security: SecurityLog) -> None:
        self._security = security

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield ``odobot_security_events_total`` by event and cause; 0 for an event that has not occurred."""
        family = CounterMetricFamily(
            "odobot_security_events", "Events of the security log since the start.", labels=["event", "cause"]
        )
        counts = {(event, ""): 0 for event in SecurityEvent} | self._security.counts
        for (event, cause), count in sorted(counts.items()):
            family.add_metric([event, cause], count)
        yield family


class _Polling(Collector):
    """Exports the state of polling."""

    def __init__(self, health: PollHealth, fetched: FetchedUpdates) -> None:
        self._health = health
        self._fetched = fetched

    def collect(self) -> Iterator[Metric]:
        """Yield the age of the last poll, failures by kind, what was skipped, and what is not handled or stored."""
        yield GaugeMetricFamily(
            "odobot_poll_age_seconds", "Time since the last answered getUpdates.", value=self._health.age
        )
        failures = CounterMetricFamily("odobot_poll_failures", "getUpdates calls that failed.", labels=["kind"])
        for kind in PollFailure:
            failures.add_metric([kind], self._health.failures[kind])
        yield failures
        yield CounterMetricFamily(
            "odobot_updates_unreadable",
            "Updates that could not be parsed, and were skipped.",
            value=self._health.unreadable,
        )
        yield GaugeMetricFamily(
            "odobot_updates_in_progress", "Fetched updates that are not handled.", value=self._fetched.in_progress
        )
        yield CounterMetricFamily(
            "odobot_inbox_failures", "Changes of the inbox that failed.", value=self._fetched.failures
        )
