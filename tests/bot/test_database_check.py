"""The database check tries a write: it finds a full disk, read-only files, deleted files, and a server that hangs."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot import database_check
from bot.database_check import DatabaseCheck
from bot.supervisor import Supervisor
from storage import chats
from storage.chat_cache import ChatCache
from storage.database import Database
from storage.health import write_probe
from storage.health.problems import problem_of
from tests.bot.small_disk import abort, aborted_disk, small_disk
from tests.postgres.server import PostgresServer
from tests.storage import NOW, copied, opened, url_of

SOON = 20.0


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_check, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(database_check, "TIMEOUT_SECONDS", 1.0)


@asynccontextmanager
async def checking(database: Database) -> AsyncIterator[DatabaseCheck]:
    check = DatabaseCheck(database)
    async with Supervisor().running(check.loop):
        yield check


async def reason(check: DatabaseCheck, words: str) -> None:
    """Wait until the check's reason contains the words; empty words wait until the database works."""
    deadline = time.monotonic() + SOON
    while (words not in check.reason) if words else check.reason:
        assert time.monotonic() < deadline, check.reason
        await asyncio.sleep(0.01)


async def test_check_of_a_working_database_changes_nothing(database: Database) -> None:
    async with database.write() as session:
        await chats.ensure(session, 1, NOW)
    cache = ChatCache(database)
    version, loaded = database.data_version(), await cache.load(1)
    with capture_logs() as logs:
        for _ in range(20):
            await write_probe.try_write(database)
    assert database.data_version() == version, "the chat cache stays"
    if database.is_sqlite:
        assert await cache.load(1) is loaded
    assert logs == []


@pytest.mark.sqlite
async def test_check_does_not_let_the_log_grow(database: Database) -> None:
    assert database.file is not None
    async with database.write() as session:
        await chats.ensure(session, 1, NOW)
    await write_probe.try_write(database)
    size = database.file.with_name(f"{database.file.name}-wal").stat().st_size
    for _ in range(50):
        await write_probe.try_write(database)
    assert database.file.with_name(f"{database.file.name}-wal").stat().st_size == size


@pytest.mark.sqlite
async def test_deleted_file_is_reported_once(tmp_path: Path, empty_database: Path) -> None:
    """SQLite writes on without an error; a restart would begin with an empty database."""
    async with opened(url_of(path := copied(empty_database, tmp_path))) as database:
        with capture_logs() as logs:
            async with checking(database) as check:
                await write_probe.try_write(database)
                path.rename(tmp_path / "moved.db")
                await reason(check, "deleted or moved")
                shutil.copy(tmp_path / "moved.db", path)
                await reason(check, "replaced by another")
                (tmp_path / "moved.db").replace(path)
                await reason(check, "")
        async with database.write() as session:
            await chats.ensure(session, 1, NOW)
    said = [(line["event"], line["log_level"]) for line in logs]
    assert said == [("database.unusable", "error")] * 2 + [("database.usable_again", "info")]


@pytest.mark.sqlite
async def test_deleted_directory_is_reported(tmp_path: Path, empty_database: Path) -> None:
    (tmp_path / "data").mkdir()
    async with opened(url_of(copied(empty_database, tmp_path / "data"))) as database, checking(database) as check:
        (tmp_path / "data").rename(tmp_path / "elsewhere")
        await reason(check, "deleted or moved")


@pytest.mark.sqlite
async def test_full_disk_is_reported(tmp_path: Path, empty_database: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        async with opened(url_of(copied(empty_database, disk.folder))) as database:
            async with database.write() as session:
                await chats.ensure(session, 1, NOW)
            async with checking(database) as check:
                disk.fill()
                await reason(check, "the disk is full: free some space")
                disk.free()
                await reason(check, "")


@pytest.mark.sqlite
async def test_aborted_file_system_is_reported(tmp_path: Path, empty_database: Path) -> None:
    with aborted_disk(tmp_path / "disk") as folder:
        async with opened(url_of(copied(empty_database, folder))) as database:
            async with database.write() as session:
                await chats.ensure(session, 1, NOW)
            async with checking(database) as check:
                await reason(check, "")
                assert abort(folder)
                await reason(check, "it is read-only: look")


@pytest.mark.sqlite
async def test_lock_of_another_process_is_reported(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_probe, "_LOCK_SECONDS", 0.1)
    async with opened(url_of(path := copied(empty_database, tmp_path))) as database, checking(database) as check:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await reason(check, "another process holds its lock")
        other.execute("ROLLBACK")
        other.close()
        await reason(check, "")


@pytest.fixture
def server(engine: str, request: pytest.FixtureRequest) -> PostgresServer:
    if engine != "postgresql":
        pytest.skip("about PostgreSQL")
    server = request.getfixturevalue("postgres")
    assert isinstance(server, PostgresServer)
    return server


async def test_server_away_or_frozen_is_reported(server: PostgresServer, database: Database) -> None:
    async with checking(database) as check:
        await write_probe.try_write(database)
        server.freeze()
        try:
            await reason(check, "no answer within 1 s")
        finally:
            server.thaw()
        await reason(check, "")
        await asyncio.to_thread(server.stop)
        try:
            await reason(check, "the server ")
        finally:
            await asyncio.to_thread(server.start)
        await reason(check, "")


async def test_read_only_server_is_reported(server: PostgresServer, database: Database) -> None:
    """A standby answers so, too."""
    name = database.engine.url.database
    async with database.engine.begin() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    await database.engine.dispose()  # the setting holds for new connections
    async with checking(database) as check:
        await reason(check, "the server is read-only")


async def test_table_lock_is_reported(
    server: PostgresServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_probe, "_LOCK_SECONDS", 0)
    monkeypatch.setattr(database_check, "TIMEOUT_SECONDS", 1.0)
    async with checking(database) as check, database.engine.connect() as other:
        await other.execute(text("LOCK TABLE deliveries"))
        await reason(check, "no answer within 1 s")
        await other.rollback()
        await reason(check, "")


@pytest.mark.sqlite
@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o644, 0o555), (0o444, 0o777)])
def test_missing_permission_is_named(tmp_path: Path, file_mode: int, folder_mode: int) -> None:
    """Root may write everywhere, so the test is another user meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "odobot.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE chats (chat_id)")
        file.chmod(file_mode)
        file.parent.chmod(folder_mode)
        user = os.geteuid()
        os.seteuid(65534 if user == 0 else user)
        try:
            with closing(sqlite3.connect(file)) as connection, pytest.raises(sqlite3.Error) as raised:
                connection.execute("INSERT INTO chats VALUES (1)")
            problem = problem_of(raised.value, file)
        finally:
            os.seteuid(user)
            file.parent.chmod(0o700)
    assert problem is not None
    assert problem.reason == "no permission: let this user write the file and its directory"
