"""Handled updates are recorded once, also beside another process, and leave the chat cache filled."""

import asyncio
import sqlite3
import threading
import time

import pytest
from sqlalchemy import func
from sqlmodel import select

from storage.chat_cache import ChatCache
from storage.database import Database
from storage.tables import HandledUpdate
from storage.updates import HandledUpdates
from tests.storage import NOW, file_of


async def test_recorded_updates_are_found(database: Database) -> None:
    handled = HandledUpdates(database)
    await handled.add([7, 2**40], NOW)
    await handled.add([7, 3], NOW)  # Telegram delivered it again
    assert [number for number in (3, 4, 7, 2**40) if await handled.contain(number)] == [3, 7, 2**40]
    async with database.read() as session:
        rows = (await session.exec(select(HandledUpdate))).all()
    assert {row.handled_at for row in rows} == {NOW}


async def test_concurrent_records(database: Database) -> None:
    handled = HandledUpdates(database)
    await asyncio.gather(*(handled.add(range(start, start + 5), NOW) for start in range(20)))
    async with database.read() as session:
        assert (await session.exec(select(func.count()).select_from(HandledUpdate))).one() == 24


@pytest.mark.sqlite
async def test_records_leave_the_chat_cache_filled(database: Database) -> None:
    cache, handled = ChatCache(database), HandledUpdates(database)
    known = await cache.load(1)
    await handled.add([1], NOW)
    assert await handled.contain(1)
    assert await cache.load(1) is known


@pytest.mark.sqlite
async def test_record_waits_for_another_process_in_a_thread(database: Database, database_url: str) -> None:
    """``odobot unlink`` writes meanwhile: the update must be recorded, and the event loop must not stand still."""
    handled = HandledUpdates(database)
    other = sqlite3.connect(file_of(database_url), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.5, other.execute, ("ROLLBACK",))
    ending.start()
    began = time.monotonic()
    adding = asyncio.create_task(handled.add([1], NOW))
    await asyncio.sleep(0.05)
    is_waiting_elsewhere, waited = not adding.done(), time.monotonic() - began
    await adding
    ending.join()
    other.close()
    assert is_waiting_elsewhere
    assert waited < 0.4
    assert await handled.contain(1)


@pytest.mark.sqlite
async def test_full_disk_is_reported(database: Database) -> None:
    """A mark that is not kept must not look like one: Telegram would not deliver the update again."""
    handled = HandledUpdates(database)
    await handled.add([1], NOW)
    await database.change_in_loop(lambda connection: connection.execute("PRAGMA query_only=ON").close())
    with pytest.raises(sqlite3.OperationalError):
        await handled.add([2], NOW)
    assert not await handled.contain(2)
