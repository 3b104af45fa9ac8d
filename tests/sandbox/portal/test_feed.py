"""The event feed: cursors, order, and the events of each change of the portal."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.portal import UnknownRow
from tests.sandbox.portal.test_server import BOREAL, Visit, visiting


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    async with visiting() as visit:
        yield visit


class Reader:
    """Reads the feed as Odobot does, from its last cursor."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.cursor = ""

    async def read(self, limit: int = 100) -> list[dict[str, Any]]:
        answer = await self.visit.get("/v1/events", after=self.cursor, limit=limit)
        self.cursor = answer["cursor"]
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def said(self) -> list[tuple[Any, ...]]:
        return [(e["type"], e["account_id"], e["contact_id"], e["number"]) for e in await self.read()]


@pytest.fixture
async def reader(visit: Visit) -> Reader:
    reader = Reader(visit)
    assert await reader.read() == []
    return reader


async def test_an_empty_cursor_starts_at_now(visit: Visit) -> None:
    visit.portal.issue_invoice("a-2001", "10.00")
    reader = Reader(visit)
    assert await reader.read() == []
    number = visit.portal.issue_invoice("a-2001", "11.00")
    [event] = await reader.read()
    assert event == {
        "id": event["id"],
        "type": "invoice.issued",
        "occurred_at": "2026-03-16T12:00:00Z",
        "account_id": "a-2001",
        "contact_id": None,
        "number": number,
    }
    assert await reader.read() == []


async def test_cursors_can_be_reused_and_pages_join(visit: Visit, reader: Reader) -> None:
    numbers = [visit.portal.issue_invoice("a-2001", "10.00") for _ in range(7)]
    start = reader.cursor
    read: list[str] = []
    for expected in (3, 3, 1, 0):
        items = await reader.read(limit=3)
        assert len(items) == expected
        read += [item["number"] for item in items]
    assert read == numbers
    reader.cursor = start
    again = await reader.read()
    assert [item["number"] for item in again] == numbers
    assert len({item["id"] for item in again}) == 7


async def test_forgotten_events_are_410(visit: Visit, reader: Reader) -> None:
    old = reader.cursor
    for _ in range(5):
        visit.portal.issue_invoice("a-2001", "10.00")
    await reader.read(limit=3)
    assert visit.portal.forget_events(keep=2) == 3
    assert len(await reader.read()) == 2, "who has read all that is forgotten goes on"
    await visit.problem(410, "/v1/events", after=old)
    visit.portal.forget_events()
    assert await reader.read() == [], "the newest cursor is never too old"
    visit.portal.issue_invoice("a-2001", "10.00")
    assert len(await reader.read()) == 1


async def test_a_cursor_of_another_portal_is_410(visit: Visit, reader: Reader) -> None:
    async with visiting() as other:
        await other.problem(410, "/v1/events", after=reader.cursor)


async def test_billing_reports_events(visit: Visit, reader: Reader) -> None:
    portal = visit.portal
    number = portal.issue_invoice("a-2003", "100.00", order_number="31200")
    assert await reader.said() == [("invoice.issued", "a-2003", None, number)]
    portal.mark_paid("a-2003", number, amount="40.00")
    assert await reader.said() == []
    invoice = await visit.get(f"{BOREAL}/invoices/{number}")
    assert (invoice["balance"], invoice["paid_on"]) == ("60.00", None)
    portal.mark_paid("a-2003", number)
    assert await reader.said() == [("invoice.paid", "a-2003", None, number)]
    invoice = await visit.get(f"{BOREAL}/invoices/{number}")
    assert (invoice["balance"], invoice["paid_on"]) == ("0.00", "2026-03-16")
    order = portal.create_order("a-2003", [(2, "Sonde"), (None, "Escompte")])
    assert await reader.said() == [("order.created", "a-2003", None, order)]


async def test_removed_contacts_are_reported(visit: Visit, reader: Reader) -> None:
    visit.portal.people.remove_contact("c-1006", "a-2007")
    visit.portal.people.remove_contact("c-1001")
    visit.portal.people.close_account("a-2003")
    assert await reader.said() == [
        ("contact.removed", "a-2007", "c-1006", None),
        ("contact.removed", "a-2001", "c-1001", None),
        ("contact.removed", "a-2002", "c-1001", None),
        ("account.closed", "a-2003", None, None),
    ]


async def test_an_ending_order_is_reported_three_times(visit: Visit, reader: Reader) -> None:
    visit.clock.advance(timedelta(days=4))
    assert await reader.said() == []
    days = []
    for _ in range(100):
        visit.clock.advance(timedelta(days=1))
        if ("order.ending", "a-2003", None, "30900") in await reader.said():
            days.append((visit.portal.today()).isoformat())
    # It ends on 2026-06-19.
    assert days == ["2026-03-21", "2026-05-20", "2026-06-12"]


async def test_endings_of_unread_days_are_kept(visit: Visit, reader: Reader) -> None:
    """The endings of days on which nobody read the feed are still reported."""
    visit.clock.advance(timedelta(days=66))
    endings = [said for said in await reader.said() if said[3] == "30900"]
    assert endings == [("order.ending", "a-2003", None, "30900")] * 2
    assert await reader.said() == []


async def test_end_order_soon(visit: Visit, reader: Reader) -> None:
    visit.portal.end_order_soon("a-2003", "31200", days=30)
    assert await reader.said() == [("order.ending", "a-2003", None, "31200")]
    assert (await visit.get(f"{BOREAL}/orders/31200"))["end_date"] == "2026-04-15"
    assert "31200" in await visit.numbers(f"{BOREAL}/orders", query="2026-04-15")


async def test_failed_changes_report_nothing(visit: Visit, reader: Reader) -> None:
    portal = visit.portal
    number = portal.issue_invoice("a-2003", "100.00")
    await reader.read()
    with pytest.raises(UnknownRow):
        portal.issue_invoice("a-9999", "10.00")
    with pytest.raises(UnknownRow):
        portal.mark_paid("a-2003", "none")
    with pytest.raises(ValueError, match="already"):
        portal.issue_invoice("a-2003", "10.00", number=number)
    with pytest.raises(ValueError, match="payment"):
        portal.mark_paid("a-2003", number, amount="100.01")
    with pytest.raises(ValueError, match="written like"):
        portal.issue_invoice("a-2003", "10.001")
    assert await reader.said() == []
