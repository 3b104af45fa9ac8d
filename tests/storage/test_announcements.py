import datetime

from sqlmodel import col, select

from services.notices.delivery.claims import LEASE
from storage import announcements
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import outbox, subscriptions
from storage.tables import Delivery, Kind, Link, State
from tests.storage import EMAIL, NOW, later

TEXTS = {"fr": {"title": "Fermé", "paragraphs": ["Le 24 juin."], "buttons": []}}


async def subscribe(database: Database, chat: int, *accounts: str, wishes: bool = True) -> None:
    new = [NewLink("c1", account, "Client", frozenset({"invoices"}), EMAIL) for account in accounts]
    async with database.write() as session:
        await links.add_links(session, chat, "Camille", new, NOW)
        ids = (await session.exec(select(col(Link.link_id)).where(col(Link.chat_id) == chat))).all()
        await subscriptions.set_subscriptions(session, chat, list(ids), {Kind.INVOICE_ISSUED}, on=True)
        await subscriptions.set_subscriptions(session, chat, list(ids), {Kind.COMPANY_NEWS}, on=wishes)


async def recipients(database: Database) -> list[int]:
    async with database.read() as session:
        return sorted((await session.exec(select(Delivery.recipient))).all())


async def create(database: Database) -> int:
    async with database.write() as session:
        return await announcements.create(session, TEXTS, NOW)


async def queue(database: Database, number: int, limit: int = 2) -> int | None:
    async with database.write() as session:
        return await announcements.queue_some(session, number, NOW, limit)


async def test_each_subscribed_chat_is_queued_once(database: Database) -> None:
    """Also one with two accounts, and a group, whose id is negative; in groups, which may be interrupted."""
    for chat in (-100, 1, 2, 3):
        await subscribe(database, chat, "a1", *(("a2",) if chat == 2 else ()))
    await subscribe(database, 4, "a1", wishes=False)
    async with database.read() as session:
        assert await announcements.count_subscribed(session) == 4
    number = await create(database)
    assert [await queue(database, number) for _ in range(4)] == [2, 2, 0, None]
    assert await recipients(database) == [-100, 1, 2, 3]
    async with database.read() as session:
        found = await announcements.find(session, number)
        assert found is not None
        assert (found.is_complete, found.is_cancelled, found.counts) == (True, False, {State.QUEUED: 4})
        assert await announcements.find_texts(session, number) == TEXTS


async def test_later_subscriber_does_not_get_an_old_one(database: Database) -> None:
    await subscribe(database, 2, "a1")
    number = await create(database)
    assert await queue(database, number, 5) == 1
    await subscribe(database, 3, "a1")
    assert await queue(database, number, 5) is None
    assert await recipients(database) == [2]


async def test_cancelled_announcement_ends(database: Database) -> None:
    """What is being sent is not recalled; the rest is cancelled, and nobody further is queued."""
    for chat in (1, 2, 3):
        await subscribe(database, chat, "a1")
    number = await create(database)
    assert await queue(database, number) == 2
    async with database.write() as session:
        (one,) = await outbox.claim(session, "w", NOW, NOW + LEASE, 1, datetime.timedelta())
        await outbox.begin_sending(session, outbox.held_by("w", [one.delivery_id]), NOW, NOW + LEASE)
        assert await announcements.cancel(session, number, later(minutes=1)) == 1
        assert await announcements.cancel(session, 99, NOW) is None
    assert await queue(database, number) is None
    async with database.read() as session:
        (found,) = await announcements.list_newest(session, 5)
        assert (found.is_cancelled, found.counts) == (True, {State.SENDING: 1, State.CANCELLED: 1})
        assert await announcements.find_texts(session, number) is None


async def test_unlinked_chat_gets_no_announcement(database: Database) -> None:
    await subscribe(database, 1, "a1")
    number = await create(database)
    await queue(database, number, 5)
    async with database.write() as session:
        await links.unlink(session, 1, NOW)
    async with database.read() as session:
        found = await announcements.find(session, number)
    assert found is not None
    assert found.counts == {State.CANCELLED: 1}
