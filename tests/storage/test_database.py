"""Sessions on both engines; on SQLite, WAL and a queue of writers."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from storage import chats, personal_data
from storage.database import Database
from storage.linking import links
from storage.tables import Chat, Link
from storage.vault import Vault
from tests.storage import EMAIL, NOW, a_key, copied, opened, url_of

ROOT = Path(__file__).parents[2]


async def count(database: Database, table: type[Chat] | type[Link]) -> int:
    async with database.read() as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 5000), ("synchronous", 1)]
)
async def test_pragmas_of_a_connection(database: Database, pragma: str, value: object) -> None:
    async def ask() -> object:
        async with database.read() as session:
            return (await session.exec(text(f"PRAGMA {pragma}"))).scalar_one()  # type: ignore[call-overload]

    assert await asyncio.gather(*(ask() for _ in range(4))) == [value] * 4


async def test_foreign_keys_and_cascade(database: Database) -> None:
    """A link needs its chat, and is deleted with it."""
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add(
                Link(
                    chat_id=404,
                    contact_id="c",
                    account_id="a",
                    account_name_sealed="",
                    access="",
                    email_sealed="",
                    email_hash="",
                    linked_at=NOW,
                    chosen_at=NOW,
                )
            )
    async with database.write() as session:
        await links.add_links(session, 1, "x", [links.NewLink("c", "a", "n", frozenset(), EMAIL)], NOW)
    async with database.write() as session:
        await personal_data.delete_chat(session, 1, NOW)
    assert await count(database, Link) == 0
    assert await count(database, Chat) == 0


async def test_failed_write_is_rolled_back(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as session:
            await chats.ensure(session, 1, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await count(database, Chat) == 0


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    """They see what is committed."""
    async with database.write() as session:
        await chats.ensure(session, 1, NOW)
        assert await count(database, Chat) == 0
    assert await count(database, Chat) == 1


@pytest.mark.sqlite
async def test_reader_keeps_its_snapshot(database: Database) -> None:
    async with database.read() as reading:
        assert (await reading.exec(select(func.count()).select_from(Chat))).one() == 0
        async with database.write() as session:
            await chats.ensure(session, 1, NOW)
        assert (await reading.exec(select(func.count()).select_from(Chat))).one() == 0


@pytest.mark.sqlite
async def test_writers_of_one_process(database: Database) -> None:
    """Twenty writers that read first are all served, and none overwrites another."""
    async with database.write() as session:
        await chats.set_page_size(session, 1, 0, NOW)

    async def raise_by_one() -> None:
        async with database.write() as session:
            chat = (await session.exec(select(Chat).where(col(Chat.chat_id) == 1))).one()
            await asyncio.sleep(0)
            chat.page_size += 1

    await asyncio.gather(*(raise_by_one() for _ in range(20)))
    async with database.read() as session:
        assert (await chats.load(session, 1)).page_size == 20


WRITER = """
import asyncio, sys
from sqlmodel import col, select
from storage.database import Database
from storage.tables import Chat
from storage.vault import Vault

async def write():
    database = Database(f"sqlite+aiosqlite:///{sys.argv[1]}", Vault([sys.argv[2]]))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(40):
        async with database.write() as session:
            chat = (await session.exec(select(Chat).where(col(Chat.chat_id) == 1))).one()
            chat.page_size += 1
    await database.close()

asyncio.run(write())
"""


@pytest.mark.sqlite
async def test_writers_of_several_processes(tmp_path: Path, empty_database: Path) -> None:
    """None of them fails because the database is locked."""
    path, key = copied(empty_database, tmp_path), a_key()
    async with opened(url_of(path), [key]) as database:
        async with database.write() as session:
            await chats.set_page_size(session, 1, 0, NOW)
        writers = [
            subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-c", WRITER, str(path), key], cwd=ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]  # fmt: skip
        for writer in writers:
            assert writer.stdout is not None
            assert await asyncio.to_thread(writer.stdout.readline) == "ready\n"
        ends = await asyncio.gather(*(asyncio.to_thread(writer.communicate, "go\n", 30) for writer in writers))
        assert [(writer.returncode, end[1]) for writer, end in zip(writers, ends, strict=True)] == [(0, ""), (0, "")]
        async with database.read() as session:
            assert (await chats.load(session, 1)).page_size == 80


async def test_times_are_returned_in_utc(database: Database) -> None:
    async with database.write() as session:
        await chats.ensure(session, 1, NOW.astimezone(timezone(timedelta(hours=-4))))
    async with database.read() as session:
        kept = await personal_data.load(session, 1)
    assert kept is not None
    assert kept.since == NOW
    assert kept.since.utcoffset() == timedelta(0)


async def test_close_ends_a_connection_that_was_not_given_back(database_url: str, engine: str) -> None:
    """A transaction that was cancelled at the wrong moment keeps its connection: the server must not wait for it."""
    if engine == "sqlite":
        pytest.skip("SQLite has no server")
    database = Database(database_url, Vault([a_key()]))
    kept = await database.engine.connect()
    raw = await kept.get_raw_connection()
    assert raw.driver_connection is not None

    await database.close()

    assert raw.driver_connection.is_closed()
    await kept.invalidate()


@pytest.mark.sqlite
async def test_cancelled_writer_keeps_no_lock(tmp_path: Path, empty_database: Path) -> None:
    """Wherever a write is cancelled, also twice, another process can write at once."""
    path, turns = copied(empty_database, tmp_path), random.Random(7)
    other = sqlite3.connect(path, timeout=1, isolation_level=None)
    async with opened(url_of(path), [a_key()]) as database:
        for number in range(300):
            writer = asyncio.create_task(_write(database, number))
            for _ in range(turns.randrange(25)):
                await asyncio.sleep(turns.choice((0, 0, 0.0001, 0.0005)))
            for _ in range(turns.randint(1, 3)):
                writer.cancel()
                await asyncio.sleep(0)
            await asyncio.wait({writer})
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
    other.close()


async def _write(database: Database, chat_id: int) -> None:
    async with database.write() as session:
        await chats.set_page_size(session, chat_id, 0, NOW)
        await chats.load(session, chat_id)
