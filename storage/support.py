"""Conversations with the staff: begun, found by chat or topic, ended, closed; and the ids of their relayed messages.

States: open (``ended_at`` empty) → ended (``close_at`` set: the other side is told, and the topic closed) → closed
(nothing personal is left). A chat has one open conversation at most.
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, or_, tuple_, update
from sqlmodel import col, select

from storage import chats
from storage.database import Session
from storage.tables import Chat, SupportConversation, SupportMessage

IDLE_AFTER = datetime.timedelta(days=7)
"""A conversation without a message for so long ends by itself."""
_CLOSE_LEASE = datetime.timedelta(seconds=60)


class EndReason(StrEnum):
    """Why a conversation ended."""

    PERSON = "person"
    STAFF = "staff"
    UNLINKED = "unlinked"
    FORGOTTEN = "forgotten"
    IDLE = "idle"
    REPLACED = "replaced"
    """The person began another one, about another account."""
    UNREACHABLE = "unreachable"
    """Nothing can be relayed to the staff's chat."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation; ``chat_id`` is None once the chat is forgotten or unlinked, or the conversation closed."""

    conversation_id: int
    chat_id: int | None
    staff_chat: int
    topic_id: int | None
    link_id: int | None
    subject: str = field(repr=False)
    """The paper in question, as the caller wrote it; empty for none."""
    is_subject_told: bool
    language: str
    end_reason: EndReason | None = None

    @property
    def is_open(self) -> bool:
        """Whether messages are relayed."""
        return self.end_reason is None


def _conversation(session: Session, row: SupportConversation) -> Conversation:
    assert row.conversation_id is not None
    return Conversation(
        conversation_id=row.conversation_id,
        chat_id=row.chat_id,
        staff_chat=row.staff_chat,
        topic_id=row.topic_id,
        link_id=row.link_id,
        subject=session.vault.open_or_none(row.subject_sealed or "") or "",
        is_subject_told=row.is_subject_told,
        language=row.language,
        end_reason=EndReason(row.end_reason) if row.end_reason else None,
    )


_IS_OPEN = col(SupportConversation.ended_at).is_(None)


async def begin(
    session: Session,
    chat_id: int,
    staff_chat: int,
    link_id: int | None,
    subject: str,
    now: datetime.datetime,
    *,
    language: str,
) -> None:
    """Begin a conversation, or change the subject of the open one; one about another account is ended first."""
    await chats.ensure(session, chat_id, now)  # locks the chat
    open_one = await find_open(session, chat_id)
    if open_one is not None and (open_one.staff_chat, open_one.link_id) != (staff_chat, link_id):
        await end(session, open_one.conversation_id, EndReason.REPLACED, now)
        open_one = None
    sealed = session.vault.seal(subject) if subject else None
    if open_one is None:
        session.add(
            SupportConversation(
                chat_id=chat_id, staff_chat=staff_chat, link_id=link_id, subject_sealed=sealed,
                language=language, begun_at=now, active_at=now,
            )
        )  # fmt: skip
        await session.flush()
    elif subject and subject != open_one.subject:
        this = col(SupportConversation.conversation_id) == open_one.conversation_id
        values = {"subject_sealed": sealed, "is_subject_told": False}
        await session.change(update(SupportConversation).where(this).values(**values))


async def find(session: Session, conversation_id: int) -> Conversation | None:
    """Return a conversation, also one that has ended; ``None`` if it was deleted."""
    row = await session.get(SupportConversation, conversation_id, populate_existing=True)
    return _conversation(session, row) if row else None


async def find_open(session: Session, chat_id: int) -> Conversation | None:
    """Return the chat's open conversation."""
    query = select(SupportConversation).where(col(SupportConversation.chat_id) == chat_id, _IS_OPEN)
    row = (await session.exec(query)).first()
    return _conversation(session, row) if row else None


async def find_by_topic(session: Session, staff_chat: int, topic_id: int) -> Conversation | None:
    """Return the conversation of a topic, also one that has ended; ``None`` for a topic of the staff's own."""
    query = select(SupportConversation).where(
        col(SupportConversation.staff_chat) == staff_chat, col(SupportConversation.topic_id) == topic_id
    )
    row = (await session.exec(query)).first()
    return _conversation(session, row) if row else None


async def set_topic(session: Session, conversation_id: int, seen: int | None, topic_id: int) -> bool:
    """Set the topic of an open conversation (compare-and-set).

    Args:
        seen: The topic that the caller found missing, or None.

    Returns:
        False where another process has set one, or the conversation ended; nothing is changed then.
    """
    this = (col(SupportConversation.conversation_id) == conversation_id, _IS_OPEN)
    unchanged = col(SupportConversation.topic_id).is_not_distinct_from(seen)
    values = {"topic_id": topic_id, "is_subject_told": False}
    return bool(await session.change(update(SupportConversation).where(*this, unchanged).values(**values)))


async def subject_told(session: Session, conversation_id: int) -> None:
    """Record that the staff were told of the subject."""
    this = col(SupportConversation.conversation_id) == conversation_id
    await session.change(update(SupportConversation).where(this).values(is_subject_told=True))


async def remember(
    session: Session, conversation_id: int, person_message: int, staff_message: int, now: datetime.datetime
) -> None:
    """Store that one message was relayed as the other, in place of what was known of either."""
    either = or_(
        col(SupportMessage.person_message) == person_message, col(SupportMessage.staff_message) == staff_message
    )
    of_it = col(SupportMessage.conversation_id) == conversation_id
    await session.change(delete(SupportMessage).where(of_it, either))
    this = col(SupportConversation.conversation_id) == conversation_id
    if await session.change(update(SupportConversation).where(this, _IS_OPEN).values(active_at=now)):
        await session.insert_if_absent(
            SupportMessage, conversation_id=conversation_id, person_message=person_message,
            staff_message=staff_message, sent_at=now,
        )  # fmt: skip


