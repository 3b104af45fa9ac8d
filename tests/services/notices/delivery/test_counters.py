"""Outcomes and delays of deliveries are counted; a wait that was wanted is no delay."""

import datetime
from typing import Any

import pytest

from services.notices.delivery.counters import DELAY_BOUNDS, OUTCOMES, DeliveryCounters
from services.notices.delivery.outcomes import Blocked, Cancelled, Deferred, Outcome, Retry, Sent, Uncertain
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, Kind

NOW = datetime.datetime(2026, 10, 15, 18, 0, tzinfo=datetime.UTC)


def a_delivery(seconds: float = 0.0, **facts: Any) -> ClaimedDelivery:
    """Return a delivery whose event was some seconds ago."""
    occurred_at = NOW - datetime.timedelta(seconds=seconds)
    given = {"delivery_id": 1, "lease": "x", "event_id": "e", "kind": Kind.INVOICE_ISSUED, "account_id": "a"}
    given |= {"number": "1", "occurred_at": occurred_at, "channel": Channel.TELEGRAM, "recipient": 1, "link_id": 1}
    given |= {"account_name": "", "attempts": 0, "is_postponed": False} | facts
    return ClaimedDelivery(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Sent(), "sent"), (Blocked(), "blocked"), (Cancelled("x"), "cancelled"), (Uncertain("x"), "uncertain"),
        (Retry("x"), "retry"), (Deferred(NOW), "deferred"),
    ],
)  # fmt: skip
def test_each_outcome_has_a_name(outcome: Outcome | Deferred, name: str) -> None:
    counters = DeliveryCounters()
    counters.count([a_delivery(), a_delivery()], outcome, NOW)
    assert counters.outcomes == {(Channel.TELEGRAM, name): 2}
    assert name in OUTCOMES
    assert sum(counters.delays[Channel.TELEGRAM]) == (2 if name == "sent" else 0)


@pytest.mark.parametrize("wanted", ["is_postponed", "is_repetition"])
def test_wanted_waits_are_no_delay(wanted: str) -> None:
    counters = DeliveryCounters()
    counters.count([a_delivery(30_000, **{wanted: True}), a_delivery(3)], Sent(), NOW)
    assert counters.outcomes == {(Channel.TELEGRAM, "sent"): 2}
    assert counters.delay_sums[Channel.TELEGRAM] == 3


@pytest.mark.parametrize(("seconds", "bucket"), [(-5, 0), (1, 0), (1.1, 1), (21_600, 10), (30_000, 11)])
def test_delays_are_counted_in_their_buckets(seconds: float, bucket: int) -> None:
    """A portal whose clock is ahead has no negative delay; the last bucket has no bound."""
    counters = DeliveryCounters()
    counters.count([a_delivery(seconds)], Sent(), NOW)
    assert counters.delays[Channel.TELEGRAM].index(1) == bucket
    assert len(counters.delays[Channel.TELEGRAM]) == len(DELAY_BOUNDS) + 1
    assert counters.delay_sums[Channel.TELEGRAM] == max(0, seconds)
