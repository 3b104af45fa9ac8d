"""Tries a write to the database, for readiness and for the start."""

import asyncio
import sqlite3
from pathlib import Path

from sqlalchemy import text
from sqlmodel import SQLModel

from storage.database import Database, identity_of
from storage.health.problems import DatabaseUnusable

_LOCK_SECONDS = 3
"""How long the probe waits for the locks of others."""
_FILLER_BYTES = 32_768


async def try_write(database: Database) -> None:
    """Write to the disk of the database, and change nothing.

    Raises:
        DatabaseUnusable: The database is read-only, or its SQLite file was deleted or replaced.
        Exception: The driver's error, for ``problem_of``.
    """
    if database.file is not None:
        await _check_file(database, database.file)
        try:
            async with database.write_turn():
                await asyncio.to_thread(_write_sqlite, database.file)
        except sqlite3.Error:
            await _check_file(database, database.file)  # it may have been moved meanwhile
            raise
    elif not database.is_sqlite:
        await _write_postgresql(database)


async def _check_file(database: Database, file: Path) -> None:
    """Compare the file with the one that was opened: SQLite writes on to a deleted file without an error."""
    found = await asyncio.to_thread(identity_of, file)
    if found == database.identity:
        return
    happened = "deleted or moved" if found is None else "replaced by another"
    raise DatabaseUnusable(
        f"the file was {happened} while the process runs, and what is written now is lost: "
        "stop the process, restore a backup (docs/operating.md), start it again"
    )


def _write_sqlite(file: Path) -> None:
    """Write more than the page cache holds in a transaction, and roll it back.

    SQLite writes what the cache does not hold to the disk at once, behind the end of the write-ahead log; the next
    writer overwrites it. A commit would empty the chat cache, and without a full cache nothing would be written.
    """
    # mode=rw creates no file. The timeout is that of SQLite's lock.
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_LOCK_SECONDS
    )
    try:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("CREATE TABLE write_probe (filler)")
            connection.execute("INSERT INTO write_probe VALUES (zeroblob(?))", (_FILLER_BYTES,))
        finally:
            if connection.in_transaction:  # an error of the disk rolls back by itself
                connection.execute("ROLLBACK")
    finally:
        connection.close()


async def _write_postgresql(database: Database) -> None:
    """Commit a message to the write-ahead log, which changes no row, with the locks of a writer on every table."""
    async with database.engine.begin() as connection:
        if (await connection.execute(text("SHOW transaction_read_only"))).scalar_one() == "on":
            raise DatabaseUnusable(
                "the server is read-only: name the primary server, or end its default_transaction_read_only"
            )
        await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
        tables = ", ".join(sorted(SQLModel.metadata.tables))
        await connection.execute(text(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE"))
        await connection.execute(text("SELECT pg_logical_emit_message(true, 'odobot', '')"))
