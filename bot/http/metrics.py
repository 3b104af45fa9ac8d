"""What Prometheus is told. No label is a person, a chat or a number."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from services.clock import Clock
from services.notices.feed_reader import FeedReport
from services.security import SecurityEvent, SecurityLog
from storage import feed, outbox
from storage.database import Database
from storage.tables import State


class Metrics:
    """One process's figures; those of the outbox are the database's, and so the same from every process."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, database: Database, clock: Clock, report: FeedReport, security: SecurityLog) -> None:
        self._database = database
        self._clock = clock
        self._report = report
        self._registry = CollectorRegistry()
        self._updates = Histogram(
            "odobot_update_seconds",
            "From taking an update up to the end of its handling, its wait in its chat's line included.",
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
            registry=self._registry,
        )
        self._dropped = Counter(
            "odobot_updates_dropped",
            "Updates that were not read, because their chat had too many waiting or strangers filled the process.",
            registry=self._registry,
        )
        self._deliveries = Gauge("odobot_deliveries", "Deliveries by state.", ["state"], registry=self._registry)
        self._lag = Gauge("odobot_feed_lag_seconds", "Since the feed was last read.", registry=self._registry)
        self._events = Gauge("odobot_feed_events", "Events read since the start.", registry=self._registry)
        self._failed = Gauge("odobot_feed_failures", "Failed readings since the start.", registry=self._registry)
        self._skipped = Gauge("odobot_feed_skipped", "Events of a kind not known here.", registry=self._registry)
        self._registry.register(_SecurityEvents(security))

    def handled(self, seconds: float) -> None:
        """An update was handled."""
        self._updates.observe(seconds)

    def dropped(self) -> None:
        """An update was not read."""
        self._dropped.inc()

    async def text(self) -> bytes:
        """The exposition format."""
        async with self._database.read() as session:
            counts = await outbox.counts(session)
            position = await feed.position(session)
        for state in State:
            self._deliveries.labels(state).set(counts.get(state, 0))
        if position:
            self._lag.set((self._clock() - position.read_at).total_seconds())
        self._events.set(self._report.events)
        self._failed.set(self._report.failures)
        self._skipped.set(self._report.skipped.total())
        return generate_latest(self._registry)


class _SecurityEvents(Collector):
    """The counts of the security log, read when they are asked for."""

    def __init__(self, security: SecurityLog) -> None:
        self._security = security

    def collect(self) -> Iterator[CounterMetricFamily]:
        """``odobot_security_events_total``, by event and cause; 0 for what did not happen yet."""
        family = CounterMetricFamily(
            "odobot_security_events", "Events of the security log since the start.", labels=["event", "cause"]
        )
        counts = {(event, ""): 0 for event in SecurityEvent} | self._security.counts
        for (event, cause), count in sorted(counts.items()):
            family.add_metric([event, cause], count)
        yield family
