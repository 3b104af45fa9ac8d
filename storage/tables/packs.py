"""Packs of invoices, while they are made and for some days after."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlmodel import Field

from storage.tables.base import NEVER_REUSED, Row, UtcTime


class PackState(StrEnum):
    """``queued → running → done | failed``; ``cancelled`` by the person, ``ended`` with its link.

    ``failed`` and ``done`` become ``queued`` again where the person lets it continue. A process removes an ``ended``
    row once the chat was told.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENDED = "ended"


_OPEN = text("state IN ('queued', 'running', 'ended')")
_SETTLED = text("settled_at IS NOT NULL")


class Pack(Row, table=True):
    """One request for the invoices of a selection, with how far it came. Each chat has one open pack at the most.

    ``request_sealed`` is the selection and the account's name, ``progress_sealed`` the numbers, what was sent and what
    is missing; both are JSON. ``fingerprint`` is a keyed hash of what the files were made of: while it is the same,
    they are sent by Telegram's ``file_id``.
    """

    __tablename__ = "packs"
    __table_args__ = (
        Index("ix_packs_open", "due_at", sqlite_where=_OPEN),
        Index("ix_packs_open_chat", "chat_id", unique=True, sqlite_where=_OPEN),
        Index("ix_packs_chat", "chat_id"),
        Index("ix_packs_link", "link_id", "fingerprint"),
        Index("ix_packs_settled_at", "settled_at", sqlite_where=_SETTLED),
        NEVER_REUSED,
    )

    pack_id: int | None = Field(default=None, primary_key=True)
    chat_id: int = Field(sa_type=BigInteger, sa_column_args=(ForeignKey("chats.chat_id", ondelete="CASCADE"),))
    link_id: int
    thread_id: int | None = Field(default=None, sa_type=BigInteger)
    message_id: int | None = Field(default=None, sa_type=BigInteger)
    """The message with the progress; None until it was sent."""
    language: str = Field(max_length=2)
    format: str
    request_sealed: str
    progress_sealed: str | None = None
    fingerprint: str | None = None
    state: str = PackState.QUEUED
    created_at: datetime.datetime = Field(sa_type=UtcTime)
    due_at: datetime.datetime = Field(sa_type=UtcTime)
    settled_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    lease_owner: str | None = None
    lease_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
