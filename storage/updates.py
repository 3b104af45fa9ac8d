"""Updates that were handled by webhook, so that one that Telegram delivers again is recognized."""

import datetime
import sqlite3
from collections.abc import Sequence

from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Database, Session
from storage.sqlite_in_loop import sqlite_time
from storage.tables import HandledUpdate


class HandledUpdates:
    """Looks up and records which updates were handled.

    On SQLite both run in the event loop's thread and leave the chat cache filled, as for the inbox
    (``Database.change_in_loop``, ``docs/decisions/0014-inbox.md``).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def contain(self, update_id: int) -> bool:
        """Return whether any replica handled the update."""
        if self._database.is_sqlite:
            return bool(self._database.look_up_in_loop("SELECT 1 FROM handled_updates WHERE update_id = ?", update_id))
        async with self._database.read() as session:
            return await was_handled(session, update_id)

    async def add(self, handled: Sequence[int], now: datetime.datetime) -> None:
        """Record that updates were handled, in one transaction."""
        if self._database.is_sqlite and await self._add_in_loop(handled, now):
            return
        async with self._database.write() as session:
            await mark_handled(session, handled, now)

    async def _add_in_loop(self, handled: Sequence[int], now: datetime.datetime) -> bool:
        """Return False where another process writes: a thread has to wait for it."""
        statement = "INSERT INTO handled_updates (update_id, handled_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
        rows = [(update_id, sqlite_time(now)) for update_id in handled]

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(statement, rows)

        try:
            await self._database.change_in_loop(insert)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True


async def was_handled(session: Session, update_id: int) -> bool:
    """Return whether any replica handled the update."""
    return await session.get(HandledUpdate, update_id) is not None


async def mark_handled(session: Session, handled: Sequence[int], now: datetime.datetime) -> None:
    """Record that updates were handled."""
    rows = [{"update_id": update_id, "handled_at": now} for update_id in sorted(handled)]
    await session.insert_each_if_absent(HandledUpdate, rows)


async def purge(session: Session, before: datetime.datetime, limit: int) -> int:
    """Delete updates handled before a time. Telegram keeps an update for 24 hours.

    Returns:
        How many rows were deleted, at most ``limit``.
    """
    handled = col(HandledUpdate.handled_at)
    old = select(HandledUpdate.update_id).where(handled < before).order_by(handled).limit(limit)
    gone = delete(HandledUpdate).where(col(HandledUpdate.update_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))
