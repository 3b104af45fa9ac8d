"""Which errors of the database are outages, after which a later attempt may succeed."""

import asyncio
import errno
import socket
import sqlite3

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, TimeoutError as PoolTimeout

from handlers.actions import ShowHelp
from handlers.dispatch import ActionFailed
from storage import chats
from storage.database import Database
from storage.health.errors import is_outage
from tests.postgres.server import PostgresServer
from tests.storage import NOW, opened


def of_sqlite(name: str) -> OperationalError:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    return OperationalError("UPDATE", {}, error)


def wrapped(error: Exception) -> ActionFailed:
    failed = ActionFailed(ShowHelp())
    failed.__cause__ = error
    return failed


OUTAGES = [
    OSError("Multiple exceptions: [Errno 111] …, [Errno 111] …"), OSError(errno.EHOSTUNREACH, "No route to host"),
    ConnectionRefusedError(), ConnectionResetError(), TimeoutError(), socket.gaierror(), PoolTimeout(),
    asyncpg.CannotConnectNowError(), asyncpg.TooManyConnectionsError(), asyncpg.ConnectionDoesNotExistError(),
    InterfaceError("SELECT", {}, Exception("connection is closed")),
    DBAPIError("SELECT", {}, Exception(), connection_invalidated=True),
    DBAPIError("SELECT", {}, asyncpg.AdminShutdownError()), DBAPIError("UPDATE", {}, asyncpg.DeadlockDetectedError()),
    of_sqlite("SQLITE_BUSY"), of_sqlite("SQLITE_BUSY_SNAPSHOT"), wrapped(of_sqlite("SQLITE_LOCKED")),
]  # fmt: skip
OTHERS = [
    None, ValueError(), KeyError(), FileNotFoundError(), OSError(errno.ENOSPC, "No space left"),
    asyncpg.DiskFullError(),
    IntegrityError("INSERT", {}, Exception()), DBAPIError("INSERT", {}, asyncpg.UniqueViolationError()),
    of_sqlite("SQLITE_FULL"), of_sqlite("SQLITE_IOERR"), of_sqlite("SQLITE_READONLY"), wrapped(ValueError()),
]  # fmt: skip


@pytest.mark.parametrize("error", OUTAGES, ids=repr)
def test_outages(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_other_errors(error: Exception | None) -> None:
    assert not is_outage(error)


@pytest.mark.sqlite
async def test_locked_file_is_an_outage(database: Database, database_url: str) -> None:
    async with opened(database_url) as impatient, database.write() as holder, asyncio.timeout(30):
        await chats.set_language(holder, 1, "fr", NOW)
        with pytest.raises(OperationalError) as failed:
            async with impatient.write() as session:
                await chats.set_language(session, 2, "fr", NOW)
    assert is_outage(failed.value)


@pytest.mark.parametrize("away", ["restarted", "stopped"])
async def test_postgresql_away_is_an_outage(
    engine: str, request: pytest.FixtureRequest, database: Database, away: str
) -> None:
    if engine == "sqlite":
        pytest.skip("about PostgreSQL itself")
    server: PostgresServer = request.getfixturevalue("postgres")
    async with database.read() as session:
        await session.exec(text("SELECT 1"))
        if away == "restarted":
            server.restart()
        else:
            server.stop()
        try:
            with pytest.raises(Exception) as failed:  # noqa: PT011
                await session.exec(text("SELECT 1"))
            assert is_outage(failed.value)
            if away == "stopped":
                with pytest.raises(Exception) as failed:  # noqa: PT011
                    async with database.read() as another:
                        await another.exec(text("SELECT 1"))
                assert is_outage(failed.value)
        finally:
            if away == "stopped":
                server.start()
