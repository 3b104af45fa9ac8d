"""The chat cache returns what the database holds, after any commit."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event

from storage import chat_cache, chats
from storage.chat_cache import ChatCache
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from tests.storage import EMAIL, NOW, a_key, file_of, opened

KEYS = [a_key()]
A_LINK = NewLink("c1", "a1", "Client Odotrack", frozenset({"orders"}), EMAIL)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, KEYS) as database:
        async with database.write() as session:
            await links.add_links(session, 1, "Camille", [A_LINK], NOW)
        yield database


def reads_of(database: Database) -> list[str]:
    """Return a list that receives every later SELECT of a chat from the database."""
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM chats" in statement:
            asked.append(statement)

    for engine in {database.engine.sync_engine, database._reading.sync_engine}:
        event.listen(engine, "before_cursor_execute", listen)
    return asked


async def test_own_commit_empties_the_cache(database: Database) -> None:
    known = ChatCache(database)
    assert (await known.load(1)).language is None
    async with database.write() as session:
        await chats.set_language(session, 1, "en", NOW)
    assert (await known.load(1)).language == "en"


async def test_commit_by_another_process_empties_the_cache(database: Database, database_url: str) -> None:
    known = ChatCache(database)
    assert (await known.load(1)).current is not None
    async with opened(database_url, KEYS) as elsewhere, elsewhere.write() as session:
        await links.unlink_email(session, EMAIL, NOW)
    assert (await known.load(1)).current is None


@pytest.mark.sqlite
async def test_commit_by_another_program_empties_the_cache(database: Database, database_url: str) -> None:
    known = ChatCache(database)
    await known.load(1)
    change = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM links'); c.commit()"
    changing = await asyncio.create_subprocess_exec(sys.executable, "-c", change, str(file_of(database_url)))
    assert await changing.wait() == 0
    assert (await known.load(1)).links == ()


@pytest.mark.sqlite
async def test_chat_is_read_once_between_commits(database: Database) -> None:
    known, asked = ChatCache(database), reads_of(database)
    states = [await known.load(1) for _ in range(5)]
    assert len(asked) == 1
    assert all(state == states[0] for state in states)


@pytest.mark.sqlite
async def test_cache_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_cache, "_LIMIT", 10)
    known = ChatCache(database)
    for chat_id in range(100):
        await known.load(chat_id)
        assert len(known._cached) <= 10
