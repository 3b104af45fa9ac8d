"""The portal's feed: its cursor, and the notices and deliveries that follow from an event."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Copy, Delivery, Feed, Kind, Link, Notice


@dataclass(frozen=True, slots=True)
class Position:
    """The cursor up to which the feed was read, and when the portal last answered."""

    cursor: str
    read_at: datetime.datetime


async def position(session: Session) -> Position | None:
    """Return the position in the feed; ``None`` before the first reading."""
    feed = await session.get(Feed, 1)
    return Position(feed.cursor, feed.read_at) if feed else None


async def advance(session: Session, seen: str | None, cursor: str, now: datetime.datetime) -> bool:
    """Move the cursor from ``seen`` to ``cursor`` (compare-and-set).

    Args:
        seen: ``None`` for the first reading.

    Returns:
        False where another reader moved it.
    """
    if seen is None:
        return await session.insert_if_absent(Feed, feed_id=1, cursor=cursor, read_at=now)
    query = update(Feed).where(col(Feed.feed_id) == 1, col(Feed.cursor) == seen)
    return bool(await session.change(query.values(cursor=cursor, read_at=now)))


async def restart(session: Session, cursor: str, now: datetime.datetime) -> None:
    """Set the cursor without comparing it, after the portal refused the old one."""
    await session.change(update(Feed).where(col(Feed.feed_id) == 1).values(cursor=cursor, read_at=now))


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice to record. ``event_id`` is unique, so that no event is recorded twice."""

    event_id: str
    kind: Kind
    account_id: str
    number: str | None
    occurred_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to record: recipient, channel and the time from which it may be sent."""

    channel: Channel
    recipient: int
    link_id: int
    due_at: datetime.datetime
    account_name: str = ""


async def known_events(session: Session, event_ids: Iterable[str]) -> set[str]:
    """Return those of ``event_ids`` that are recorded."""
    found = await session.exec(select(Notice.event_id).where(col(Notice.event_id).in_(list(event_ids))))
    return set(found.all())


async def record(session: Session, notice: NewNotice, deliveries: Sequence[NewDelivery]) -> int:
    """Insert a notice and its deliveries. Without deliveries it marks the event as seen. Returns: the notice's id."""
    row = Notice(
        event_id=notice.event_id,
        kind=notice.kind,
        account_id=notice.account_id,
        number=notice.number,
        occurred_at=notice.occurred_at,
    )
    session.add(row)
    await session.flush()
    assert row.notice_id is not None
    if deliveries:
        rows = [
            Delivery(
                notice_id=row.notice_id,
                channel=each.channel,
                recipient=each.recipient,
                link_id=each.link_id,
                due_at=each.due_at,
                account_sealed=session.vault.seal(each.account_name) if each.account_name else None,
            ).model_dump(exclude={"delivery_id"})
            for each in deliveries
        ]
        await session.exec(insert(Delivery), params=rows)
    return row.notice_id


@dataclass(frozen=True, slots=True)
class AffectedLink:
    """A link that an event is about. ``copy_id``: its bookkeeper's copy, or ``None``."""

    link_id: int
    chat_id: int
    subscriptions: frozenset[str]
    copy_id: int | None


async def affected_links(session: Session, account_id: str, contact_id: str | None) -> list[AffectedLink]:
    """Return the links of an account, or of one contact on it, ordered by id."""
    query = (
        select(col(Link.link_id), col(Link.chat_id), col(Link.wishes), col(Copy.copy_id))
        .outerjoin(Copy, col(Copy.link_id) == Link.link_id)
        .where(col(Link.account_id) == account_id)
        .order_by(col(Link.link_id))
    )
    if contact_id is not None:
        query = query.where(col(Link.contact_id) == contact_id)
    return [
        AffectedLink(link_id or 0, chat_id, frozenset((kinds or "").split()), copy_id)
        for link_id, chat_id, kinds, copy_id in (await session.exec(query)).all()
    ]


async def account_name(session: Session, link_ids: Iterable[int]) -> str | None:
    """Return the account's name from the newest of these links.

    Returns:
        Empty where no key decrypts it; ``None`` where none of the links exists.
    """
    query = select(Link.account_name_sealed).where(col(Link.link_id).in_(list(link_ids)))
    sealed = (await session.exec(query.order_by(col(Link.link_id).desc()).limit(1))).first()
    return None if sealed is None else session.vault.open_or_none(sealed) or ""
