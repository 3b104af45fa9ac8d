"""The tables. Times are UTC; a column named ``…_sealed`` is encrypted, one named ``…_hash`` is a keyed hash."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, MetaData, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

DEFAULT_PAGE_SIZE = 5
"""Rows of a list, until a chat chooses otherwise."""


# SQLite would give a deleted row's id to the next one: a button or a list of what was sent would be another's.
_NEVER_REUSED = {"sqlite_autoincrement": True}


class UtcTime(TypeDecorator[datetime.datetime]):
    """An aware time. SQLite keeps no zone, so it is written as UTC and read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        """To the database."""
        if value is None:
            return None
        utc = value.astimezone(datetime.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime.datetime | None, _dialect: Dialect) -> datetime.datetime | None:
        """From the database."""
        return value.replace(tzinfo=datetime.UTC) if value is not None and value.tzinfo is None else value


class Awaited(StrEnum):
    """What the next text in a chat is taken for."""

    EMAIL = "email"
    CODE = "code"
    ORDER_SEARCH = "order_search"
    INVOICE_SEARCH = "invoice_search"
    COPY_EMAIL = "copy_email"
    COPY_CODE = "copy_code"
    REVOKE_CODE = "revoke_code"


class CodeState(StrEnum):
    """``live`` until it is typed (``proven``) or replaced, burnt, used (``closed``)."""

    LIVE = "live"
    PROVEN = "proven"
    CLOSED = "closed"


class Row(SQLModel):
    """What every table is. Rows are not validated: pydantic need not prepare to at each start."""

    model_config = {"defer_build": True}


_EXPIRES = text("expires_at IS NOT NULL")


class Chat(Row, table=True):
    """A private chat: what it chose, and where its conversation stands. Quiet hours are minutes after midnight."""

    __tablename__ = "chats"
    __table_args__ = (Index("ix_chats_expires_at", "expires_at", sqlite_where=_EXPIRES),)

    chat_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    language: str | None = Field(default=None, max_length=2)
    page_size: int = DEFAULT_PAGE_SIZE
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
    """When the row of a chat that is not linked is deleted; ``None`` while it is linked."""


class Link(Row, table=True):
    """A chat that may act as a contact on an account. A chat's current link is the one chosen last.

    ``wishes`` are the kinds of notices wanted, with spaces between; ``None`` where nobody asked yet.
    """

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("chat_id", "contact_id", "account_id"),
        # All that an event asks of its account's links: they lie together here, and far apart in the table.
        Index("ix_links_reached", "account_id", "contact_id", "chat_id", "wishes", "link_id"),
        _NEVER_REUSED,
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
    """When the portal last said that the contact, its address and the account still hold."""
    used_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """When somebody last used the chat, to the day."""


_ADDRESSED = text("email_sealed <> ''")
_FOR_COPY = text("for_link IS NOT NULL")


class Code(Row, table=True):
    """A code that was asked for; kept for a day after its request, because the limits count a day.

    It has no foreign key to a chat: unlinking or forgetting a chat does not reset its counts. Once a code is closed,
    ``chat_id`` is 0 and ``email_sealed`` empty, and only the keyed hashes are left.
    """

    __tablename__ = "codes"
    __table_args__ = (
        Index("ix_codes_chat_asked", "chat_id", "asked_at"),
        Index("ix_codes_email", "email_hash"),
        Index("ix_codes_chat_hash", "chat_hash", "asked_at"),
        Index("ix_codes_addressed", "expires_at", sqlite_where=_ADDRESSED),
        Index("ix_codes_copies", "asked_at", sqlite_where=_FOR_COPY),
    )

    code_id: int | None = Field(default=None, primary_key=True)
    chat_id: int = Field(sa_type=BigInteger)
    email_sealed: str
    email_hash: str
    code_hash: str
    for_link: int | None = None
    asked_at: datetime.datetime = Field(sa_type=UtcTime, index=True)
    expires_at: datetime.datetime = Field(sa_type=UtcTime)
    attempts: int = 0
    """Wrong codes that were compared with this one."""
    state: str = CodeState.LIVE
    is_counted: bool = True
    """False where the code could not be mailed: it then counts as a request, but not as a code."""
    chat_hash: str = ""
    for_chat: int | None = Field(default=None, sa_type=BigInteger)
    """The chat that is to be revoked, where the code is asked for that."""
    is_long: bool = False
    is_mailed: bool = True
    """False where no mail was due: the code of an earlier mail to the address is taken in this chat too."""
    opens_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """Until when the right code is accepted. None: the code was not mailed to anybody, and opens nothing."""


class AddressGuard(Row, table=True):
    """What is counted of an address for longer than a day."""

    __tablename__ = "address_guards"

    email_hash: str = Field(primary_key=True)
    wrong_codes: int = 0
    """Wrong codes since the last right one, or since the operator lifted the cap."""
    warned_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    changed_at: datetime.datetime = Field(sa_type=UtcTime, index=True)


class ProvenAddress(Row, table=True):
    """A chat that was linked through an address at some time: codes reach it also while strangers ask for them."""

    __tablename__ = "proven_addresses"

    chat_hash: str = Field(primary_key=True)
    email_hash: str = Field(primary_key=True, index=True)
    proven_at: datetime.datetime = Field(sa_type=UtcTime, index=True)


