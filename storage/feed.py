"""The portal's feed as it was read: the cursor, and the notices and deliveries that follow, in one transaction."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Copy, Delivery, Feed, Kind, Link, Notice, Pace


@dataclass(frozen=True, slots=True)
class Position:
    """How far the feed was read, and when it last answered."""

    cursor: str
    read_at: datetime.datetime


async def position(session: Session) -> Position | None:
    """``None`` before the first reading."""
    feed = await session.get(Feed, 1)
    return Position(feed.cursor, feed.read_at) if feed else None


async def advance(session: Session, seen: str | None, cursor: str, now: datetime.datetime) -> bool:
    """Moves the cursor on from where it was seen; ``False`` when another reader was faster."""
    if seen is None:
        return await session.put_if_absent(Feed, feed_id=1, cursor=cursor, read_at=now)
    query = update(Feed).where(col(Feed.feed_id) == 1, col(Feed.cursor) == seen)
    return bool(await session.change(query.values(cursor=cursor, read_at=now)))


async def restart(session: Session, cursor: str, now: datetime.datetime) -> None:
    """Starts anew at a cursor, because the portal no longer knows the old one."""
    await session.change(update(Feed).where(col(Feed.feed_id) == 1).values(cursor=cursor, read_at=now))


@dataclass(frozen=True, slots=True)
class NewNotice:
    """One thing to tell; ``event_id`` keeps it from being told twice."""

    event_id: str
    kind: Kind
    account_id: str
    number: str | None
    occurred_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """To whom, over what, and when."""

    channel: Channel
    recipient: int
    link_id: int
    due_at: datetime.datetime
    account_name: str = ""


async def known_events(session: Session, event_ids: Iterable[str]) -> set[str]:
    """Which of these were recorded before."""
    found = await session.exec(select(Notice.event_id).where(col(Notice.event_id).in_(list(event_ids))))
    return set(found.all())


async def record(session: Session, notice: NewNotice, deliveries: Sequence[NewDelivery]) -> int:
    """Writes a notice and its deliveries; its id. A notice that nobody wants is recorded too: it was seen."""
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
class Reached:
    """A link that an event is about."""

    link_id: int
    chat_id: int
    wishes: frozenset[str]
    copy_id: int | None


async def reached(session: Session, account_id: str, contact_id: str | None) -> list[Reached]:
    """The links of an account, or of one contact on it, with the bookkeeper's copy of each."""
    query = (
        select(col(Link.link_id), col(Link.chat_id), col(Link.wishes), col(Copy.copy_id))
        .outerjoin(Copy, col(Copy.link_id) == Link.link_id)
        .where(col(Link.account_id) == account_id)
        .order_by(col(Link.link_id))
    )
    if contact_id is not None:
        query = query.where(col(Link.contact_id) == contact_id)
    return [
        Reached(link_id or 0, chat_id, frozenset((wishes or "").split()), copy_id)
        for link_id, chat_id, wishes, copy_id in (await session.exec(query)).all()
    ]


async def account_name(session: Session, link_ids: Iterable[int]) -> str | None:
    """What the account was called when the newest of these links was made; ``None`` where none is left."""
    query = select(Link.account_name_sealed).where(col(Link.link_id).in_(list(link_ids)))
    sealed = (await session.exec(query.order_by(col(Link.link_id).desc()).limit(1))).first()
    return None if sealed is None else session.vault.open_or_none(sealed) or ""


@dataclass(frozen=True, slots=True)
class Slots:
    """Times at which one worker may send, from ``start`` on, each ``gap`` after the other."""

    start: datetime.datetime
    count: int


async def reserve(session: Session, now: datetime.datetime, gap: datetime.timedelta, count: int) -> Slots:
    """Takes the next ``count`` times of the bulk lane, for this worker alone."""
    pace = await _pace(session, now)
    start = max(pace.next_at, pace.halted_until, now)
    pace.next_at = start + gap * count
    return Slots(start, count)


async def _pace(session: Session, at: datetime.datetime) -> Pace:
    """The one row, made where there is none, and locked until the transaction ends."""
    pace = await session.get(Pace, 1, with_for_update=True)
    if pace is None:
        await session.put_if_absent(Pace, pace_id=1, next_at=at, halted_until=at)
        pace = await session.get_one(Pace, 1, with_for_update=True)
    return pace


async def halt(session: Session, until: datetime.datetime) -> None:
    """Stops the bulk lane of every worker until then; an earlier end is no end."""
    pace = await _pace(session, until)
    pace.halted_until = max(pace.halted_until, until)
