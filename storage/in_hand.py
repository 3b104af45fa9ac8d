"""Which updates are in hand, over all replicas: a second delivery of one waits, and does not answer a second time."""

import asyncio

from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.functions import Function

from storage.database import Database


class InHand:
    """Holds PostgreSQL's advisory locks, one for each update, on one connection of the process.

    PostgreSQL frees them when that connection ends: whatever kills a process, what it had in hand can be taken at once,
    and no row has to say until when somebody may be believed to live. On SQLite there is one process.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def take(self, update_id: int) -> bool:
        """Whether nobody else has it in hand; then it is ours until ``give_back``."""
        return self._database.is_sqlite or await self._ask(func.pg_try_advisory_lock(_key(update_id)))

    async def give_back(self, update_id: int) -> None:
        """It is handled, or failed: who waits for it may look."""
        if not self._database.is_sqlite:
            await self._ask(func.pg_advisory_unlock(_key(update_id)))

    async def close(self) -> None:
        """Gives the connection back, and with it whatever is still held."""
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
                # The server went away, and the locks with it.
                await self.close()
                raise


def _key(update_id: int) -> BindParameter[int]:
    return literal(update_id, BigInteger)
