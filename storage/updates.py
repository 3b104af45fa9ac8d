"""Updates that were handled, so that a second delivery of one is known."""

import datetime

from sqlalchemy import delete
from sqlmodel import col

from storage.database import Session
from storage.tables import HandledUpdate


async def was_handled(session: Session, update_id: int) -> bool:
    """Whether some replica has handled it."""
    return await session.get(HandledUpdate, update_id) is not None


async def mark_handled(session: Session, update_id: int, now: datetime.datetime) -> None:
    """Remembers it."""
    await session.put_if_absent(HandledUpdate, update_id=update_id, handled_at=now)


async def forget(session: Session, before: datetime.datetime) -> None:
    """Forgets what Telegram delivers no more: it keeps updates for 24 hours."""
    await session.change(delete(HandledUpdate).where(col(HandledUpdate.handled_at) < before))
