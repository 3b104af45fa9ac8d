"""Locks over all replicas, so that an update that Telegram delivers twice, or a PDF, is handled by one of them."""

import asyncio
import hashlib

from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.functions import Function

from storage.database import Database


class ReplicaLocks:
    """Holds PostgreSQL advisory locks of updates and of PDFs, on one connection of the process.

    PostgreSQL releases them when the connection ends, so the locks of a killed process are free at once and need no
    expiry time. On SQLite there is one process, and every lock is granted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def try_lock(self, number: int) -> bool:
        """Lock a number until ``unlock``. Returns: False where another process holds the lock."""
        return self._database.is_sqlite or await self._ask(func.pg_try_advisory_lock(_key(number)))

    async def unlock(self, number: int) -> None:
        """Release the lock of a number."""
        if not self._database.is_sqlite:
            await self._ask(func.pg_advisory_unlock(_key(number)))

    async def close(self) -> None:
        """Close the connection, which releases every lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()

    async def _ask(self, lock: Function[bool]) -> bool:
        async with self._turn:
            if self._connection is None or self._connection.closed:
                engine = self._database.engine.execution_options(isolation_level="AUTOCOMMIT")
                self._connection = await engine.connect()
            try:
                return bool((await self._connection.execute(select(lock))).scalar_one())
            except DBAPIError:
                # The connection is lost, and its locks with it.
                await self.close()
                raise


def number_of(name: str) -> int:
    """Return the number under which a name is locked: negative, so that it is none of an update."""
    return -1 - (int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1)


def _key(number: int) -> BindParameter[int]:
    return literal(number, BigInteger)
