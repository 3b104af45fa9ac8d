"""The PDFs that a chat was sent: found for a day, replaced by the newest, gone with their link."""

import datetime

from services.housekeeping import Housekeeping
from storage import personal_data
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.papers import sent_pdfs
from storage.papers.sent_pdfs import SentPdf
from tests.storage import EMAIL, NOW, later, rows_of

CHAT = 4711
DAY = datetime.timedelta(days=1)


async def linked(database: Database) -> int:
    async with database.write() as session:
        new = NewLink("c-1", "a-1", "Client Odotrack", frozenset({"invoices"}), EMAIL)
        await links.add_links(session, CHAT, "Camille", [new], NOW)
    (row,) = (await rows_of(database))["links"]
    return int(row["link_id"])


async def save(database: Database, link_id: int, message_id: int, at: datetime.datetime, language: str = "fr") -> None:
    async with database.write() as session:
        await sent_pdfs.save(session, link_id, "212380", language, SentPdf(message_id, '"1"', at, at))


async def found(database: Database, link_id: int, now: datetime.datetime, number: str = "212380") -> SentPdf | None:
    async with database.read() as session:
        return await sent_pdfs.find(session, link_id, number, "fr", now - DAY, now)


async def test_newest_is_found_for_a_day(database: Database) -> None:
    link_id = await linked(database)
    await save(database, link_id, 1, NOW)
    await save(database, link_id, 2, later(hours=1))
    assert await found(database, link_id, later(hours=2)) == SentPdf(2, '"1"', later(hours=1), later(hours=1))
    assert await found(database, link_id, later(hours=25, minutes=1)) is None
    assert await found(database, link_id, NOW) is None, "the clock was set back"
    assert await found(database, link_id, later(hours=2), "212381") is None
    assert await found(database, link_id + 1, later(hours=2)) is None


async def test_nothing_is_stored_of_a_link_that_is_gone(database: Database) -> None:
    await save(database, 99, 1, NOW)
    assert (await rows_of(database))["pdf_messages"] == []


async def test_erased_with_the_chat(database: Database) -> None:
    link_id = await linked(database)
    await save(database, link_id, 1, NOW)
    async with database.write() as session:
        await personal_data.delete_chat(session, CHAT, NOW)
    assert (await rows_of(database))["pdf_messages"] == []


async def test_purge_deletes_what_is_older_than_a_day(database: Database) -> None:
    link_id = await linked(database)
    await save(database, link_id, 1, NOW)
    await save(database, link_id, 2, later(hours=2), "en")
    await Housekeeping(database, lambda: later(hours=25), ()).clean(lambda: None)
    assert [row["message_id"] for row in (await rows_of(database))["pdf_messages"]] == [2]
