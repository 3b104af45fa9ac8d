"""The tables. Times are UTC; a column named ``…_sealed`` is encrypted, one named ``…_hash`` is a keyed hash."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Index, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


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


class CodeState(StrEnum):
    """``live`` until it is typed (``proven``) or replaced, burnt, used (``closed``)."""

    LIVE = "live"
    PROVEN = "proven"
    CLOSED = "closed"


class Chat(SQLModel, table=True):
    """A private chat: what it chose, and where its conversation stands."""

    __tablename__ = "chats"

    chat_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    language: str | None = Field(default=None, max_length=2)
    page_size: int = 5
    first_name_sealed: str | None = None
    awaited: str | None = None
    awaited_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    awaited_link: int | None = None
    last_album: str | None = None
    created_at: datetime.datetime = Field(sa_type=UtcTime)


class Link(SQLModel, table=True):
    """A chat that may act as a contact on an account. A chat's current link is the one chosen last."""

    __tablename__ = "links"
    __table_args__ = (UniqueConstraint("chat_id", "contact_id", "account_id"),)

    link_id: int | None = Field(default=None, primary_key=True)
    chat_id: int = Field(foreign_key="chats.chat_id", ondelete="CASCADE", sa_type=BigInteger)
    contact_id: str
    account_id: str
    account_name_sealed: str
    access: str
    email_sealed: str
    email_hash: str = Field(index=True)
    wants_invoices: bool | None = None
    linked_at: datetime.datetime = Field(sa_type=UtcTime)
    chosen_at: datetime.datetime = Field(sa_type=UtcTime)


class Code(SQLModel, table=True):
    """A code that was asked for; kept for an hour, because an hour is what asking is limited by.

    It hangs on no chat: one that unlinks or is forgotten does not start counting anew.
    """

    __tablename__ = "codes"
    __table_args__ = (Index("ix_codes_chat_asked", "chat_id", "asked_at"), Index("ix_codes_email", "email_hash"))

    code_id: int | None = Field(default=None, primary_key=True)
    chat_id: int = Field(sa_type=BigInteger)
    email_sealed: str
    email_hash: str
    code_hash: str
    asked_at: datetime.datetime = Field(sa_type=UtcTime, index=True)
    expires_at: datetime.datetime = Field(sa_type=UtcTime)
    attempts: int = 0
    state: str = CodeState.LIVE
    is_counted: bool = True


class Document(SQLModel, table=True):
    """A PDF that Telegram already has: its ``file_id`` is this bot's alone, and good while the ETag is the same."""

    __tablename__ = "documents"

    bot_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    account_id: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    language: str = Field(primary_key=True, max_length=2)
    file_id: str
    etag: str
