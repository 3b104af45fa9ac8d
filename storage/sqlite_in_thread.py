"""Writes SQLite in a worker thread, and waits for the thread when the writer is cancelled.

A call of ``aiosqlite`` that is cancelled returns at once, while its thread goes on: a ``BEGIN IMMEDIATE`` then takes
the write lock for a connection that nobody uses any more, and every writer of every process waits for it in vain.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiosqlite

_ROWS_PER_FETCH = 64
"""What ``aiosqlite.connect`` takes; the dialect fetches all rows at once."""


class ThreadConnection(aiosqlite.Connection):
    """A connection whose cancelled calls end before ``CancelledError`` is raised, within the busy time-out."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        call = asyncio.ensure_future(super()._execute(fn, *args, **kwargs))  # type: ignore[no-untyped-call]
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            while not call.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({call})
            if not call.exception() and isinstance(cursor := call.result(), sqlite3.Cursor):
                self._tx.put_nowait((None, cursor.close))
            raise

    async def close(self) -> None:
        """Roll back and close: a statement that was not read to its end would keep the transaction and its lock."""
        if self._running and self._connection is not None:
            await self._execute(self._roll_back)
        if self._running:
            await super().close()

    def stop(self) -> asyncio.Future[None] | None:
        """Close without waiting, as ``close`` does. Returns None for a second call: nothing would end its future."""
        if not self._running:
            return None
        self._tx.put_nowait((None, self._roll_back))
        return super().stop()

    def _roll_back(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # it is closed
            if self._connection is not None and self._connection.in_transaction:
                self._connection.rollback()


async def connect(*arguments: Any, **named: Any) -> ThreadConnection:
    """Open a database, with the arguments of ``sqlite3.connect``."""
    connection = ThreadConnection(lambda: sqlite3.connect(*arguments, **named), _ROWS_PER_FETCH)
    # A daemon, as SQLAlchemy makes it: a thread that is left behind does not keep the process alive.
    connection._thread.daemon = True
    await connection
    return connection
