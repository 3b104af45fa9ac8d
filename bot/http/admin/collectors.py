"""Collectors: metrics that are read from their sources when Prometheus asks."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.supervisor import Supervisor
from bot.updates.fetched import FetchedUpdates
from bot.updates.poll_health import PollFailure, PollHealth
from bot.updates.webhook_state import WebhookState
from services.notices.delivery.counters import DELAY_BOUNDS, DeliveryCounters
from services.notices.planner import PlanCounters
from services.security import SecurityEvent, SecurityLog


class Loops(Collector):
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


class Webhook(Collector):
    """Exports what Telegram says of the webhook."""

    def __init__(self, state: WebhookState) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the waiting updates and the age of the last failure; NaN as long as they are not known."""
        self._state.refresh()
        yield GaugeMetricFamily(
            "odobot_webhook_pending_updates", "Updates that wait at Telegram, polling too.", value=self._state.pending
        )
        yield GaugeMetricFamily(
            "odobot_webhook_last_error_age_seconds",
            "Time since Telegram last failed to deliver to the webhook; NaN if it never did.",
            value=self._state.last_error_age,
        )


class SecurityEvents(Collector):
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


class Polling(Collector):
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


class Plan(Collector):
    """Exports what the plan of reminders and order endings did."""

    def __init__(self, counters: PlanCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the links that were compared with the portal, those that could not be, and the queued deliveries."""
        counters = self._counters
        yield CounterMetricFamily("odobot_plan_sweeps", "Links compared with the portal.", value=counters.sweeps)
        yield CounterMetricFamily("odobot_plan_failures", "Links that could not be compared.", value=counters.failures)
        yield CounterMetricFamily("odobot_plan_queued", "Deliveries queued from the plan.", value=counters.queued)


class DeliveryDelays(Collector):
    """Exports how long after their events deliveries were sent."""

    def __init__(self, counters: DeliveryCounters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram by channel."""
        family = HistogramMetricFamily(
            "odobot_delivery_delay_seconds",
            "From the event, or a reminder's planned time, to the sent message; without what quiet hours put off.",
            labels=["channel"],
        )
        bounds = [f"{bound:g}" for bound in DELAY_BOUNDS] + ["+Inf"]
        for channel, counts in self._counters.delays.items():
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            family.add_metric([channel], buckets, self._counters.delay_sums[channel])
        yield family
