"""Chats, their links to accounts, and what hangs on a link.

That is a bookkeeper's copy, muted invoices, saved answers of the portal, a calendar feed's address and the last visit.
"""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, false, text
from sqlmodel import Field

from storage.tables.base import NEVER_REUSED, Row, UtcTime

DEFAULT_PAGE_SIZE = 5
"""Rows of a list, until a chat chooses otherwise."""


class Awaited(StrEnum):
    """How the next text message of a chat is interpreted."""

    EMAIL = "email"
    CODE = "code"
    ORDER_SEARCH = "order_search"
    INVOICE_SEARCH = "invoice_search"
    COPY_EMAIL = "copy_email"
    COPY_CODE = "copy_code"
    REVOKE_CODE = "revoke_code"


_EXPIRES = text("expires_at IS NOT NULL")


class Chat(Row, table=True):
    """A private chat: its preferences and the state of its conversation. Quiet hours are minutes after midnight."""

    __tablename__ = "chats"
    __table_args__ = (Index("ix_chats_expires_at", "expires_at", sqlite_where=_EXPIRES),)

    chat_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    language: str | None = Field(default=None, max_length=2)
    page_size: int = DEFAULT_PAGE_SIZE
    rich_tables: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether the person chose lists as tables, in rich messages."""
    first_name_sealed: str | None = None
    awaited: str | None = None
    awaited_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    awaited_link: int | None = None
    last_album: str | None = None
    timezone: str | None = None
    quiet_from: int | None = None
    quiet_to: int | None = None
    blocked_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime.datetime = Field(sa_type=UtcTime)
    expires_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """When the row of an unlinked chat is deleted; ``None`` while the chat is linked."""


class Link(Row, table=True):
    """The right of a chat to act as a contact on an account.

    The current link of a chat is the one with the newest ``chosen_at``.

    ``wishes`` holds the subscribed kinds of notices, separated by spaces; ``None``: the person was not asked yet.
    """

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("chat_id", "contact_id", "account_id"),
        # A covering index: the rows of one account are far apart in the table.
        Index("ix_links_reached", "account_id", "contact_id", "chat_id", "wishes", "link_id"),
        NEVER_REUSED,
    )

    link_id: int | None = Field(default=None, primary_key=True)
    chat_id: int = Field(foreign_key="chats.chat_id", ondelete="CASCADE", sa_type=BigInteger)
    contact_id: str
    account_id: str
    account_name_sealed: str
    access: str
    email_sealed: str
    email_hash: str = Field(index=True)
    wishes: str | None = None
    attaches_pdf: bool = False
    linked_at: datetime.datetime = Field(sa_type=UtcTime)
    chosen_at: datetime.datetime = Field(sa_type=UtcTime)
    confirmed_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """When the portal last confirmed the contact, its address and the account."""
    used_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """When the chat was last used, with a precision of one day."""


class Copy(Row, table=True):
    """A bookkeeper's address that receives each new invoice of a link's account by mail."""

    __tablename__ = "copies"
    __table_args__ = NEVER_REUSED

    copy_id: int | None = Field(default=None, primary_key=True)
    link_id: int = Field(sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),), unique=True)
    email_sealed: str
    language: str = Field(max_length=2)
    confirmed_at: datetime.datetime = Field(sa_type=UtcTime)
    paused_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """Since when nothing is mailed, because the address takes no mail; ends when it is confirmed anew."""


class Mute(Row, table=True):
    """An invoice whose reminders are turned off for a link."""

    __tablename__ = "mutes"

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    number: str = Field(primary_key=True)


class SavedAnswer(Row, table=True):
    """The last answer of the portal to one question of a link, which is shown while the portal does not answer.

    ``key_hash`` is the keyed hash of contact, account, call and arguments; ``answer_sealed`` holds it, too.
    """

    __tablename__ = "saved_answers"

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    key_hash: str = Field(primary_key=True)
    call: str
    """The method of ``portal.client.Papers``, such as ``invoices``."""
    answer_sealed: str
    read_at: datetime.datetime = Field(sa_type=UtcTime, index=True)


class CalendarFeed(Row, table=True):
    """The private address of a link's calendar feed; ``language`` is that of the chat when it was made."""

    __tablename__ = "calendar_feeds"

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    token_hash: str = Field(unique=True)
    language: str = Field(max_length=2)
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class Visit(Row, table=True):
    """The last visit of a link's home screen. ``papers_sealed``: the numbers and states that the person could see."""

    __tablename__ = "visits"

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    visited_at: datetime.datetime = Field(sa_type=UtcTime)
    papers_sealed: str
