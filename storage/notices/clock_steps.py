"""Stored times that a step of the system clock makes wrong: when the clock was last seen, and their adjustment."""

import datetime

from sqlalchemy import and_, case, exists, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.outbox import IN_PROGRESS, WAITING
from storage.tables import ClockReading, Delivery, Feed, Kind, Notice, Pace, State, Sweep
from storage.tables.base import literal_states


async def last_seen(session: Session) -> datetime.datetime | None:
    """Return what the clock showed when a worker last recorded it; ``None`` before the first time."""
    reading = await session.get(ClockReading, 1)
    return reading.seen_at if reading else None


async def record_seen(session: Session, now: datetime.datetime) -> None:
    """Record what the clock shows."""
    await session.upsert(ClockReading(reading_id=1, seen_at=now))


async def set_back(
    session: Session, now: datetime.datetime, was: datetime.datetime, longest_pause: datetime.timedelta
) -> int:
    """Adjust the times that were stored before the clock was set back.

    Deliveries that were due by then, or would have been retried soon, become due. The sender checks quiet hours and the
    time of a reminder again. A snoozed reminder keeps its time, because nobody checks that again.

    Args:
        was: What the clock would show without the step.
        longest_pause: The longest pause before a retry.

    Returns:
        The number of deliveries that became due.
    """
    await session.lock("claim")
    snoozed = exists(select(Notice.notice_id)).where(
        col(Notice.notice_id) == Delivery.notice_id, col(Notice.kind) == Kind.REMINDER_LATER
    )
    was_due = and_(col(Delivery.due_at) > now, col(Delivery.due_at) <= was + longest_pause)
    waiting = update(Delivery).where(col(Delivery.state).in_(literal_states(WAITING)), was_due, ~snoozed)
    made_due = await session.change(waiting.values(due_at=now).execution_options(synchronize_session=False))
    pace = await session.get(Pace, 1, with_for_update=True)
    if pace is not None:
        pace.next_at = _earlier(pace.next_at, now, was)
        pace.halted_until = _earlier(pace.halted_until, now, was)
    # A sweep is due once a day; a later one was set by the wrong clock.
    too_late = update(Sweep).where(col(Sweep.due_at) > now + datetime.timedelta(days=1))
    await session.change(too_late.values(due_at=now).execution_options(synchronize_session=False))
    feed = await session.get(Feed, 1, with_for_update=True)
    if feed is not None:
        feed.read_at = min(feed.read_at, now)
    return made_due


async def make_far_ones_due(session: Session, now: datetime.datetime, longest_pause: datetime.timedelta) -> int:
    """Make the waiting deliveries due that are due later than any may be: a clock that was ahead has written them.

    No worker may have seen that clock: it was set forward, and back after a crash. Quiet hours postpone by a day at
    most; a reminder of an older version may be due at any time. Returns: how many changed.
    """
    # Not EXISTS: PostgreSQL would make a join of it, and read every notice.
    kind = select(col(Notice.kind)).where(col(Notice.notice_id) == Delivery.notice_id).scalar_subquery()
    reminder = kind.in_((Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER))
    of_quiet_hours = and_(col(Delivery.is_postponed), col(Delivery.due_at) <= now + datetime.timedelta(days=1))
    far = and_(col(Delivery.due_at) > now + longest_pause, ~of_quiet_hours, ~reminder)
    waiting = update(Delivery).where(col(Delivery.state).in_(literal_states(WAITING)), far)
    return await session.change(waiting.values(due_at=now).execution_options(synchronize_session=False))


def _earlier(at: datetime.datetime, now: datetime.datetime, was: datetime.datetime) -> datetime.datetime:
    """Move a time back as far as the clock was set back, but not into the past."""
    return at if at <= now else max(now, at - (was - now))


async def shorten_leases(
    session: Session, now: datetime.datetime, lease: datetime.timedelta, sending_lease: datetime.timedelta
) -> int:
    """Limit leases to their length from now on: a longer one was made before the clock was set back.

    A dead worker's deliveries are then released one lease later at the most, by any clock. Returns: how many changed.
    """
    longest = {State.LEASED: now + lease, State.SENDING: now + sending_lease}
    too_long = or_(
        *(and_(col(Delivery.state) == state, col(Delivery.lease_until) > end) for state, end in longest.items())
    )
    held = update(Delivery).where(col(Delivery.state).in_(literal_states(IN_PROGRESS)), too_long)
    until = case((col(Delivery.state) == State.LEASED, longest[State.LEASED]), else_=longest[State.SENDING])
    return await session.change(held.values(lease_until=until).execution_options(synchronize_session=False))
