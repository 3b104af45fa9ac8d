"""Empties SQLite's log (WAL), in which rows stay readable after they were deleted."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.database import Database

_SECONDS = 1.0
"""How long it waits for readers and writers of other processes."""


async def empty_log(database: Database) -> bool:
    """Write the log back to the database, and make it empty.

    Returns:
        False where another process reads or writes for longer than a second: the log stays until the next call. True
        on PostgreSQL, and for a database in memory: they have no such log.
    """
    if database.file is None:
        return True
    async with database.write_turn():
        return await asyncio.to_thread(_empty, database.file)


def _empty(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=_SECONDS)) as connection:
        is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
