"""The rows of the rate limiter, which all workers share. `services.notices.delivery` waits for the slots."""

import datetime

from msgspec import Struct
from sqlalchemy import update
from sqlmodel import col

from storage.database import Session
from storage.notices.outbox import WAITING
from storage.tables import Channel, Delivery, Pace

_LONGEST_HALT = datetime.timedelta(minutes=10)
_MIN_LEAD = datetime.timedelta(seconds=10)
_MOST_WORKERS = 50


class Slots(Struct, frozen=True):
    """Reserved send slots of one worker: ``count`` times from ``start`` on, one ``gap`` apart."""

    start: datetime.datetime
    count: int


def longest_lead(gap: datetime.timedelta, count: int) -> datetime.timedelta:
    """Return how far ahead a slot may be without a halt: a later one is from before the clock was set back.

    Each worker reserves ``count`` slots once its own are used, so it is as many reservations as there are workers.
    """
    return max(_MIN_LEAD, gap * count * _MOST_WORKERS)


async def reserve(session: Session, earliest: datetime.datetime, gap: datetime.timedelta, count: int) -> Slots:
    """Reserve the next ``count`` slots for the calling worker.

    A stored time that is too far in the future was stored before the clock was set back, and is brought near.

    Args:
        earliest: No slot is before this time.
        gap: The time between two slots, 1 / rate.
    """
    pace = await _pace(session, earliest)
    pace.halted_until = min(pace.halted_until, earliest + _LONGEST_HALT)
    free_at = max(pace.halted_until, earliest)
    start = max(free_at, min(pace.next_at, free_at + longest_lead(gap, count)))
    pace.next_at = start + gap * count
    return Slots(start, count)


async def _pace(session: Session, at: datetime.datetime) -> Pace:
    """Return the single row, created where it is missing, and lock it until the transaction ends."""
    pace = await session.get(Pace, 1, with_for_update=True)
    if pace is None:
        await session.insert_if_absent(Pace, pace_id=1, next_at=at, halted_until=at)
        pace = await session.get_one(Pace, 1, with_for_update=True)
    return pace


async def halt(session: Session, until: datetime.datetime) -> None:
    """Let no worker reserve a slot before ``until``. A halt that ends later stays."""
    pace = await _pace(session, until)
    pace.halted_until = max(pace.halted_until, until)


async def hold_chat(session: Session, chat_id: int, until: datetime.datetime) -> None:
    """Make the waiting deliveries of a chat due no earlier than ``until``: Telegram accepts none before."""
    waiting = (col(Delivery.channel) == Channel.TELEGRAM, col(Delivery.recipient) == chat_id)
    early = (col(Delivery.state).in_(WAITING), col(Delivery.due_at) < until)
    await session.change(update(Delivery).where(*waiting, *early).values(due_at=until))
