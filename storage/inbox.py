"""The inbox: updates that were fetched by polling and are not handled yet, so that no end of the process loses them."""

import datetime
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Database
from storage.sqlite_in_loop import sqlite_time
from storage.tables import InboxUpdate

_DELETED_AT_ONCE = 500


class StoredUpdate(Struct, frozen=True):
    """An update of the inbox. ``content`` is its JSON; empty: it was handled; None: no key opens it."""

    update_id: int
    content: str | None


class Inbox:
    """Stores updates before they are confirmed to Telegram, and deletes them when they are handled.

    On SQLite a change runs in the event loop's thread and leaves the chat cache filled (``Database.change_in_loop``):
    with ``aiosqlite`` each would take 2 ms and empty it (``docs/decisions/0014-inbox.md``).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.delete_pause = 0.025 if database.is_sqlite else 0.1
        """Seconds in which handled updates are collected, to delete them together. ``kill -9`` repeats those."""

    async def load(self) -> list[StoredUpdate]:
        """Return every stored update, by rising id."""
        async with self._database.read() as session:
            rows = (await session.exec(select(InboxUpdate).order_by(col(InboxUpdate.update_id)))).all()
        unseal = self._database.vault.open_or_none
        return [StoredUpdate(row.update_id, unseal(row.content_sealed) if row.content_sealed else "") for row in rows]

    async def change(self, new: Mapping[int, str], gone: Collection[int], now: datetime.datetime) -> None:
        """Store updates and delete others, in one transaction.

        Args:
            new: The JSON of each update by its id; empty for one that was handled. A stored one stays as it is.
            gone: The ids of those to delete.

        Raises:
            sqlite3.Error: As ``Database.change_in_loop``.
            SQLAlchemyError: PostgreSQL did not commit; also ``OSError`` and errors of ``asyncpg``.
        """
        seal = self._database.vault.seal
        sealed = {update_id: seal(content) if content else "" for update_id, content in new.items()}
        if self._database.is_sqlite:
            await self._change_in_loop(sealed, gone, now)
        else:
            await self._change_in_session(sealed, gone, now)

    async def _change_in_session(
        self, sealed: Mapping[int, str], gone: Collection[int], now: datetime.datetime
    ) -> None:
        async with self._database.write() as session:
            await session.insert_each_if_absent(
                InboxUpdate,
                [
                    {"update_id": update_id, "content_sealed": content, "received_at": now}
                    for update_id, content in sealed.items()
                ],
            )
            for some in _parts(list(gone)):
                await session.change(delete(InboxUpdate).where(col(InboxUpdate.update_id).in_(some)))

    async def _change_in_loop(self, sealed: Mapping[int, str], gone: Collection[int], now: datetime.datetime) -> None:
        at = sqlite_time(now)

        def change(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO inbox (update_id, content_sealed, received_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(update_id, content, at) for update_id, content in sealed.items()],
            )
            connection.executemany("DELETE FROM inbox WHERE update_id = ?", [(update_id,) for update_id in gone])

        await self._database.change_in_loop(change)


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _DELETED_AT_ONCE] for start in range(0, len(ids), _DELETED_AT_ONCE)]
