"""Updates that were handled, so that a second delivery of one is known."""

import datetime

from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Session
from storage.tables import HandledUpdate


async def was_handled(session: Session, update_id: int) -> bool:
    """Whether some replica has handled it."""
    return await session.get(HandledUpdate, update_id) is not None


async def mark_handled(session: Session, update_id: int, now: datetime.datetime) -> None:
    """Remembers it."""
    await session.put_if_absent(HandledUpdate, update_id=update_id, handled_at=now)


async def forget(session: Session, before: datetime.datetime, limit: int) -> int:
    """Forgets what Telegram delivers no more, so many at the most; how many. It keeps updates for 24 hours."""
    handled = col(HandledUpdate.handled_at)
    old = select(HandledUpdate.update_id).where(handled < before).order_by(handled).limit(limit)
    gone = delete(HandledUpdate).where(col(HandledUpdate.update_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
