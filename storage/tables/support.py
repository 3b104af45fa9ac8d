"""Conversations of people with the company's staff: their topics, and which message was relayed as which. No texts."""

import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlmodel import Field

from storage.tables.base import NEVER_REUSED, Row, UtcTime

_OPEN = text("ended_at IS NULL")
_TO_CLOSE = text("close_at IS NOT NULL")


class SupportConversation(Row, table=True):
    """A conversation of a chat with the staff, in a topic of its own in the staff's forum.

    ``chat_id`` and ``subject_sealed`` are empty once it is closed. It has no foreign key to the chat: the topic still
    has to be closed when the chat is forgotten.
    """

    __tablename__ = "support_conversations"
    __table_args__ = (
        Index("ix_support_conversations_open", "chat_id", unique=True, sqlite_where=_OPEN),
        Index("ix_support_conversations_topic", "staff_chat", "topic_id"),
        Index("ix_support_conversations_link", "link_id", sqlite_where=_OPEN),
        Index("ix_support_conversations_active_at", "active_at", sqlite_where=_OPEN),
        Index("ix_support_conversations_close_at", "close_at", sqlite_where=_TO_CLOSE),
        Index("ix_support_conversations_ended_at", "ended_at"),
        NEVER_REUSED,
    )

    conversation_id: int | None = Field(default=None, primary_key=True)
    chat_id: int | None = Field(default=None, sa_type=BigInteger)
    staff_chat: int = Field(sa_type=BigInteger)
    topic_id: int | None = Field(default=None, sa_type=BigInteger)
    """``None`` until the first message is relayed."""
    link_id: int | None = None
    """The link whose account the staff are told; ``None`` for a chat without one."""
    language: str = Field(max_length=2)
    """The person's when it began: their client's where the chat has chosen none."""
    subject_sealed: str | None = None
    """The order or invoice in question; ``None`` for none."""
    is_subject_told: bool = False
    """False: the staff are told of the subject with the next message."""
    begun_at: datetime.datetime = Field(sa_type=UtcTime)
    active_at: datetime.datetime = Field(sa_type=UtcTime)
    """When the last message was relayed, in either direction."""
    ended_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    end_reason: str | None = None
    close_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """When the next attempt to close the topic is due; ``None`` where nothing is to be closed."""


class SupportMessage(Row, table=True):
    """A relayed message: its id in the person's chat, and in the staff's forum."""

    __tablename__ = "support_messages"
    __table_args__ = (
        Index("ix_support_messages_staff", "conversation_id", "staff_message"),
        Index("ix_support_messages_sent_at", "sent_at"),
    )

    conversation_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("support_conversations.conversation_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    person_message: int = Field(primary_key=True, sa_type=BigInteger)
    staff_message: int = Field(sa_type=BigInteger)
    sent_at: datetime.datetime = Field(sa_type=UtcTime)
