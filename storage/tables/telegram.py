"""Files uploaded to Telegram, the messages with them, updates handled by webhook, and updates fetched by polling."""

import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlmodel import Field

from storage.tables.base import Row, UtcTime


class Document(Row, table=True):
    """An uploaded PDF. Its ``file_id`` is valid for this bot only, and current while the portal's ETag is the same."""

    __tablename__ = "documents"

    bot_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    account_id: str = Field(primary_key=True, index=True)
    number: str = Field(primary_key=True)
    language: str = Field(primary_key=True, max_length=2)
    file_id: str
    etag: str


class PdfMessage(Row, table=True):
    """The newest message in which the chat of a link was sent an invoice's PDF; ``etag`` is the portal's."""

    __tablename__ = "pdf_messages"

    link_id: int = Field(
        primary_key=True,
        sa_column_args=(ForeignKey("links.link_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    number: str = Field(primary_key=True)
    language: str = Field(primary_key=True, max_length=2)
    message_id: int = Field(sa_type=BigInteger)
    etag: str | None = None
    sent_at: datetime.datetime = Field(sa_type=UtcTime)
    told_at: datetime.datetime = Field(sa_type=UtcTime, index=True)
    """When the person was last told that the PDF is in the chat."""


class HandledUpdate(Row, table=True):
    """An update that was handled by webhook. Telegram delivers it again when it missed the answer."""

    __tablename__ = "handled_updates"

    update_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    handled_at: datetime.datetime = Field(sa_type=UtcTime, index=True)


class InboxUpdate(Row, table=True):
    """An update that was fetched by polling. Telegram may have forgotten it, and it is not handled yet.

    ``content_sealed`` is its JSON; empty for an update that was handled, and that Telegram may deliver again.
    """

    __tablename__ = "inbox"

    update_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    content_sealed: str
    received_at: datetime.datetime = Field(sa_type=UtcTime)
