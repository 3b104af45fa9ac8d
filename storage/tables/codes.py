"""Codes, the counters of an address, and the chats that proved an address."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field

from storage.tables.base import Row, UtcTime


class CodeState(StrEnum):
    """``live``: can be typed. ``proven``: was typed correctly. ``closed``: replaced, used or without attempts.

    ``left``: the person stopped waiting for it, so that no text is compared with it until it is awaited again.
    """

    LIVE = "live"
    LEFT = "left"
    PROVEN = "proven"
    CLOSED = "closed"


_ADDRESSED = text("email_sealed <> ''")
_FOR_COPY = text("for_link IS NOT NULL")
_FOR_CHAT = text("for_chat IS NOT NULL")


class Code(Row, table=True):
    """A requested code. The row is kept for a day after the request, because the limits count requests of a day.

    It has no foreign key to a chat: unlinking or deleting a chat does not reset its counts. In a closed code
    ``chat_id`` is 0 and ``email_sealed`` is empty; the keyed hashes remain.
    """

    __tablename__ = "codes"
    __table_args__ = (
        Index("ix_codes_chat_asked", "chat_id", "asked_at"),
        Index("ix_codes_email", "email_hash"),
        Index("ix_codes_chat_hash", "chat_hash", "asked_at"),
        Index("ix_codes_addressed", "expires_at", sqlite_where=_ADDRESSED),
        Index("ix_codes_copies", "asked_at", sqlite_where=_FOR_COPY),
        Index("ix_codes_revocations", "for_chat", sqlite_where=_FOR_CHAT),
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
    """Number of wrong codes that were compared with this one."""
    state: str = CodeState.LIVE
    is_counted: bool = True
    """False: the code could not be mailed. It counts as a request, but not as a mailed code."""
    chat_hash: str = ""
    for_chat: int | None = Field(default=None, sa_type=BigInteger)
    """The chat whose links the code revokes, 0 once either chat is deleted; ``None`` for any other purpose."""
    is_long: bool = False
    is_mailed: bool = True
    """False: no mail was sent, and this chat accepts the code of an earlier mail to the address."""
    opens_until: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    """Until when the right code is accepted. ``None``: the code was not mailed yet, or was withdrawn."""


class AddressGuard(Row, table=True):
    """Counters of an address that are kept for longer than a day."""

    __tablename__ = "address_guards"

    email_hash: str = Field(primary_key=True)
    wrong_codes: int = 0
    """Number of wrong codes since the last right one, or since the operator lifted the cap."""
    warned_at: datetime.datetime | None = Field(default=None, sa_type=UtcTime)
    changed_at: datetime.datetime = Field(sa_type=UtcTime, index=True)


class ProvenAddress(Row, table=True):
    """A chat that was linked through an address at some time. The limits on codes treat it better than a stranger."""

    __tablename__ = "proven_addresses"

    chat_hash: str = Field(primary_key=True)
    email_hash: str = Field(primary_key=True, index=True)
    proven_at: datetime.datetime = Field(sa_type=UtcTime, index=True)