async def staff_messages(session: Session, conversation_id: int, person_messages: Collection[int]) -> dict[int, int]:
    """Return the staff's message of each of the person's messages; those that were not relayed are left out."""
    query = select(SupportMessage.person_message, SupportMessage.staff_message).where(
        col(SupportMessage.conversation_id) == conversation_id,
        col(SupportMessage.person_message).in_(person_messages),
    )
    return dict((await session.exec(query)).all())


async def person_messages(session: Session, conversation_id: int, staff_messages: Collection[int]) -> dict[int, int]:
    """Return the person's message of each of the staff's messages; those that were not relayed are left out."""
    query = select(SupportMessage.staff_message, SupportMessage.person_message).where(
        col(SupportMessage.conversation_id) == conversation_id,
        col(SupportMessage.staff_message).in_(staff_messages),
    )
    return dict((await session.exec(query)).all())


async def end(session: Session, conversation_id: int, reason: EndReason, now: datetime.datetime) -> bool:
    """End an open conversation. Returns: False where it had ended."""
    this = col(SupportConversation.conversation_id) == conversation_id
    values = {"ended_at": now, "end_reason": reason, "close_at": now}
    return bool(await session.change(update(SupportConversation).where(this, _IS_OPEN).values(**values)))


async def end_for_links(session: Session, link_ids: Sequence[int], now: datetime.datetime) -> None:
    """End the conversations about links that are removed, and erase whose they were."""
    await _erase(session, now, EndReason.UNLINKED, col(SupportConversation.link_id).in_(link_ids), _IS_OPEN)


async def forget(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """End the chat's conversation, and erase that any was its own."""
    await session.get(Chat, chat_id, with_for_update=True)  # locked first, as ``begin`` does
    await _erase(session, now, EndReason.FORGOTTEN, col(SupportConversation.chat_id) == chat_id)


async def _erase(session: Session, now: datetime.datetime, reason: EndReason, *which: object) -> None:
    found = (await session.exec(select(SupportConversation.conversation_id).where(*which))).all()  # type: ignore[arg-type]
    for conversation_id in found:
        if conversation_id is not None:
            await end(session, conversation_id, reason, now)
            await _scrub(session, conversation_id)


async def _scrub(session: Session, conversation_id: int) -> None:
    this = col(SupportConversation.conversation_id) == conversation_id
    values = {"chat_id": None, "link_id": None, "subject_sealed": None}
    await session.change(update(SupportConversation).where(this).values(**values))
    await session.change(delete(SupportMessage).where(col(SupportMessage.conversation_id) == conversation_id))


async def end_idle(session: Session, now: datetime.datetime, limit: int) -> int:
    """End up to ``limit`` conversations without a message for ``IDLE_AFTER``. Returns: how many."""
    active = col(SupportConversation.active_at)
    query = select(SupportConversation.conversation_id).where(_IS_OPEN, active < now - IDLE_AFTER)
    found = (await session.exec(query.order_by(active).limit(limit))).all()
    for conversation_id in found:
        if conversation_id is not None:
            await end(session, conversation_id, EndReason.IDLE, now)
    return len(found)


async def due_to_close(session: Session, now: datetime.datetime, limit: int) -> list[int]:
    """Return the ids of ended conversations that are to be closed, oldest first."""
    due = col(SupportConversation.close_at)
    query = select(SupportConversation.conversation_id).where(due.is_not(None), due <= now).order_by(due).limit(limit)
    return [each for each in (await session.exec(query)).all() if each is not None]


async def claim_to_close(session: Session, conversation_id: int, now: datetime.datetime) -> Conversation | None:
    """Take an ended conversation to close it, for a minute. Returns: ``None`` where another process has it."""
    due = col(SupportConversation.close_at)
    this = (col(SupportConversation.conversation_id) == conversation_id, due.is_not(None), due <= now)
    if not await session.change(update(SupportConversation).where(*this).values(close_at=now + _CLOSE_LEASE)):
        return None
    return await find(session, conversation_id)


async def person_told(session: Session, conversation_id: int) -> None:
    """Record that the person knows of the end, so that another attempt to close the topic does not tell them again."""
    this = col(SupportConversation.conversation_id) == conversation_id
    await session.change(update(SupportConversation).where(this).values(chat_id=None))


async def closed(session: Session, conversation_id: int) -> None:
    """Record that the topic is closed, and erase whose conversation it was."""
    this = col(SupportConversation.conversation_id) == conversation_id
    await session.change(update(SupportConversation).where(this).values(close_at=None))
    await _scrub(session, conversation_id)


async def purge(
    session: Session, messages_before: datetime.datetime, ended_before: datetime.datetime, limit: int
) -> int:
    """Delete up to ``limit`` ids of messages and as many conversations, sent and ended before. Returns: the larger."""
    key = (col(SupportMessage.conversation_id), col(SupportMessage.person_message))
    sent = col(SupportMessage.sent_at)
    old = select(*key).where(sent < messages_before).order_by(sent).limit(limit)
    gone = delete(SupportMessage).where(tuple_(*key).in_(old))
    messages = await session.change(gone.execution_options(synchronize_session=False))
    ended = col(SupportConversation.ended_at)
    query = select(SupportConversation.conversation_id).where(ended < ended_before)
    gone = delete(SupportConversation).where(
        col(SupportConversation.conversation_id).in_(query.order_by(ended).limit(limit))
    )
    conversations = await session.change(gone.execution_options(synchronize_session=False))
    return max(messages, conversations)
