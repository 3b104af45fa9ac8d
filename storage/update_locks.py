"""Locks on updates over all replicas, so that an update that Telegram delivers twice is answered once."""

import asyncio

from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.functions import Function

from storage.database import Database


class UpdateLocks:
    """Holds one PostgreSQL advisory lock for each update, on one connection of the process.

    PostgreSQL releases them when the connection ends, so the locks of a killed process are free at once and need no
    expiry time. On SQLite there is one process, and every lock is granted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def try_lock(self, update_id: int) -> bool:
        """Lock an update until ``unlock``. Returns: False where another process holds the lock."""
        return self._database.is_sqlite or await self._ask(func.pg_try_advisory_lock(_key(update_id)))

    async def unlock(self, update_id: int) -> None:
        """Release the lock of an update."""
        if not self._database.is_sqlite:
            await self._ask(func.pg_advisory_unlock(_key(update_id)))

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


def _key(update_id: int) -> BindParameter[int]:
    return literal(update_id, BigInteger)
