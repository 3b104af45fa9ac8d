"""Concurrent writes of several replicas. SQLite has one writer; on PostgreSQL the queries must be safe."""

import asyncio
import datetime
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest
from sqlmodel import col, select

from storage import chats, updates
from storage.database import Database
from storage.linking import code_history, codes, links
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies, feed, outbox, outbox_report, rate_limiter
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.plan import mutes
from storage.papers import uploaded_pdfs
from storage.tables import Channel, Copy, Delivery, Document, Kind, State
from tests.storage import EMAIL, NOW, a_key, later, opened, rows_of

HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)
SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Database]]:
    """One database, opened three times, as three processes do."""
    key = a_key()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(database_url, [key])) for _ in range(3)]


async def a_link(database: Database, chat_id: int = 1) -> int:
    async with database.write() as session:
        await links.add_links(session, chat_id, "Camille", [NewLink("c1", "a1", "Client", frozenset(), EMAIL)], NOW)
    async with database.read() as session:
        return (await chats.load(session, chat_id)).links[0].link_id


async def test_concurrent_uploads_of_one_pdf(replicas: list[Database]) -> None:
    """One row is stored."""

    async def keep(database: Database, number: int) -> None:
        async with database.write() as session:
            known = {"bot_id": 1, "account_id": "a1", "number": "212380", "language": "fr"}
            await uploaded_pdfs.save(session, Document(**known, file_id=f"file-{number}", etag="e"))

    await asyncio.gather(*(keep(replicas[number % 3], number) for number in range(12)))
    assert len((await rows_of(replicas[0]))["documents"]) == 1


async def test_concurrent_mutes_of_one_invoice(replicas: list[Database]) -> None:
    link_id = await a_link(replicas[0])

    async def mute(database: Database) -> None:
        async with database.write() as session:
            await mutes.mute(session, link_id, "212380", NOW)

    await asyncio.gather(*(mute(each) for each in replicas * 4))
    async with replicas[0].read() as session:
        assert await mutes.is_muted(session, link_id, "212380")


async def test_concurrent_saves_of_one_copy(replicas: list[Database]) -> None:
    """One row is stored."""
    link_id = await a_link(replicas[0])

    async def set_copy(database: Database) -> None:
        async with database.write() as session:
            await bookkeeper_copies.save(session, link_id, EMAIL, "fr", NOW)

    await asyncio.gather(*(set_copy(each) for each in replicas * 4))
    async with replicas[0].read() as session:
        assert len((await session.exec(select(Copy))).all()) == 1


async def test_concurrent_requests_for_one_address(replicas: list[Database]) -> None:
    """They are counted one after the other."""

    async def ask(database: Database, chat_id: int) -> bool:
        async with database.write() as session:
            await chats.ensure(session, chat_id, NOW)
            asked = await code_history.history(session, chat_id, EMAIL, NOW - HOUR)
            if len(asked.requests) >= 5:
                return False
            await asyncio.sleep(0.01)
            await codes.replace(session, chat_id, EMAIL, "123456", now=NOW, expires_at=NOW + MINUTE)
            return True

    taken = await asyncio.gather(*(ask(replicas[chat % 3], chat) for chat in range(12)))
    assert sum(taken) == 5


async def test_concurrent_claims_for_one_recipient(replicas: list[Database]) -> None:
    """No recipient has two deliveries in progress."""
    people = 5
    for event in range(30):
        async with replicas[0].write() as session:
            notice = NewNotice(f"e{event}", Kind.INVOICE_ISSUED, "a1", "1", NOW)
            wanted = [NewDelivery(Channel.TELEGRAM, chat, chat, NOW) for chat in range(people)]
            await feed.record(session, notice, wanted)
    most = 0

    async def work(database: Database, worker: str) -> int:
        nonlocal most
        done = 0
        while True:
            async with database.write() as session:
                claimed = await outbox.claim(session, worker, later(minutes=1), later(minutes=2), 7, 0 * SECOND)
            if not claimed:
                return done
            async with database.read() as session:
                in_hand = col(Delivery.state).in_(outbox.IN_PROGRESS)
                held = Counter((await session.exec(select(Delivery.recipient).where(in_hand))).all())
            most = max(most, *held.values())
            async with database.write() as session:
                own = outbox.held_by(worker, [each.delivery_id for each in claimed])
                await outbox.settle(session, own, State.SENT, NOW)
            done += len(claimed)

    while (await left(replicas[0])) > 0:
        await asyncio.gather(*(work(database, str(number)) for number, database in enumerate(replicas)))
    assert most == 1


async def left(database: Database) -> int:
    async with database.read() as session:
        counts = await outbox_report.count_all(session)
    return sum(n for state, n in counts.items() if state is not State.SENT)


async def test_concurrent_reservations_of_send_slots(replicas: list[Database]) -> None:
    """No two workers reserve the same slot."""
    gap = datetime.timedelta(seconds=1 / 28)

    async def reserve(database: Database) -> list[datetime.datetime]:
        async with database.write() as session:
            slots = await rate_limiter.reserve(session, NOW, gap, 2)
        return [slots.start + gap * n for n in range(slots.count)]

    times = sorted(time for each in await asyncio.gather(*map(reserve, replicas * 10)) for time in each)
    assert len(times) == 60
    assert min(b - a for a, b in pairwise(times)) >= gap - datetime.timedelta(microseconds=1)


async def test_concurrent_marks_of_one_update(replicas: list[Database]) -> None:
    async def mark(database: Database) -> None:
        async with database.write() as session:
            await updates.mark_handled(session, [7], NOW)

    await asyncio.gather(*(mark(each) for each in replicas * 4))
    async with replicas[0].read() as session:
        assert await updates.was_handled(session, 7)


@pytest.mark.parametrize("number", [2**31, 2**40, 10**15 - 1])
async def test_copy_id_beyond_the_largest(replicas: list[Database], number: int) -> None:
    async with replicas[0].read() as session:
        assert await bookkeeper_copies.find(session, number) is None
