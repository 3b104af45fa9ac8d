"""Reads SQLite, and makes small changes, in the event loop's thread instead of a worker thread.

``aiosqlite`` hands each step to a thread and back, which takes longer than a look-up by key. In WAL mode a reader waits
for no writer, so a query blocks the loop only while it runs. Writers wait for each other and for the disk, so all but
those of ``SmallChanges`` stay in threads (``docs/decisions/0006-reads-of-sqlite-in-the-loop.md``).
"""

import asyncio
import datetime
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any

_CHECKPOINT_ROWS = 1_000
"""Rows changed in the event loop's thread after which SQLite's log is written back: it would grow while no other
connection commits."""


class LoopConnection:
    """A connection as SQLAlchemy's ``aiosqlite`` dialect expects one for reads. No coroutine here ever suspends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._conn = connection
        self._connection: sqlite3.Connection | None = connection

    def cursor(self) -> "LoopCursor":
        """Return a new cursor."""
        return LoopCursor(self._conn.cursor())

    async def create_function(self, *arguments: Any, **named: Any) -> None:
        """Register an SQL function; the dialect registers ``regexp``."""
        self._conn.create_function(*arguments, **named)

    async def rollback(self) -> None:
        """End the transaction."""
        self._conn.rollback()

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._connection = None
        self._conn.close()

    def stop(self) -> None:
        """Close the connection where the dialect cannot await."""
        self._connection = None
        self._conn.close()


class LoopCursor:
    """A cursor as the dialect expects one."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> "LoopCursor":
        return self

    @property
    def description(self) -> Any:
        """The columns of the result; ``None`` without a result."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """The number of changed rows."""
        return self._cursor.rowcount

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._cursor.execute(operation, parameters)

    async def fetchall(self) -> list[Any]:
        """Return the remaining rows."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Close the cursor."""
        self._cursor.close()


async def connect(*arguments: Any, **named: Any) -> LoopConnection:
    """Open a database, with the arguments of ``sqlite3.connect``."""
    return LoopConnection(sqlite3.connect(*arguments, **named))


class SmallChanges:
    """A connection for what each update writes.

    Its own commits leave its ``PRAGMA data_version`` as it is, so the chats that were cached by that number stay, too:
    a change must not touch what they are made of. No thread is used, which saves 1 ms. It never waits for another
    process, nor for the disk: a checkpoint is made in a thread.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._rows_since_checkpoint = 0

    def data_version(self) -> int:
        """Return ``PRAGMA data_version``, which changes with every commit of any other connection or process."""
        version: int = self._opened().execute("PRAGMA data_version").fetchone()[0]
        return version

    def look_up(self, query: str, key: int) -> list[Any]:
        """Return the rows of a query by a key."""
        return self._opened().execute(query, (key,)).fetchall()

    def change(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Run a transaction. Raises ``sqlite3.Error`` at once where another connection writes."""
        connection = self._opened()
        before = connection.total_changes
        connection.execute("BEGIN IMMEDIATE")
        try:
            change(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._rows_since_checkpoint += connection.total_changes - before
        if self._rows_since_checkpoint >= _CHECKPOINT_ROWS:
            self._rows_since_checkpoint = 0
            asyncio.get_running_loop().run_in_executor(None, _checkpoint, self._file)

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._file, isolation_level=None, timeout=0)
            # Without checkpoints, which wait for the disk: other connections make them, in threads.
            for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0", "secure_delete=ON"):
                self._connection.execute(f"PRAGMA {pragma}")
        return self._connection


def sqlite_time(when: datetime.datetime) -> str:
    """Return a time as SQLAlchemy writes it into SQLite, for statements that go by without it."""
    return when.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _checkpoint(file: str) -> None:
    """Write SQLite's log back to the database, as far as no reader needs it; after a failure the next one does."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
