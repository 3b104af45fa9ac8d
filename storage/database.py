"""The engine: SQLite in WAL with foreign keys on, or PostgreSQL."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import structlog
from sqlalchemy import Connection, UpdateBase, event, func, inspect, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage import sqlite_in_loop, sqlite_in_thread
from storage.vault import Vault

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

CONNECTIONS = 15
"""Largest number of connections to PostgreSQL that a process holds."""
_CLOSE_SECONDS = 2.0
_ABORT_SECONDS = 0.1
_POLL_SECONDS = 0.01
_RETURN_SECONDS = 3.0
"""How long a cancelled transaction may keep its connection: SQLAlchemy waits 2 s for the server to close it."""
_WRITES = "odobot_writes"
_OTHERS = 0o077
_OWNER_ONLY = 0o600

log = structlog.get_logger()


class Session(AsyncSession):
    """A unit of work over the tables, with the vault that opens their sealed columns."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        super().__init__(engine, expire_on_commit=False)
        self.vault = vault

    async def change(self, statement: UpdateBase) -> int:
        """Run an UPDATE or a DELETE. Returns: the number of rows changed."""
        return (await self.exec(statement)).rowcount

    async def insert_if_absent(self, table: type[SQLModel], **values: Any) -> bool:
        """Insert a row unless its key exists, also in a concurrent transaction. Returns: whether it was inserted."""
        return bool(await self.change(self._insert(table).values(**values).on_conflict_do_nothing()))

    async def insert_each_if_absent(self, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
        """Insert each row unless its key exists."""
        if rows:
            await self.exec(self._insert(table).on_conflict_do_nothing(), params=rows)

    async def upsert(self, row: SQLModel) -> None:
        """Insert a row, or update the one with its key, also one that a concurrent transaction inserts."""
        table, values = type(row), row.model_dump()
        key = [column.name for column in inspect(table).primary_key]
        rest = {name: value for name, value in values.items() if name not in key}
        await self.change(self._insert(table).values(**values).on_conflict_do_update(index_elements=key, set_=rest))

    async def upsert_each(self, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
        """Insert each row, or update the one with its key. Give the rows in the order of their keys: else two
        transactions may wait for each other.
        """
        if not rows:
            return
        insert, key = self._insert(table), {column.name for column in inspect(table).primary_key}
        rest = {name: insert.excluded[name] for name in rows[0] if name not in key}
        await self.exec(insert.on_conflict_do_update(index_elements=sorted(key), set_=rest), params=rows)

    def _insert(self, table: type[SQLModel]) -> "SqliteInsert | PostgresqlInsert":
        """Return the dialect's INSERT, which has ON CONFLICT. Only the dialect in use is imported."""
        if self.bind_name == "sqlite":
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    async def lock(self, name: str) -> None:
        """Wait for the lock of a name, and hold it until the transaction ends. SQLite needs none: it has one writer."""
        if self.bind_name == "postgresql":
            await self.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    @property
    def bind_name(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.get_bind().dialect.name


class Database:
    """Opens sessions. A session must not stay open during a call to Telegram, the portal or SMTP."""

    def __init__(self, url: str, vault: Vault) -> None:
        self.vault = vault
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.file = sqlite_file(url)
        """The file of an SQLite database; None for one in memory, and on PostgreSQL."""
        if self.file is not None:
            _keep_private(self.file)
        self.identity = identity_of(self.file) if self.file else None
        """The identity of the file that this process opens; None if there is none, or it cannot be read."""
        self.engine = _sqlite(url, sqlite_in_thread.connect) if self.is_sqlite else _postgresql(url)
        self._reading = _sqlite(url, sqlite_in_loop.connect) if self.is_sqlite else self.engine
        self._opened: WeakSet[Any] = WeakSet()
        if not self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", self._note_opened)
        name = self.engine.url.database or ""
        self._in_loop = sqlite_in_loop.SmallChanges(name) if self.is_sqlite else None
        # SQLite has one writer, and waits for it by polling, in no order: writers of one process would starve each
        # other beyond the busy time-out. The lock makes them a queue.
        self._write_lock: AbstractAsyncContextManager[object] = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._writing = self.engine.execution_options(**{_WRITES: True})

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        """Open a session that only reads. On SQLite it reads in the event loop's thread (``sqlite_in_loop``)."""
        async with Session(self._reading, self.vault) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        """Open a session that commits at the end of the block, or rolls back when the block raises."""
        async with self._write_lock, Session(self._writing, self.vault) as session, session.begin():
            yield session

    def write_turn(self) -> AbstractAsyncContextManager[object]:
        """Return the queue of this process's writers, for a write to SQLite outside of ``write``."""
        return self._write_lock

    def data_version(self) -> int | None:
        """Return SQLite's ``PRAGMA data_version``, which changes with every commit but those of ``change_in_loop``.

        Returns:
            ``None`` on PostgreSQL, which has no such number without a query to the server.
        """
        return self._in_loop.data_version() if self._in_loop is not None else None

    def look_up_in_loop(self, query: str, key: int) -> list[Any]:
        """Return the rows of a query by a key, read in the event loop's thread without a session; SQLite only.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        assert self._in_loop is not None
        return self._in_loop.look_up(query, key)

    async def change_in_loop(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Run a transaction in the event loop's thread; SQLite only; see ``sqlite_in_loop.SmallChanges``.

        It waits for other writers of this process.

        Raises:
            sqlite3.Error: Another process writes (``SQLITE_BUSY``), the disk is full, or the file cannot be written.
        """
        assert self._in_loop is not None
        async with self._write_lock:
            self._in_loop.change(change)

    async def close(self) -> None:
        """Close every connection, within some seconds: a server that hangs does not answer the good-byes."""
        if self._in_loop is not None:
            self._in_loop.close()
        await self._reading.dispose()
        await self._wait_until_unused()
        timeout = _CLOSE_SECONDS
        for _ in range(CONNECTIONS + 1):
            closing = asyncio.create_task(self.engine.dispose())
            await asyncio.wait({closing}, timeout=timeout)
            if closing.done():
                closing.result()
                break
            # asyncpg aborts the connection whose good-bye is cancelled, and the pool keeps the others.
            closing.cancel()
            timeout = _ABORT_SECONDS
            await asyncio.wait({closing}, timeout=timeout)
        # A cancelled transaction may have taken its connection from the pool and not given it back.
        for connection in [each for each in self._opened if not each.is_closed()]:
            connection.terminate()
            await asyncio.sleep(0)

    def _note_opened(self, connection: Any, _record: object) -> None:
        self._opened.add(self.engine.dialect.get_driver_connection(connection))

    async def _wait_until_unused(self) -> None:
        """Wait until cancelled transactions gave their connections back: the pool closes only those that it holds."""
        pool = self.engine.pool
        for _ in range(int(_RETURN_SECONDS / _POLL_SECONDS)):
            if not isinstance(pool, QueuePool) or not pool.checkedout():
                return
            await asyncio.sleep(_POLL_SECONDS)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database; ``None`` for one in memory, and for another engine."""
    parsed = make_url(url)
    name = parsed.database or ""
    is_file = parsed.get_backend_name() == "sqlite" and name and name != ":memory:" and not name.startswith("file:")
    return Path(name) if is_file else None


def identity_of(file: Path) -> tuple[int, int] | None:
    """Return device and inode of a file: another file of the same name has others. None if it cannot be read."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_open_to_others(file: Path, bits: int = _OTHERS) -> bool:
    """Return whether the file's mode lets its group or others read or write it; ``False`` without such a file."""
    try:
        return os.name == "posix" and bool(file.stat().st_mode & bits)
    except OSError:
        return False


def _keep_private(file: Path) -> None:
    """Make the database's file 0600, whatever the umask; SQLite gives ``-wal`` and ``-shm`` the mode of the database.

    An existing file is never opened here: closing it would drop SQLite's locks of this process (POSIX advisory locks,
    https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY))
    except FileExistsError:
        pass
    except OSError:  # no such folder, or no permission: opening the database reports it
        return
    found = [each for end in ("", "-wal", "-shm") if is_open_to_others(each := file.with_name(file.name + end))]
    if not found:
        return
    try:
        for each in found:
            each.chmod(_OWNER_ONLY)
        log.warning("database.made_private", files=len(found), reason="others could read it; it is 0600 now")
    except OSError as error:
        log.error(
            "database.open_to_others", reason=f"others may read it, and it cannot be made 0600 ({error.strerror})"
        )


def _postgresql(url: str) -> AsyncEngine:
    # max_overflow=0: opening a connection for a single transaction takes longer than waiting for one of the pool.
    # pool_timeout: waiters are not first in, first out, so one may starve; it fails early enough to be tried again.
    return create_async_engine(url, hide_parameters=True, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=10)


def _sqlite(url: str, connect: Callable[..., object]) -> AsyncEngine:
    # isolation_level=None: the driver begins no transaction itself, _begin_sqlite does.
    arguments = {"isolation_level": None, "async_creator_fn": connect}
    engine = create_async_engine(url, hide_parameters=True, connect_args=arguments)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "busy_timeout=5000",
        "synchronous=NORMAL",
        "cache_size=-16000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once, despite busy_timeout, when another
    # process wrote in between (SQLITE_BUSY_SNAPSHOT). So a writing transaction takes the lock at its start.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
