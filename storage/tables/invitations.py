"""Invitations, which the portal requests, and the papers that open once their chat is linked."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlmodel import Field

from storage.tables.base import NEVER_REUSED, Row, UtcTime


class InvitationState(StrEnum):
    """``open``: can be used until it expires. ``used``: made links. ``declined``: the person refused it."""

    OPEN = "open"
    USED = "used"
    DECLINED = "declined"


class Invitation(Row, table=True):
    """A single-use link to the bot, for one contact. Its token is stored as a keyed hash only.

    It has no foreign key to a chat: the row is kept for two hours, because limits count it.
    """

    __tablename__ = "invitations"
    __table_args__ = (Index("ix_invitations_contact", "contact_id", "created_at"), NEVER_REUSED)

    invitation_id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    request_hash: str = Field(unique=True)
    """The keyed hash of the request's ``webhook-id``: a repeated request makes no second invitation."""
    contact_id: str
    account_id: str | None = None
    """The account that becomes the current one; ``None``: the contact's first one."""
    language: str | None = Field(default=None, max_length=2)
    created_at: datetime.datetime = Field(sa_type=UtcTime, index=True)
    expires_at: datetime.datetime = Field(sa_type=UtcTime)
    state: str = InvitationState.OPEN
    chat_hash: str = Field(default="", index=True)
    """The keyed hash of the chat that opened it first; no other chat can use it then."""


class PendingPaper(Row, table=True):
    """The order or invoice that a link named, in a chat that was not linked yet. It opens after linking."""

    __tablename__ = "pending_papers"

    chat_id: int = Field(
        primary_key=True,
        sa_type=BigInteger,
        sa_column_args=(ForeignKey("chats.chat_id", ondelete="CASCADE"),),
        sa_column_kwargs={"autoincrement": False},
    )
    payload: str
    """What stood behind ``?start=``, see ``services.understanding.payloads``."""
    expires_at: datetime.datetime = Field(sa_type=UtcTime, index=True)
