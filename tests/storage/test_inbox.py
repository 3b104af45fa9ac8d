"""The inbox keeps updates until they are deleted, and leaves the chat cache filled."""

import sqlite3

import pytest
from sqlmodel import select

from storage import chats
from storage.chat_cache import ChatCache
from storage.database import Database
from storage.inbox import Inbox, StoredUpdate
from storage.tables import InboxUpdate
from tests.storage import NOW, a_key, file_of, opened


async def test_stored_updates_are_loaded_in_order(database: Database) -> None:
    inbox = Inbox(database)
    await inbox.change({2**40: '{"a": "é\\u0000"}', 3: "three", 1: ""}, (), NOW)
    await inbox.change({3: "another"}, (), NOW)
    assert await inbox.load() == [
        StoredUpdate(1, ""),
        StoredUpdate(3, "three"),
        StoredUpdate(2**40, '{"a": "é\\u0000"}'),
    ]
    async with database.read() as session:
        rows = (await session.exec(select(InboxUpdate))).all()
    assert all(row.received_at == NOW for row in rows)
    assert not any("three" in row.content_sealed for row in rows)


async def test_deleted_updates_are_gone(database: Database) -> None:
    inbox = Inbox(database)
    await inbox.change({number: str(number) for number in range(1, 1_200)}, (), NOW)
    await inbox.change({5_000: "new"}, [*range(1, 1_199), 9_999], NOW)
    assert [each.update_id for each in await inbox.load()] == [1_199, 5_000]


async def test_update_without_its_key_is_not_opened(database_url: str) -> None:
    async with opened(database_url, [a_key()]) as before:
        await Inbox(before).change({1: "one"}, (), NOW)
    async with opened(database_url, [a_key()]) as after:
        assert await Inbox(after).load() == [StoredUpdate(1, None)]


@pytest.mark.sqlite
async def test_inbox_leaves_the_chat_cache_filled(database: Database) -> None:
    cache, inbox = ChatCache(database), Inbox(database)
    known = await cache.load(1)
    version = database.data_version()
    await inbox.change({1: "one"}, (), NOW)
    await inbox.change({}, [1], NOW)
    assert database.data_version() == version
    assert await cache.load(1) is known


@pytest.mark.sqlite
async def test_inbox_hides_no_commit_from_the_cache(database: Database) -> None:
    """A commit by another connection between two of the inbox empties the cache."""
    cache, inbox = ChatCache(database), Inbox(database)
    await cache.load(1)
    await inbox.change({1: "one"}, (), NOW)
    async with database.write() as session:
        await chats.set_language(session, 1, "en", NOW)
    await inbox.change({2: "two"}, [1], NOW)
    assert (await cache.load(1)).language == "en"


@pytest.mark.sqlite
async def test_inbox_does_not_wait_for_another_process(database: Database, database_url: str) -> None:
    inbox = Inbox(database)
    other = sqlite3.connect(file_of(database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await inbox.change({1: "one"}, (), NOW)
    other.execute("ROLLBACK")
    other.close()
    await inbox.change({1: "one"}, (), NOW)
    assert [each.update_id for each in await inbox.load()] == [1]
