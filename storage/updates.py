"""Updates that were handled by webhook, so that one that Telegram delivers again is recognized."""

import datetime

from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Session
from storage.tables import HandledUpdate


async def was_handled(session: Session, update_id: int) -> bool:
    """Return whether any replica handled the update."""
    return await session.get(HandledUpdate, update_id) is not None


async def mark_handled(session: Session, update_id: int, now: datetime.datetime) -> None:
    """Record that the update was handled."""
    await session.insert_if_absent(HandledUpdate, update_id=update_id, handled_at=now)


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete updates handled before a time. Telegram keeps an update for 24 hours.

    Returns:
        How many rows were deleted, at most ``limit``.
    """
    handled = col(HandledUpdate.handled_at)
    old = select(HandledUpdate.update_id).where(handled < before).order_by(handled).limit(limit)
    gone = delete(HandledUpdate).where(col(HandledUpdate.update_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
