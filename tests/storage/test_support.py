"""Conversations with the staff: begun, found, ended, closed and deleted; also by several processes at once."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlmodel import select

from storage import chats, support
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.support import EndReason
from storage.tables import SupportConversation, SupportMessage
from tests.storage import EMAIL, NOW, a_key, opened

STAFF = -1001
DAY = datetime.timedelta(days=1)


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Database]]:
    """One database, opened three times, as three processes do."""
    key = a_key()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(database_url, [key])) for _ in range(3)]


async def begun(database: Database, chat_id: int = 1, link_id: int | None = None, subject: str = "") -> int:
    async with database.write() as session:
        await support.begin(session, chat_id, STAFF, link_id, subject, NOW, language="fr")
    async with database.read() as session:
        conversation = (await chats.load(session, chat_id)).conversation
    assert conversation is not None
    return conversation.conversation_id


async def test_begun_at_once_is_one_conversation(replicas: list[Database]) -> None:
    found = await asyncio.gather(*(begun(each, subject="invoices 1") for each in replicas * 3))
    assert len(set(found)) == 1


async def test_one_of_several_processes_sets_the_topic(replicas: list[Database]) -> None:
    conversation_id = await begun(replicas[0])

    async def set_topic(database: Database, topic: int) -> bool:
        async with database.write() as session:
            return await support.set_topic(session, conversation_id, None, topic)

    won = await asyncio.gather(*(set_topic(each, topic) for topic, each in enumerate(replicas, start=7)))
    assert sorted(won) == [False, False, True]
    async with replicas[0].read() as session:
        found = await support.find(session, conversation_id)
    assert found is not None
    assert found.topic_id == 7 + won.index(True)


async def test_one_of_several_processes_closes(replicas: list[Database]) -> None:
    conversation_id = await begun(replicas[0])
    async with replicas[0].write() as session:
        assert await support.end(session, conversation_id, EndReason.PERSON, NOW)
        assert not await support.end(session, conversation_id, EndReason.STAFF, NOW)

    async def claim(database: Database) -> bool:
        async with database.write() as session:
            return await support.claim_to_close(session, conversation_id, NOW) is not None

    assert sorted(await asyncio.gather(*(claim(each) for each in replicas))) == [False, False, True]
    async with replicas[0].read() as session:
        assert await support.due_to_close(session, NOW, 10) == []
        assert await support.due_to_close(session, NOW + DAY, 10) == [conversation_id], "whoever died, another does it"


async def test_ended_topic_takes_no_conversation_back(database: Database) -> None:
    conversation_id = await begun(database)
    async with database.write() as session:
        await support.end(session, conversation_id, EndReason.PERSON, NOW)
        assert not await support.set_topic(session, conversation_id, None, 9)
        await support.remember(session, conversation_id, 1, 2, NOW)
        await support.closed(session, conversation_id)
    async with database.read() as session:
        assert await support.staff_messages(session, conversation_id, [1]) == {}
        assert (await chats.load(session, 1)).conversation is None


async def test_messages_are_known_within_their_conversation(database: Database) -> None:
    """The ids of two chats' messages are the same numbers."""
    one, two = await begun(database, 1), await begun(database, 2)
    async with database.write() as session:
        await support.remember(session, one, 5, 50, NOW)
        await support.remember(session, two, 5, 51, NOW)
        await support.remember(session, one, 5, 52, NOW)
    async with database.read() as session:
        assert await support.staff_messages(session, one, [5, 6]) == {5: 52}
        assert await support.person_messages(session, one, [50, 51, 52]) == {52: 5}
        assert await support.staff_messages(session, two, [5]) == {5: 51}


async def test_removed_link_ends_its_conversation_only(database: Database) -> None:
    async with database.write() as session:
        for chat_id in (1, 2):
            new = [NewLink(f"c{chat_id}", "a1", "Client", frozenset(), EMAIL)]
            await links.add_links(session, chat_id, "Camille", new, NOW)
    async with database.read() as session:
        first, second = [(await chats.load(session, each)).links[0].link_id for each in (1, 2)]
    one, two = await begun(database, 1, first, "invoices 212380"), await begun(database, 2, second)
    async with database.write() as session:
        await links.remove_links(session, [first], NOW, "contact.removed")
    async with database.read() as session:
        ended, open_one = await support.find(session, one), await support.find(session, two)
        assert await support.due_to_close(session, NOW, 10) == [one]
    assert ended is not None
    assert open_one is not None
    assert (ended.end_reason, ended.chat_id, ended.subject) == (EndReason.UNLINKED, None, "")
    assert open_one.is_open


async def test_old_rows_are_deleted(database: Database) -> None:
    conversation_id = await begun(database)
    async with database.write() as session:
        await support.remember(session, conversation_id, 1, 2, NOW)
        await support.end(session, conversation_id, EndReason.PERSON, NOW)
        assert await support.purge(session, NOW, NOW, 10) == 0
        assert await support.purge(session, NOW + DAY, NOW, 10) == 1
        assert (await session.exec(select(SupportMessage))).all() == []
        assert await support.purge(session, NOW + DAY, NOW + DAY, 10) == 1
        assert (await session.exec(select(SupportConversation))).all() == []
