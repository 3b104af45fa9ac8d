"""Deliveries about links or copies that no key opens: they wait for the key, or for the person to link again."""

import datetime
from collections import Counter

import structlog

from services.notices.delivery.outcomes import NO_KEY, Cancelled, Deferred
from storage.notices.outbox import ClaimedDelivery

WAITS_FOR = datetime.timedelta(days=3)
"""How long a delivery waits, from its event: a key that was taken away by mistake comes back, or the chat is linked."""
TRIED_EVERY = datetime.timedelta(hours=1)
OUTCOMES = ("deferred", "cancelled")

counts: Counter[str] = Counter()
"""Since the start of the process, by outcome: one of ``OUTCOMES``. A delivery is counted at each attempt."""

log = structlog.get_logger()


def outcome_without_key(claimed: ClaimedDelivery, now: datetime.datetime) -> Deferred | Cancelled:
    """Return what becomes of a delivery that cannot be made because no key opens its link or copy; count and log it."""
    is_over = now - claimed.occurred_at > WAITS_FOR
    outcome = "cancelled" if is_over else "deferred"
    counts[outcome] += 1
    log.warning("delivery.no_key_opens", delivery=claimed.delivery_id, kind=claimed.kind, outcome=outcome)
    return Cancelled(NO_KEY) if is_over else Deferred(now + TRIED_EVERY)
