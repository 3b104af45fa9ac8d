"""What Prometheus is told. No label is a person, a chat or a number."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest

from services.clock import Clock
from services.notices import FeedReport
from storage import feed, outbox
from storage.database import Database
from storage.tables import State


class Metrics:
    """One process's figures; those of the outbox are the database's, and so the same from every process."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, database: Database, clock: Clock, report: FeedReport) -> None:
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
        self._deliveries = Gauge("odobot_deliveries", "Deliveries by state.", ["state"], registry=self._registry)
        self._lag = Gauge("odobot_feed_lag_seconds", "Since the feed was last read.", registry=self._registry)
        self._events = Gauge("odobot_feed_events", "Events read since the start.", registry=self._registry)
        self._failed = Gauge("odobot_feed_failures", "Failed readings since the start.", registry=self._registry)
        self._skipped = Gauge("odobot_feed_skipped", "Events of a kind not known here.", registry=self._registry)

    def handled(self, seconds: float) -> None:
        """An update was handled."""
        self._updates.observe(seconds)

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
