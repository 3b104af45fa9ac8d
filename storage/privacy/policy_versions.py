"""The versions of the privacy policy: a new one is recorded once, with one notice to each chat that is linked then."""

import datetime

from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Session
from storage.notices import feed
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Kind, Link, PolicyVersion

_NO_LINK = 0
"""The link of these deliveries: they are about the chat, and stay where one of its links ends."""


async def record_version(session: Session, version: datetime.date, now: datetime.datetime) -> int | None:
    """Record a version, and queue one notice to each linked chat.

    Returns:
        How many notices were queued; None where this version or a newer one was recorded before.
    """
    await session.lock("policy version")
    newest = (await session.exec(select(func.max(PolicyVersion.version)))).first()
    if newest is not None and newest >= version:
        return None
    session.add(PolicyVersion(version=version, recorded_at=now))
    linked = (await session.exec(select(col(Link.chat_id)).distinct().order_by(col(Link.chat_id)))).all()
    notice = NewNotice(f"{Kind.POLICY_CHANGED}:{version}", Kind.POLICY_CHANGED, "", None, now, day=version)
    await feed.record(session, notice, [NewDelivery(Channel.TELEGRAM, chat_id, _NO_LINK, now) for chat_id in linked])
    return len(linked)


async def is_recorded(session: Session, version: datetime.date) -> bool:
    """Return whether a version, or a newer one, is recorded."""
    newest = (await session.exec(select(func.max(PolicyVersion.version)))).first()
    return newest is not None and newest >= version