class Document(Row, table=True):
    """A PDF that Telegram already has: its ``file_id`` is this bot's alone, and good while the ETag is the same."""

    __tablename__ = "documents"

    bot_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    account_id: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    language: str = Field(primary_key=True, max_length=2)
    file_id: str
    etag: str


class Copy(Row, table=True):
    """A bookkeeper's address that receives each new invoice of a link's account by mail."""

    __tablename__ = "copies"
    __table_args__ = _NEVER_REUSED

    copy_id: int | None = Field(default=None, primary_key=True)
    link_id: int = Field(sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),), unique=True)
    email_sealed: str
    language: str = Field(max_length=2)
    confirmed_at: datetime.datetime = Field(sa_type=UtcTime)


class Mute(Row, table=True):
    """An invoice that a link wants no reminders of."""

    __tablename__ = "mutes"

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    number: str = Field(primary_key=True)


class Feed(Row, table=True):
    """How far the portal's feed was read: one row."""

    __tablename__ = "feed"

    feed_id: int = Field(default=1, primary_key=True)
    cursor: str
    read_at: datetime.datetime = Field(sa_type=UtcTime)


class HandledUpdate(Row, table=True):
    """An update that came by webhook and was handled: Telegram delivers it again when it missed the answer."""

    __tablename__ = "handled_updates"

    update_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    handled_at: datetime.datetime = Field(sa_type=UtcTime, index=True)


class Pace(Row, table=True):
    """When the next bulk message may go, over all workers: one row."""

    __tablename__ = "pace"

    pace_id: int = Field(default=1, primary_key=True)
    next_at: datetime.datetime = Field(sa_type=UtcTime)
    halted_until: datetime.datetime = Field(sa_type=UtcTime)


class Kind(StrEnum):
    """What a notice tells. The first four are wished for one by one, reminders together."""

    INVOICE_ISSUED = "invoice.issued"
    INVOICE_PAID = "invoice.paid"
    ORDER_CREATED = "order.created"
    ORDER_ENDING = "order.ending"
    REMINDER_BEFORE = "reminder.before"
    REMINDER_DUE = "reminder.due"
    REMINDER_LATER = "reminder.later"
    COPY_STOPPED = "copy.stopped"
    CONTACT_REMOVED = "contact.removed"
    ACCOUNT_CLOSED = "account.closed"
    ADDRESS_CHANGED = "address.changed"
    ACCESS_ENDED = "access.ended"
    LINK_UNUSED = "link.unused"


class Notice(Row, table=True):
    """Something to tell: reported by the portal, following from that, or done here; ``event_id`` is unique."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_number", "number"), Index("ix_notices_occurred_at", "occurred_at"))

    notice_id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(unique=True)
    kind: str
    account_id: str
    number: str | None = None
    occurred_at: datetime.datetime = Field(sa_type=UtcTime)


class Channel(StrEnum):
    """Over what a notice travels."""

    TELEGRAM = "telegram"
    EMAIL = "email"


class State(StrEnum):
    """Where a delivery stands. From ``sending`` on, nobody knows but the other side until it says so."""

    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    RETRY = "retry"
    SENT = "sent"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


_WAITING = text("state IN ('queued', 'retry')")
_IN_HAND = text("state IN ('leased', 'sending')")
_UNCERTAIN = text("state = 'uncertain'")


class Delivery(Row, table=True):
    """One notice to one recipient: a chat, or a bookkeeper's copy."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel", "recipient"),
        Index("ix_deliveries_waiting", "due_at", "delivery_id", sqlite_where=_WAITING),
        Index("ix_deliveries_in_hand", "channel", "recipient", sqlite_where=_IN_HAND),
        Index("ix_deliveries_recipient", "channel", "recipient", "settled_at"),
        Index("ix_deliveries_link", "link_id", "state"),
        Index("ix_deliveries_uncertain", "delivery_id", sqlite_where=_UNCERTAIN),
        Index("ix_deliveries_settled_at", "settled_at"),
    )

    delivery_id: int | None = Field(default=None, primary_key=True)
    notice_id: int = Field(foreign_key="notices.notice_id")
    channel: str
    recipient: int = Field(sa_type=BigInteger)
    link_id: int
    account_sealed: str | None = None
    state: str = State.QUEUED
    due_at: datetime.datetime = Field(sa_type=UtcTime)
    attempts: int = 0
    is_postponed: bool = False
    lease_owner: str | None = None
    lease_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    settled_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    reason: str | None = None


class Tally(Row, table=True):
    """A part of how many deliveries stand in a state, written by triggers; all of a state's rows together are right."""

    __tablename__ = "tallies"

    tally_id: int | None = Field(default=None, primary_key=True)
    state: str
    deliveries: int = Field(sa_type=BigInteger)


def metadata() -> MetaData:
    """Every table, for who makes or compares a schema: there, partial indexes are partial on PostgreSQL too.

    To say so above would import its dialect, 40 ms of every start of a bot, which makes no tables.
    """
    for index in (index for table in SQLModel.metadata.tables.values() for index in table.indexes):
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    return SQLModel.metadata
