"""Figures for ``odobot stats``: counted from what is stored at this moment. They read whole tables: for commands."""

import datetime
from collections import Counter
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Session
from storage.tables import CalendarFeed, Chat, Copy, Delivery, Document, Link, Notice, Pack


class ChatFigures(Struct, frozen=True):
    """The linked chats.

    Args:
        chats: Linked chats, and how many of them block the bot.
        languages: Linked chats by the language that they chose; None: none was chosen.
        last_used: Linked chats by the day of their last use, in the company's time zone; None: not known.
    """

    chats: int
    blocked: int
    links: int
    accounts: int
    languages: Counter[str | None]
    last_used: Counter[datetime.date | None]


class NoticeFigures(Struct, frozen=True):
    """The stored deliveries by kind of notice, channel and state, and when the oldest of them occurred."""

    counts: Counter[tuple[str, str, str]]
    since: datetime.datetime | None


class DocumentFigures(Struct, frozen=True):
    """What is stored of PDFs and other files: uploads, wishes, and the packs of the last days by state and format."""

    uploaded_pdfs: int
    links_with_attached_pdf: int
    copies: int
    paused_copies: int
    calendar_feeds: int
    packs: Counter[tuple[str, str]] = field(default_factory=Counter)


async def count_chats(session: Session, zone: ZoneInfo) -> ChatFigures:
    """Count the linked chats."""
    last = func.max(col(Link.used_at)).label("last")
    query = (
        select(Chat.language, Chat.blocked_at, last)
        .join(Link, col(Link.chat_id) == Chat.chat_id)
        .group_by(col(Chat.chat_id), col(Chat.language), col(Chat.blocked_at))
    )
    rows = (await session.exec(query)).all()
    totals = select(func.count(), func.count(func.distinct(col(Link.account_id)))).select_from(Link)
    links, accounts = (await session.exec(totals)).one()
    return ChatFigures(
        chats=len(rows),
        blocked=sum(blocked_at is not None for _, blocked_at, _ in rows),
        links=links,
        accounts=accounts,
        languages=Counter(language for language, _, _ in rows),
        last_used=Counter(at.astimezone(zone).date() if at else None for _, _, at in rows),
    )


async def count_notices(session: Session) -> NoticeFigures:
    """Count the stored deliveries."""
    query = (
        select(Notice.kind, Delivery.channel, Delivery.state, func.count())
        .join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        .group_by(col(Notice.kind), col(Delivery.channel), col(Delivery.state))
    )
    counts = {(kind, channel, state): number for kind, channel, state, number in (await session.exec(query)).all()}
    oldest = select(func.min(col(Notice.occurred_at))).join(Delivery, col(Delivery.notice_id) == Notice.notice_id)
    return NoticeFigures(Counter(counts), (await session.exec(oldest)).one())


async def count_documents(session: Session) -> DocumentFigures:
    """Count the files and what asks for them."""
    packs = select(Pack.state, Pack.format, func.count()).group_by(col(Pack.state), col(Pack.format))
    return DocumentFigures(
        uploaded_pdfs=(await session.exec(select(func.count()).select_from(Document))).one(),
        links_with_attached_pdf=(
            await session.exec(select(func.count()).select_from(Link).where(col(Link.attaches_pdf)))
        ).one(),
        copies=(await session.exec(select(func.count()).select_from(Copy))).one(),
        paused_copies=(
            await session.exec(select(func.count()).select_from(Copy).where(col(Copy.paused_at).is_not(None)))
        ).one(),
        calendar_feeds=(await session.exec(select(func.count()).select_from(CalendarFeed))).one(),
        packs=Counter({(state, form): number for state, form, number in (await session.exec(packs)).all()}),
    )
