"""The portal's feed: its cursor, and the notices and deliveries that follow from an event."""

import datetime
from collections.abc import Iterable, Sequence, Set
from typing import Any

from msgspec import Struct
from sqlalchemy import and_, insert, select as select_columns, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Channel, Copy, Delivery, Feed, Kind, Link, Notice, State

_NEW_DELIVERY = Delivery(
    notice_id=0, channel="", recipient=0, link_id=0, due_at=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
).model_dump(exclude={"delivery_id"})
"""The columns of a new delivery with their defaults."""


class Position(Struct, frozen=True):
    """The cursor up to which the feed was read, and when the portal last answered."""

    cursor: str
    read_at: datetime.datetime


async def position(session: Session) -> Position | None:
    """Return the position in the feed; ``None`` before the first reading."""
    feed = await session.get(Feed, 1)
    return Position(feed.cursor, feed.read_at) if feed else None


async def advance(session: Session, seen: str | None, cursor: str, now: datetime.datetime) -> bool:
    """Move the cursor from ``seen`` to ``cursor`` (compare-and-set), and lock it until the transaction ends.

    Args:
        seen: ``None`` for the first reading.

    Returns:
        False where another reader moved it.
    """
    if seen is None:
        return await session.insert_if_absent(Feed, feed_id=1, cursor=cursor, read_at=now)
    query = update(Feed).where(col(Feed.feed_id) == 1, col(Feed.cursor) == seen)
    return bool(await session.change(query.values(cursor=cursor, read_at=now)))


class NewNotice(Struct, frozen=True):
    """A notice to record. ``event_id`` is unique, so that no event is recorded twice. ``day``: as ``Notice.day``.

    ``kind``: a ``Kind``, or the type of an event that nobody is told of.
    """

    event_id: str
    kind: str
    account_id: str
    number: str | None
    occurred_at: datetime.datetime
    day: datetime.date | None = None


class NewDelivery(Struct, frozen=True):
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


async def record(session: Session, notice: NewNotice, deliveries: Sequence[NewDelivery]) -> None:
    """Insert a notice and its deliveries. Without deliveries it marks the event as seen."""
    await record_all(session, [(notice, deliveries)])


async def record_all(session: Session, notices: Sequence[tuple[NewNotice, Sequence[NewDelivery]]]) -> None:
    """Insert notices, each with its deliveries, by two statements for all of them.

    A notice that nobody gets is stored without account and number: only its ``event_id`` is needed. An issued invoice
    keeps them: no reminder is planned for a day before it was issued.
    """
    if not notices:
        return
    rows = [
        {
            "event_id": notice.event_id,
            "kind": notice.kind,
            "account_id": notice.account_id if deliveries or notice.kind == Kind.INVOICE_ISSUED else "",
            "number": notice.number if deliveries or notice.kind == Kind.INVOICE_ISSUED else None,
            "occurred_at": notice.occurred_at,
            "day": notice.day,
        }
        for notice, deliveries in notices
    ]
    inserted = insert(Notice).returning(col(Notice.event_id), col(Notice.notice_id))
    ids = dict((await session.exec(inserted, params=rows)).all())
    deliveries = [
        _NEW_DELIVERY
        | {
            "notice_id": ids[notice.event_id],
            "channel": each.channel,
            "recipient": each.recipient,
            "link_id": each.link_id,
            "due_at": each.due_at,
            "account_sealed": session.vault.seal(each.account_name) if each.account_name else None,
        }
        for notice, of_notice in notices
        for each in of_notice
    ]
    if deliveries:
        await session.exec(insert(Delivery), params=deliveries)


class NotifiedRecipient(Struct, frozen=True):
    """A recipient with a delivery about an order or an invoice, and when that event occurred.

    ``is_planned``: the notice is of the plan, and no event of the portal. ``is_sent``: it arrived, or is on its way.
    """

    kind: Kind
    account_id: str
    number: str
    channel: Channel
    recipient: int
    occurred_at: datetime.datetime
    is_planned: bool = False
    is_sent: bool = False


async def notified_recipients(session: Session, papers: Set[tuple[str, str]]) -> list[NotifiedRecipient]:
    """Return who was notified, or will be, about some orders and invoices.

    Args:
        papers: Numbers, each with the id of its account.

    Returns:
        One entry per delivery that is not cancelled, of every kind; also about another account's order or invoice,
        if both its number and its account are among ``papers``.
    """
    query = (
        select_columns(
            col(Notice.kind),
            col(Notice.account_id),
            col(Notice.number),
            col(Delivery.channel),
            col(Delivery.recipient),
            col(Notice.occurred_at),
            col(Notice.day),
            col(Delivery.state),
        )
        .join(Delivery, col(Delivery.notice_id) == Notice.notice_id)
        .where(
            col(Notice.number).in_(sorted({number for number, _ in papers})),
            col(Notice.account_id).in_(sorted({account_id for _, account_id in papers})),
            col(Delivery.state) != State.CANCELLED,
        )
    )
    found: Sequence[Any] = (await session.exec(query)).all() if papers else ()  # type: ignore[call-overload]
    return [
        NotifiedRecipient(
            Kind(kind),
            account_id,
            number or "",
            Channel(channel),
            recipient,
            at,
            day is not None,
            state in (State.SENT, State.SENDING),
        )
        for kind, account_id, number, channel, recipient, at, day, state in found
    ]


class AffectedLink(Struct, frozen=True):
    """A link that an event is about. ``copy_id``: its bookkeeper's copy, or ``None``, also for one that is paused."""

    link_id: int
    chat_id: int
    contact_id: str
    subscriptions: frozenset[str]
    copy_id: int | None


async def affected_links(session: Session, account_ids: Set[str]) -> dict[str, list[AffectedLink]]:
    """Return the links of each of these accounts, ordered by id. An account without links is missing."""
    query = (
        select_columns(
            col(Link.account_id),
            col(Link.link_id),
            col(Link.chat_id),
            col(Link.contact_id),
            col(Link.wishes),
            col(Copy.copy_id),
        )
        .outerjoin(Copy, and_(col(Copy.link_id) == Link.link_id, col(Copy.paused_at).is_(None)))
        .where(col(Link.account_id).in_(sorted(account_ids)))
        .order_by(col(Link.link_id))
    )
    rows: Sequence[Any] = (await session.exec(query)).all()  # type: ignore[call-overload]
    found: dict[str, list[AffectedLink]] = {}
    for account_id, link_id, chat_id, contact_id, kinds, copy_id in rows:
        link = AffectedLink(link_id or 0, chat_id, contact_id, frozenset((kinds or "").split()), copy_id)
        found.setdefault(account_id, []).append(link)
    return found


async def account_name(session: Session, link_ids: Iterable[int]) -> str | None:
    """Return the account's name from the newest of these links.

    Returns:
        Empty where no key decrypts it; ``None`` where none of the links exists.
    """
    query = select(Link.account_name_sealed).where(col(Link.link_id).in_(list(link_ids)))
    sealed = (await session.exec(query.order_by(col(Link.link_id).desc()).limit(1))).first()
    return None if sealed is None else session.vault.open_or_none(sealed) or ""
