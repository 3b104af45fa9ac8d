"""The portal's feed, notices and their deliveries, and the rate limiter's row."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from storage.tables.base import Row, UtcTime


class Feed(Row, table=True):
    """The cursor of the portal's feed: one row."""

    __tablename__ = "feed"

    feed_id: int = Field(default=1, primary_key=True)
    cursor: str
    read_at: datetime.datetime = Field(sa_type=UtcTime)


class TokenKey(Row, table=True):
    """The key of the tokens of one purpose, such as those that stop a bookkeeper's copies."""

    __tablename__ = "token_keys"

    purpose: str = Field(primary_key=True)
    key_sealed: str
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class StopMailbox(Row, table=True):
    """The mailbox of mails that ask to stop copies: one row. It says up to which mail it was read.

    ``uid_validity`` and ``last_uid`` are IMAP's (RFC 9051 §2.3.1.1). One worker at a time reads, until ``lease_until``.
    """

    __tablename__ = "stop_mailbox"

    mailbox_id: int = Field(default=1, primary_key=True)
    uid_validity: int | None = Field(default=None, sa_type=BigInteger)
    last_uid: int = Field(default=0, sa_type=BigInteger)
    lease_owner: str | None = None
    lease_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)


class Pace(Row, table=True):
    """The rate limiter of bulk messages, shared by all workers: one row."""

    __tablename__ = "pace"

    pace_id: int = Field(default=1, primary_key=True)
    next_at: datetime.datetime = Field(sa_type=UtcTime)
    halted_until: datetime.datetime = Field(sa_type=UtcTime)


class ClockReading(Row, table=True):
    """What the system clock showed when a worker last looked: one row. It shows a step back over a restart."""

    __tablename__ = "clock_readings"

    reading_id: int = Field(default=1, primary_key=True)
    seen_at: datetime.datetime = Field(sa_type=UtcTime)


class Kind(StrEnum):
    """The kinds of notices. The first four have a subscription each; the reminders share one.

    ``INVOICE_CANCELLED`` goes to whom the invoice was told, and needs the subscription to new invoices.
    """

    INVOICE_ISSUED = "invoice.issued"
    INVOICE_PAID = "invoice.paid"
    ORDER_CREATED = "order.created"
    ORDER_ENDING = "order.ending"
    INVOICE_CANCELLED = "invoice.cancelled"
    REMINDER_BEFORE = "reminder.before"
    REMINDER_DUE = "reminder.due"
    REMINDER_LATER = "reminder.later"
    COPY_STOPPED = "copy.stopped"
    COPY_PAUSED = "copy.paused"
    COPY_WITHOUT_PDF = "copy.without_pdf"
    COPY_SEALED = "copy.sealed"
    CONTACT_REMOVED = "contact.removed"
    ACCOUNT_CLOSED = "account.closed"
    ADDRESS_CHANGED = "address.changed"
    ACCESS_ENDED = "access.ended"
    LINK_UNUSED = "link.unused"
    POLICY_CHANGED = "policy.changed"
    COMPANY_NEWS = "company.news"


_OF_ACCOUNT = text("account_id <> ''")


class Notice(Row, table=True):
    """A fact to tell recipients: an event of the portal, a row of the plan, or an act in the chat.

    ``day``: of a notice of the plan, the day on which it is told; of a new privacy policy, its version; ``None`` for
    the others. ``account_id`` is empty, and ``number`` is None, where no delivery needs them.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_paper", "number", "account_id", "kind"),
        Index("ix_notices_occurred_at", "occurred_at"),
        Index("ix_notices_account", "account_id", sqlite_where=_OF_ACCOUNT),
    )

    notice_id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(unique=True)
    kind: str
    account_id: str
    number: str | None = None
    occurred_at: datetime.datetime = Field(sa_type=UtcTime)
    day: datetime.date | None = None


class Channel(StrEnum):
    """The medium of a delivery."""

    TELEGRAM = "telegram"
    EMAIL = "email"


class State(StrEnum):
    """The state of a delivery; ``storage.notices.outbox`` has the transitions."""

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
_OPEN = text("state NOT IN ('sent', 'blocked', 'cancelled')")
_TO_REPEAT = text("repeat_at IS NOT NULL")


class Delivery(Row, table=True):
    """One notice to one recipient: ``recipient`` is a chat id (Telegram) or a ``copy_id`` (email).

    ``repeat_at`` is set while a repetition waits or is in progress: when it is due. ``is_repetition``: an earlier
    message may have arrived, and the next one says so. ``is_seen``: while it was ``sending``, the person showed that
    they know of it.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel", "recipient"),
        Index("ix_deliveries_waiting", "due_at", "delivery_id", sqlite_where=_WAITING),
        Index("ix_deliveries_in_hand", "channel", "recipient", sqlite_where=_IN_HAND),
        Index("ix_deliveries_recipient", "channel", "recipient", "settled_at"),
        Index("ix_deliveries_link", "link_id", "state"),
        Index("ix_deliveries_open", "state", "delivery_id", sqlite_where=_OPEN),
        Index("ix_deliveries_settled_at", "settled_at"),
        Index("ix_deliveries_to_repeat", "channel", "recipient", sqlite_where=_TO_REPEAT),
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
    repeat_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    is_repetition: bool = False
    is_seen: bool = False
