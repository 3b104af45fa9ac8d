"""The databases of a run, and what happens to them: restarts, absence, frozen servers, locks."""

import asyncio
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
from cryptography.fernet import Fernet

from storage import migrations
from storage.database import Database
from storage.vault import Vault
from tests.postgres.server import PostgresServer, postgres_server

_LOCK_SQLITE = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE" if sys.argv[3] == "exclusive" else "BEGIN IMMEDIATE")
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


class Engine(ABC):
    """One database and its faults. ``faults`` are the names that ``fail`` accepts."""

    faults: tuple[str, ...]

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    async def fail(self, name: str, seconds: float) -> None:
        """Play a fault for some seconds, and end it."""


class SqliteEngine(Engine):
    """An SQLite file."""

    faults = ("locked",)

    def __init__(self, file: Path) -> None:
        super().__init__(f"sqlite+aiosqlite:///{file}")
        self.file = file

    async def fail(self, name: str, seconds: float) -> None:
        """``locked``: another process holds the lock of writers."""
        assert name in self.faults, name
        arguments = (self.file, str(seconds), "immediate")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", _LOCK_SQLITE, *arguments)
        try:
            await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class PostgresEngine(Engine):
    """A PostgreSQL server of our own."""

    faults = ("restarted_fast", "restarted_immediate", "away", "frozen", "locked")

    def __init__(self, server: PostgresServer) -> None:
        super().__init__(server.create())
        self._server = server

    async def fail(self, name: str, seconds: float) -> None:
        """A restart takes no ``seconds``; ``locked``: another session holds an exclusive lock of a table."""
        match name:
            case "restarted_fast" | "restarted_immediate":
                await asyncio.to_thread(self._server.restart, name.removeprefix("restarted_"))
            case "away":
                await asyncio.to_thread(self._server.stop)
                try:
                    await asyncio.sleep(seconds)
                finally:
                    await asyncio.to_thread(self._server.start)
            case "frozen":
                await self._freeze(seconds)
            case "locked":
                await self._lock(seconds)
            case _:
                raise AssertionError(name)

    async def _freeze(self, seconds: float) -> None:
        stopped = self._server.processes()
        for pid in stopped:
            _signal(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            for pid in stopped:
                _signal(pid, signal.SIGCONT)

    async def _lock(self, seconds: float) -> None:
        with suppress(asyncpg.PostgresError, OSError):  # another fault ends the session
            connection = await asyncpg.connect(self.url.replace("+asyncpg", ""), timeout=10)
            try:
                async with connection.transaction():
                    await connection.execute("LOCK TABLE deliveries, chats, links IN ACCESS EXCLUSIVE MODE")
                    await asyncio.sleep(seconds)
            finally:
                connection.terminate()


def _signal(pid: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sign)


@asynccontextmanager
async def open_engine(name: str, folder: Path) -> AsyncIterator[Engine]:
    """Give an up-to-date, empty database of an engine, ``sqlite`` or ``postgresql``."""
    if name == "postgresql":
        manager = postgres_server(keeps_commits=True)
        server = await asyncio.to_thread(manager.__enter__)
        try:
            yield PostgresEngine(server)
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)
        return
    engine = SqliteEngine(folder / "odobot.db")
    database = Database(engine.url, Vault([Fernet.generate_key().decode()]))
    await migrations.upgrade(database.engine)
    await database.close()
    yield engine
