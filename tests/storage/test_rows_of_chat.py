"""The rows of a chat: those of the inbox, and that every table has its condition."""

import json

from services.retention.tables import TABLES
from storage import personal_data
from storage.database import Database
from storage.notices import retention
from storage.tables import Delivery, InboxUpdate, Notice
from tests.storage import NOW, rows_of

CHAT, OTHER = 4711, 4712


def message(chat_id: int) -> str:
    return json.dumps({"update_id": 1, "message": {"chat": {"id": chat_id}, "from": {"id": chat_id}, "text": "allô"}})


async def test_waiting_updates_of_the_chat_are_opened(database: Database) -> None:
    async with database.write() as session:
        for update_id, content in ((1, message(CHAT)), (2, message(OTHER)), (3, ""), (4, "unreadable")):
            sealed = database.vault.seal(content) if content and update_id < 4 else content
            session.add(InboxUpdate(update_id=update_id, content_sealed=sealed, received_at=NOW))
    async with database.read() as session:
        found = await personal_data.rows_of_chat(session, CHAT)

    assert [(row["update_id"], row["content"]["message"]["text"]) for row in found["inbox"]] == [(1, "allô")]


async def test_every_personal_table_has_its_rows(database: Database) -> None:
    async with database.read() as session:
        assert (await personal_data.rows_of_chat(session, CHAT)).keys() == TABLES.keys()


async def test_ownerless_deliveries_are_deleted(database: Database) -> None:
    """One that was queued while its chat was deleted goes with the next purge, and its notice says nothing more."""
    async with database.write() as session:
        notice = Notice(event_id="e1", kind="invoice.issued", account_id="a-1", number="990001", occurred_at=NOW)
        session.add(notice)
        await session.flush()
        assert notice.notice_id is not None
        session.add(Delivery(notice_id=notice.notice_id, channel="telegram", recipient=CHAT, link_id=1, due_at=NOW))
        await session.flush()
        assert len(await retention.delete_ownerless(session, 0, 10)) == 1

    rows = await rows_of(database)
    assert rows["deliveries"] == []
    assert [(row["event_id"], row["account_id"], row["number"]) for row in rows["notices"]] == [("e1", "", None)]
