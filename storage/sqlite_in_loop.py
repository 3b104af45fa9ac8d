"""Reads SQLite in the event loop's thread instead of a worker thread.

``aiosqlite`` hands each step to a thread and back, which takes longer than a look-up by key. In WAL mode a reader waits
for no writer, so a query blocks the loop only while it runs. Writers wait for each other and for the disk, so they stay
in threads (``docs/decisions/0006-reads-of-sqlite-in-the-loop.md``).
"""

import sqlite3
from collections.abc import Sequence
from typing import Any


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
