"""Every row that the database holds of a chat, with its sealed columns opened."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, select as select_columns
from sqlmodel import SQLModel, col, select

from storage.database import Session
from storage.linking import links
from storage.tables import (
    AddressGuard,
    CalendarFeed,
    Channel,
    Chat,
    Code,
    Consent,
    Copy,
    Delivery,
    Document,
    InboxUpdate,
    Invitation,
    Link,
    Mute,
    Notice,
    Pack,
    PdfMessage,
    PendingPaper,
    PlannedNotice,
    ProvenAddress,
    SavedAnswer,
    SupportConversation,
    SupportMessage,
    Sweep,
    Visit,
)

_SEALED = "_sealed"
_OF_LINKS = (Visit, Copy, Mute, SavedAnswer, CalendarFeed, Sweep, PlannedNotice, PdfMessage)


async def rows_of_chat(session: Session, chat_id: int) -> dict[str, list[dict[str, Any]]]:
    """Load every row of a chat, by table. A sealed column has its text under its name without ``_sealed``.

    The text is None where no key opens it; what was stored as JSON is read. A code that another chat asked for, to
    revoke this one, is that chat's.
    """
    found = {}
    for table, which in (await _conditions(session, chat_id)).items():
        stored: Table = table.__table__  # type: ignore[attr-defined]
        query = select_columns(*stored.columns).where(which).order_by(*stored.primary_key.columns)
        rows: Sequence[Any] = (await session.exec(query)).all()  # type: ignore[call-overload]
        found[stored.name] = [_opened(session, row._mapping) for row in rows]
    found[str(InboxUpdate.__tablename__)] = await _updates_of_chat(session, chat_id)
    return found


async def _conditions(session: Session, chat_id: int) -> dict[type[SQLModel], ColumnElement[bool]]:
    """Return the condition of each table for the chat's rows. ``services.retention.tables`` names the same tables."""
    chat_hashes = session.vault.hashes("chat", str(chat_id))
    emails = set((await links.emails(session, chat_id)).values())
    email_hashes = [each for email in sorted(emails) for each in session.vault.hashes("email", email)]
    own = select(col(Link.link_id), col(Link.account_id)).where(col(Link.chat_id) == chat_id)
    linked = (await session.exec(own)).all()  # as values: PostgreSQL scans a table for a subquery within OR
    link_ids, accounts = [link_id for link_id, _ in linked], [account_id for _, account_id in linked]
    delivered = or_(
        and_(col(Delivery.channel) == Channel.TELEGRAM, col(Delivery.recipient) == chat_id),
        col(Delivery.link_id).in_(link_ids),
    )
    conversations = select(col(SupportConversation.conversation_id)).where(col(SupportConversation.chat_id) == chat_id)
    return {
        Chat: col(Chat.chat_id) == chat_id,
        Consent: col(Consent.chat_id) == chat_id,
        Link: col(Link.chat_id) == chat_id,
        **{table: col(table.link_id).in_(link_ids) for table in _OF_LINKS},
        Code: or_(col(Code.chat_hash).in_(chat_hashes), col(Code.chat_id) == chat_id),
        AddressGuard: col(AddressGuard.email_hash).in_(email_hashes),
        ProvenAddress: col(ProvenAddress.chat_hash).in_(chat_hashes),
        Invitation: col(Invitation.chat_hash).in_(chat_hashes),
        PendingPaper: col(PendingPaper.chat_id) == chat_id,
        Delivery: delivered,
        Notice: col(Notice.notice_id).in_(select(col(Delivery.notice_id)).where(delivered)),
        Pack: col(Pack.chat_id) == chat_id,
        SupportConversation: col(SupportConversation.chat_id) == chat_id,
        SupportMessage: col(SupportMessage.conversation_id).in_(conversations),
        Document: col(Document.account_id).in_(accounts),
    }


def _opened(session: Session, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removesuffix(_SEALED): _value(session, name, value) for name, value in row.items()}


def _value(session: Session, name: str, value: Any) -> Any:
    if not name.endswith(_SEALED) or not value:
        return value
    text = session.vault.open_or_none(value)
    try:
        return json.loads(text) if text and text[0] in "[{" else text
    except ValueError:
        return text


async def _updates_of_chat(session: Session, chat_id: int) -> list[dict[str, Any]]:
    """Return the waiting updates of a chat. They are few: each is deleted some milliseconds after it was handled."""
    rows = (await session.exec(select(InboxUpdate).order_by(col(InboxUpdate.update_id)))).all()
    opened = [_opened(session, row.model_dump()) for row in rows]
    return [row for row in opened if chat_id in _chats_in(row["content"])]


def _chats_in(update: Any) -> set[int]:
    """Return the ids of the chats and persons that an update of Telegram comes from."""
    found: set[int] = set()
    if isinstance(update, dict):
        for name, value in update.items():
            if name in ("chat", "from") and isinstance(value, dict) and isinstance(value.get("id"), int):
                found.add(value["id"])
            found |= _chats_in(value)
    return found
