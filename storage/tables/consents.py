"""Consents and their withdrawals, and the versions of the privacy policy that were in force."""

import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey
from sqlmodel import Field

from storage.tables.base import Row, UtcTime


class ConsentPurpose(StrEnum):
    """What a person agrees to. The subscriptions to notices are purposes, too, under their own names."""

    ACCESS = "access"
    """Orders and invoices of an account are shown in the chat."""
    COPY = "copy"
    SUPPORT = "support"
    """Messages are relayed to the staff."""
    CALENDAR = "calendar"
    INLINE = "inline"
    """``@bot 212380`` is answered in other chats."""


class Consent(Row, table=True):
    """A consent, or its withdrawal (``is_given`` False). Rows are only added; they are deleted with their chat."""

    __tablename__ = "consents"

    consent_id: int | None = Field(default=None, primary_key=True)
    chat_id: int = Field(
        index=True, sa_type=BigInteger, sa_column_args=(ForeignKey("chats.chat_id", ondelete="CASCADE"),)
    )
    link_id: int | None = None
    """The link whose account it is about; ``None`` for the whole chat. The link may be gone."""
    purpose: str
    """A ``ConsentPurpose``, or a subscription such as ``invoice.issued``."""
    is_given: bool
    recorded_at: datetime.datetime = Field(sa_type=UtcTime)
    policy_version: datetime.date | None = None
    """The policy in force; ``None`` before the first version was recorded."""
    message: str
    """The id in the catalogues of the words that the person read."""
    language: str | None = Field(default=None, max_length=2)
    """The language of those words; ``None`` where they were shown in both."""


class PolicyVersion(Row, table=True):
    """A version of the privacy policy, by its date, and since when it is in force here."""

    __tablename__ = "policy_versions"

    version: datetime.date = Field(primary_key=True)
    recorded_at: datetime.datetime = Field(sa_type=UtcTime)
