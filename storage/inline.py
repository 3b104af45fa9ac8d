"""SQLite in the event loop's own thread, for reads: a look-up by key takes less time than handing it to a thread.

``aiosqlite`` hands each step to a thread and back, which costs more than the step. In WAL mode a reader waits for no
writer, so the loop is held up for no longer than the query takes. Writers wait for each other and for the disk: they
stay in threads.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any


class InlineConnection:
    """What SQLAlchemy's ``aiosqlite`` dialect asks of a connection that only reads; no call is ever suspended."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._conn = connection
        self._connection: sqlite3.Connection | None = connection

    def cursor(self) -> "InlineCursor":
        """A cursor of its own."""
        return InlineCursor(self._conn.cursor())

    async def create_function(self, *arguments: Any, **named: Any) -> None:
        """See ``sqlite3``; the dialect adds ``regexp``."""
        self._conn.create_function(*arguments, **named)

    async def rollback(self) -> None:
        """Ends the transaction."""
        self._conn.rollback()

    async def close(self) -> None:
        """Gives the file back; also when asked twice."""
        self._connection = None
        self._conn.close()

    def stop(self) -> None:
        """As ``close``, where nothing can be waited for."""
        self._connection = None
        self._conn.close()


class InlineCursor:
    """A cursor as the dialect drives one."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> "InlineCursor":
        return self

    @property
    def description(self) -> Any:
        """The columns, or ``None`` where there is no result."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows a change met."""
        return self._cursor.rowcount

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> None:
        """Runs a statement."""
        self._cursor.execute(operation, parameters)

    async def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Ends the statement."""
        self._cursor.close()


async def connect(*arguments: Any, **named: Any) -> InlineConnection:
    """Opens a database, as ``sqlite3.connect``."""
    return InlineConnection(sqlite3.connect(*arguments, **named))
