"""The order or invoice that a link named in a chat that was not linked yet."""

import datetime

from sqlalchemy import delete
from sqlmodel import col, select

from storage import chats
from storage.database import Session
from storage.tables import PendingPaper


async def save(
    session: Session, chat_id: int, payload: str, now: datetime.datetime, expires_at: datetime.datetime
) -> None:
    """Store what to open after linking, in place of an earlier one."""
    await chats.ensure(session, chat_id, now)
    await session.upsert(PendingPaper(chat_id=chat_id, payload=payload, expires_at=expires_at))


async def take(session: Session, chat_id: int, now: datetime.datetime) -> str | None:
    """Return what to open, and delete it; ``None`` where there is nothing, or it has expired."""
    row = await session.get(PendingPaper, chat_id)
    await session.change(delete(PendingPaper).where(col(PendingPaper.chat_id) == chat_id))
    return row.payload if row is not None and row.expires_at > now else None


async def purge(session: Session, now: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` expired rows. Returns: the number deleted."""
    ends = col(PendingPaper.expires_at)
    old = select(PendingPaper.chat_id).where(ends < now).order_by(ends).limit(limit)
    gone = delete(PendingPaper).where(col(PendingPaper.chat_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
