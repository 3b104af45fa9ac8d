"""Counts what came of deliveries in this process, and how long after their events they were sent."""

import datetime
from collections import Counter
from collections.abc import Sequence

from services.notices.delivery.outcomes import Deferred, Outcome, Sent
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel

OUTCOMES = ("sent", "blocked", "cancelled", "uncertain", "retry", "deferred")
"""The classes of ``services.notices.delivery.outcomes``, in small letters. The last two are not final."""
DELAY_BOUNDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21_600.0)
"""The upper bounds of the histogram's buckets, in seconds; the last bucket has none."""


class DeliveryCounters:
    """The counters since the start of the process.

    Attributes:
        outcomes: Deliveries by channel and outcome, once for each attempt.
        delays: Sent deliveries by channel, in each bucket of ``DELAY_BOUNDS`` and in the last one; not cumulative.
        delay_sums: The sum of their delays in seconds, by channel.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.delays = {channel: [0] * (len(DELAY_BOUNDS) + 1) for channel in Channel}
        self.delay_sums = dict.fromkeys(Channel, 0.0)

    def count(self, batch: Sequence[ClaimedDelivery], outcome: Outcome | Deferred, now: datetime.datetime) -> None:
        """Count the outcome of a batch.

        The delay of a sent delivery runs from its event, or from the time that was planned for a reminder. Deliveries
        that quiet hours put off, and repetitions, have none: the wait was wanted.
        """
        channel = batch[0].channel
        self.outcomes[channel, type(outcome).__name__.lower()] += len(batch)
        if not isinstance(outcome, Sent):
            return
        for each in batch:
            if not each.is_postponed and not each.is_repetition:
                self._add_delay(channel, max(0.0, (now - each.occurred_at).total_seconds()))

    def _add_delay(self, channel: Channel, seconds: float) -> None:
        bucket = next((place for place, bound in enumerate(DELAY_BOUNDS) if seconds <= bound), len(DELAY_BOUNDS))
        self.delays[channel][bucket] += 1
        self.delay_sums[channel] += seconds
