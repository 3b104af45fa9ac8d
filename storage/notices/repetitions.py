"""Marked repetitions: which deliveries get one, when it is queued, and what makes it needless.

A delivery whose outcome is unclear is sent once more, and the message says that it may have come before. See ``outbox``
for the states.
"""

import datetime
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, exists, func, or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.outbox import SEEN, WAITING
from storage.notices.outbox_report import IS_OPEN, UncertainDelivery, as_uncertain
from storage.tables import Channel, Delivery, Kind, Notice, State

_CLOCK_STEP = datetime.timedelta(minutes=1)
"""A delivery that was settled later than this after now was settled before the clock was set back."""
_UNSENT = (State.UNCERTAIN, *WAITING, State.LEASED)


async def channels_due(session: Session, now: datetime.datetime) -> set[Channel]:
    """Return the channels in which a repetition is due."""
    found = await session.exec(select(Delivery.channel).where(*_due(now)).distinct())
    return {Channel(channel) for channel in found}


async def queue_due(session: Session, now: datetime.datetime, channel: Channel) -> int:
    """Queue the repetitions of a channel that are due. Returns: their number."""
    query = update(Delivery).where(*_due(now), col(Delivery.channel) == channel)
    return await session.change(query.values(**_queued(now)).execution_options(synchronize_session=False))


def _due(now: datetime.datetime) -> tuple[ColumnElement[bool], ...]:
    is_due = or_(col(Delivery.repeat_at) <= now, col(Delivery.settled_at) > now + _CLOCK_STEP)
    return col(Delivery.repeat_at).is_not(None), col(Delivery.state) == State.UNCERTAIN, is_due


def _queued(now: datetime.datetime) -> dict[str, object]:
    values: dict[str, object] = {"state": State.QUEUED, "is_repetition": True, "due_at": now, "repeat_at": now}
    return values | {"settled_at": None, "lease_owner": None, "lease_until": None}


class SeenNotices(Struct, frozen=True):
    """The notices of a chat that a person knows of.

    Args:
        account_id: None for any account.
        number: None for any order or invoice, and for notices about none.
        postponed_only: Whether only those are meant that were put together in a summary.
    """

    kinds: Sequence[Kind]
    account_id: str | None = None
    number: str | None = None
    postponed_only: bool = False


async def record_seen(session: Session, chat_id: int, seen: SeenNotices, now: datetime.datetime) -> int:
    """Cancel the repetitions of notices that a person knows of; those being sent get none if their outcome is unclear.

    Returns:
        The number of cancelled repetitions.
    """
    about = exists().where(col(Notice.notice_id) == Delivery.notice_id, col(Notice.kind).in_(seen.kinds))
    if seen.account_id is not None:
        about = about.where(col(Notice.account_id) == seen.account_id)
    if seen.number is not None:
        about = about.where(col(Notice.number) == seen.number)
    own: list[ColumnElement[bool]] = [
        col(Delivery.channel) == Channel.TELEGRAM,
        col(Delivery.recipient) == chat_id,
        about,
    ]
    if seen.postponed_only:
        own.append(col(Delivery.is_postponed).is_(True))
    values = {"state": State.CANCELLED, "reason": SEEN, "settled_at": now, "repeat_at": None, "lease_owner": None}
    pending = (col(Delivery.repeat_at).is_not(None), col(Delivery.state).in_(_UNSENT))
    query = update(Delivery).where(*own, *pending).values(**values)
    cancelled = await session.change(query.execution_options(synchronize_session=False))
    sending = update(Delivery).where(*own, col(Delivery.state) == State.SENDING).values(is_seen=True)
    await session.change(sending.execution_options(synchronize_session=False))
    return cancelled


class ResendChoice(Struct, frozen=True):
    """Which uncertain deliveries an operator resends. Without ``ids``, only those that are not repeated by themselves.

    Args:
        ids: These deliveries; empty for all.
        since: Those that became uncertain at this time or later; None for any time.
        reason: Those whose reason contains this text, in any case; empty for any reason.
    """

    ids: Sequence[int] = ()
    since: datetime.datetime | None = None
    reason: str = ""


async def list_resendable(session: Session, choice: ResendChoice) -> list[UncertainDelivery]:
    """Return the uncertain deliveries that an operator chose, oldest first."""
    query = (
        select(Delivery, Notice)
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .where(col(Delivery.state) == State.UNCERTAIN, IS_OPEN)
        .order_by(col(Delivery.delivery_id))
    )
    query = query.where(col(Delivery.delivery_id).in_(choice.ids) if choice.ids else col(Delivery.repeat_at).is_(None))
    if choice.since is not None:
        query = query.where(col(Delivery.settled_at) >= choice.since)
    if choice.reason:
        query = query.where(func.lower(col(Delivery.reason)).contains(choice.reason.lower(), autoescape=True))
    return [as_uncertain(delivery, notice) for delivery, notice in (await session.exec(query)).all()]


async def resend(session: Session, ids: Sequence[int], now: datetime.datetime) -> int:
    """Queue a marked repetition of uncertain deliveries at once. Returns: the number of those that still were it."""
    query = update(Delivery).where(col(Delivery.delivery_id).in_(ids), col(Delivery.state) == State.UNCERTAIN)
    return await session.change(query.values(**_queued(now)).execution_options(synchronize_session=False))
