"""Deletes chats: all that is stored of them but keyed hashes, which the limits on codes count."""

import datetime
from collections.abc import Sequence

from sqlalchemy import delete
from sqlmodel import col, select

from storage import support
from storage.database import Session
from storage.linking import code_history, invitations, links, proofs
from storage.notices import retention
from storage.tables import Chat, Link, Pack, SupportConversation, SupportMessage


async def deletable_messages(session: Session, chat_id: int, since: datetime.datetime) -> list[int]:
    """Return the ids of the chat's own messages that are stored and were sent at ``since`` or later.

    They are those of a conversation with the staff, in both directions, and the progress of a pack.
    """
    of_chat = col(SupportConversation.chat_id) == chat_id
    conversations = select(SupportConversation.conversation_id).where(of_chat)
    relayed = select(col(SupportMessage.person_message)).where(
        col(SupportMessage.conversation_id).in_(conversations), col(SupportMessage.sent_at) >= since
    )
    progress = select(col(Pack.message_id)).where(
        col(Pack.chat_id) == chat_id, col(Pack.message_id).is_not(None), col(Pack.created_at) >= since
    )
    found = {*(await session.exec(relayed)).all(), *(await session.exec(progress)).all()}
    return sorted(message_id for message_id in found if message_id)


async def delete_chat(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """Delete a chat: its row, links and all that hangs on them, deliveries, proofs, and talks with the staff.

    What stays are keyed hashes, which the limits count: its codes of the last 25 hours, and wrong codes of an address.
    """
    await support.forget(session, chat_id, now)
    await retention.delete_of_chat(session, chat_id)
    accounts = (await session.exec(select(col(Link.account_id)).where(col(Link.chat_id) == chat_id))).all()
    await links.unlink(session, chat_id, now)
    await retention.empty_unlinked(session, accounts)
    await code_history.erase_revocations(session, chat_id)
    await proofs.delete_proofs(session, chat_id=chat_id)
    await invitations.delete_of_chat(session, chat_id)
    await session.change(delete(Chat).where(col(Chat.chat_id) == chat_id))


async def delete_unlinked(session: Session, now: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` unlinked chats that were not used for the time that they are kept. Returns: how many."""
    expired = col(Chat.expires_at)
    old = select(col(Chat.chat_id)).where(expired.is_not(None), expired < now).order_by(expired).limit(limit)
    chat_ids: Sequence[int] = (await session.exec(old.with_for_update(skip_locked=True))).all()
    for chat_id in chat_ids:
        await delete_chat(session, chat_id, now)
    return len(chat_ids)
