"""The chats that an operator looks for, with their links and wishes: no names, no addresses, no texts."""

import datetime
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from storage.database import Session
from storage.tables import CalendarFeed, Chat, Copy, Link


class CustomerCopy(Struct, frozen=True):
    """The bookkeeper's copy of a link; ``paused_at``: since when nothing is mailed, or None."""

    language: str
    confirmed_at: datetime.datetime
    paused_at: datetime.datetime | None


class CustomerLink(Struct, frozen=True):
    """A link of a chat.

    Args:
        is_match: Whether the search found this link; the others are further links of the same chat.
        is_readable: Whether a key opens its columns; else the person has to link again.
        subscriptions: The kinds of notices; None: the person was not asked yet.
        used_at: When the chat was last used, with a precision of one day.
    """

    link_id: int
    contact_id: str
    account_id: str
    access: tuple[str, ...]
    linked_at: datetime.datetime
    confirmed_at: datetime.datetime | None
    used_at: datetime.datetime | None
    subscriptions: tuple[str, ...] | None
    attaches_pdf: bool
    copy: CustomerCopy | None
    has_calendar: bool
    is_match: bool
    is_readable: bool


class CustomerChat(Struct, frozen=True):
    """A linked chat. Quiet hours are minutes after midnight, from and to; None: there are none."""

    chat_id: int
    language: str | None
    created_at: datetime.datetime
    blocked_at: datetime.datetime | None
    timezone: str | None
    quiet: tuple[int, int] | None
    links: tuple[CustomerLink, ...]

    @property
    def last_seen(self) -> datetime.datetime | None:
        """When the chat was last used, with a precision of one day; None: not known."""
        return max((link.used_at for link in self.links if link.used_at), default=None)


async def find_by_email(session: Session, email: str) -> list[CustomerChat]:
    """Return the chats that are linked through an address, given in its normal form."""
    return await _find(session, col(Link.email_hash).in_(session.vault.hashes("email", email)))


async def find_by_account(session: Session, account_id: str) -> list[CustomerChat]:
    """Return the chats that are linked to an account, by the portal's id."""
    return await _find(session, col(Link.account_id) == account_id)


async def _find(session: Session, is_wanted: ColumnElement[bool]) -> list[CustomerChat]:
    wanted = select(Link.chat_id).where(is_wanted)
    matches = set((await session.exec(select(Link.link_id).where(is_wanted))).all())
    query = (
        select(Chat, Link, Copy, CalendarFeed.link_id)
        .join(Link, col(Link.chat_id) == Chat.chat_id)
        .outerjoin(Copy, col(Copy.link_id) == Link.link_id)
        .outerjoin(CalendarFeed, col(CalendarFeed.link_id) == Link.link_id)
        .where(col(Chat.chat_id).in_(wanted))
        .order_by(col(Chat.chat_id), col(Link.link_id))
    )
    found: dict[int, tuple[Chat, list[CustomerLink]]] = {}
    for chat, link, copy, calendar in (await session.exec(query)).all():
        links = found.setdefault(chat.chat_id, (chat, []))[1]
        links.append(_link(session, link, copy, has_calendar=calendar is not None, is_match=link.link_id in matches))
    return [_chat(chat, links) for chat, links in found.values()]


def _chat(chat: Chat, links: Sequence[CustomerLink]) -> CustomerChat:
    has_quiet = chat.quiet_from is not None and chat.quiet_to is not None
    return CustomerChat(
        chat_id=chat.chat_id,
        language=chat.language,
        created_at=chat.created_at,
        blocked_at=chat.blocked_at,
        timezone=chat.timezone,
        quiet=(chat.quiet_from or 0, chat.quiet_to or 0) if has_quiet else None,
        links=tuple(links),
    )


def _link(session: Session, link: Link, copy: Copy | None, *, has_calendar: bool, is_match: bool) -> CustomerLink:
    return CustomerLink(
        link_id=link.link_id or 0,
        contact_id=link.contact_id,
        account_id=link.account_id,
        access=tuple(link.access.split()),
        linked_at=link.linked_at,
        confirmed_at=link.confirmed_at,
        used_at=link.used_at,
        subscriptions=None if link.wishes is None else tuple(link.wishes.split()),
        attaches_pdf=link.attaches_pdf,
        copy=CustomerCopy(copy.language, copy.confirmed_at, copy.paused_at) if copy else None,
        has_calendar=has_calendar,
        is_match=is_match,
        is_readable=session.vault.opens(link.email_sealed) and session.vault.opens(link.account_name_sealed),
    )
