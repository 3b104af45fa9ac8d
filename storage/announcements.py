"""Announcements: stored texts, their deliveries queued chat by chat, and what became of these."""

import datetime
import json
import secrets
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Session
from storage.notices import cancellation
from storage.tables import Announcement, Channel, Delivery, Kind, Link, Notice, State

Texts = Mapping[str, Mapping[str, Any]]
"""By language, as ``services.announcements.as_json``."""


class StoredAnnouncement(Struct, frozen=True):
    """An announcement, and how many of its deliveries are in each state; only states with at least one."""

    announcement_id: int
    texts: Texts
    created_at: datetime.datetime
    is_complete: bool
    is_cancelled: bool
    counts: Mapping[State, int]


async def create(session: Session, texts: Texts, now: datetime.datetime) -> int:
    """Store an announcement that is queued to nobody yet. Returns: its id."""
    event_id = f"announcement:{secrets.token_hex(8)}"
    notice = Notice(event_id=event_id, kind=Kind.COMPANY_NEWS, account_id="", occurred_at=now)
    session.add(notice)
    await session.flush()
    assert notice.notice_id is not None
    row = Announcement(texts=json.dumps(texts, ensure_ascii=False), created_at=now, notice_id=notice.notice_id)
    session.add(row)
    await session.flush()
    assert row.announcement_id is not None
    notice.number = str(row.announcement_id)
    return row.announcement_id


async def queue_some(session: Session, announcement_id: int, now: datetime.datetime, limit: int) -> int | None:
    """Queue it to the next subscribed chats, by chat id, in the transaction that notes how far it came.

    Args:
        limit: The largest number of chats.

    Returns:
        The number of chats; None if there is no such announcement, or it is queued to everybody or cancelled.
    """
    row = await session.get(Announcement, announcement_id, with_for_update=True)
    if row is None or row.completed_at is not None or row.cancelled_at is not None:
        return None
    # A chat is told once, through the first of its subscribed links; link ids only grow.
    found = (
        await session.exec(
            select(Link.chat_id, func.min(Link.link_id))
            .where(col(Link.chat_id) > _after(row.queued_to), _IS_SUBSCRIBED)
            .group_by(col(Link.chat_id))
            .order_by(col(Link.chat_id))
            .limit(limit)
        )
    ).all()
    rows = [
        Delivery(
            notice_id=row.notice_id, channel=Channel.TELEGRAM, recipient=chat_id, link_id=link_id or 0, due_at=now
        ).model_dump(exclude={"delivery_id"})
        for chat_id, link_id in found
    ]  # fmt: skip
    await session.insert_each_if_absent(Delivery, rows)
    if found:
        row.queued_to = found[-1][0]
    if len(found) < limit:
        row.completed_at = now
    return len(found)


_IS_SUBSCRIBED = (" " + col(Link.wishes) + " ").contains(f" {Kind.COMPANY_NEWS} ")
_LOWEST = -(2**63)


def _after(chat_id: int | None) -> int:
    return _LOWEST if chat_id is None else chat_id


async def count_subscribed(session: Session) -> int:
    """Return how many chats would get an announcement now. It reads every link: for commands, not for the bot."""
    query = select(func.count(func.distinct(Link.chat_id))).where(_IS_SUBSCRIBED)
    return (await session.exec(query)).one()


async def find(session: Session, announcement_id: int) -> StoredAnnouncement | None:
    """Return an announcement; None if there is none with this id."""
    row = await session.get(Announcement, announcement_id)
    return None if row is None else await _stored(session, row)


async def list_newest(session: Session, limit: int) -> list[StoredAnnouncement]:
    """Return the newest announcements, the newest first."""
    rows = await session.exec(select(Announcement).order_by(col(Announcement.announcement_id).desc()).limit(limit))
    return [await _stored(session, row) for row in rows.all()]


async def _stored(session: Session, row: Announcement) -> StoredAnnouncement:
    query = select(Delivery.state, func.count()).where(col(Delivery.notice_id) == row.notice_id)
    counts = {State(state): n for state, n in (await session.exec(query.group_by(col(Delivery.state)))).all()}
    assert row.announcement_id is not None
    return StoredAnnouncement(
        announcement_id=row.announcement_id,
        texts=json.loads(row.texts),
        created_at=row.created_at,
        is_complete=row.completed_at is not None,
        is_cancelled=row.cancelled_at is not None,
        counts=counts,
    )


async def find_texts(session: Session, announcement_id: int) -> Texts | None:
    """Return an announcement's texts; None if there is no such announcement, or it was cancelled."""
    row = await session.get(Announcement, announcement_id)
    if row is None or row.cancelled_at is not None:
        return None
    found: Texts = json.loads(row.texts)
    return found


async def cancel(session: Session, announcement_id: int, now: datetime.datetime) -> int | None:
    """Stop an announcement: nobody further is queued, and what waits is cancelled.

    Returns:
        The number of cancelled deliveries; None if there is no such announcement.
    """
    row = await session.get(Announcement, announcement_id, with_for_update=True)
    if row is None:
        return None
    row.cancelled_at = row.cancelled_at or now
    return await cancellation.cancel_for_notice(session, row.notice_id, now, "announcement cancelled")
