"""The feed of changed rows: each change once, whenever its transaction is committed, and nothing old as new."""

import asyncio
import datetime
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from portal.errors import CursorTooOld
from portal.events import Event
from portal.sql.events.feed import SqlCursor
from portal.sql.portal import SqlPortal
from tests.portal.sql.company import SHARED, TREMBLAY, ZED, Company, invoice, member, order

Told = tuple[str, str | None]


def ago(**units: float) -> datetime.datetime:
    """A time in UTC, as a company's tables have it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(**units)


def made(id_: int, number: str, at: datetime.datetime, **more: Any) -> dict[str, Any]:
    """A new invoice of Zed's."""
    times = {"issued_at": at, "created_at": at, "updated_at": at}
    return invoice(id_, ZED, number, f"{at:%Y-%m-%d}", "10", **(times | more))


class Follower:
    """Reads the feed as the bot does: event ids that it knows are no news."""

    def __init__(self, portal: SqlPortal, cursor: str, limit: int = 100) -> None:
        self.portal, self.cursor, self.limit = portal, cursor, limit
        self.events: dict[str, Event] = {}
        self.repeated = 0

    async def read(self) -> list[Told]:
        """Return the news, by type and number, up to the end of the feed."""
        news: list[Told] = []
        while True:
            page = await self.portal.events(self.cursor, self.limit)
            assert len(page.items) <= self.limit
            assert not page.unreadable
            assert len(page.cursor) < 4000
            for event in page.items:
                if event.id in self.events:
                    self.repeated += 1
                else:
                    news.append((event.type, event.number))
                    self.events[event.id] = event
            self.cursor = page.cursor
            if len(page.items) < self.limit:
                return news


async def follower(portal: SqlPortal, limit: int = 100) -> Follower:
    """Begin to follow at the present."""
    page = await portal.events(None, 10)
    assert page.items == ()
    return Follower(portal, page.cursor, limit)


async def set_(company: Company, number: str, **values: Any) -> None:
    """Change an invoice or an order, with the time of the change."""
    values = {"updated_at": ago(), **values}
    names = ", ".join(f"{name} = :{name}" for name in values)
    table = "orders" if number.startswith(("3", "O")) else "invoices"
    await company.run(f"UPDATE {table} SET {names} WHERE number = :of", of=number, **company._stored(values))


async def test_course_of_an_invoice(company: Company, portal: SqlPortal) -> None:
    """Issued, changed, paid, and cancelled; each event once, with the customer's id and no contact."""
    feed = await follower(portal)
    assert await feed.read() == []
    await company.add("invoices", made(50, "N-1", ago()))
    assert await feed.read() == [("invoice.issued", "N-1")]
    await set_(company, "N-1", due_date=ago().date())
    assert await feed.read() == []  # a part of the issue
    await set_(company, "N-1", paid=10, paid_on=ago().date())
    assert await feed.read() == [("invoice.paid", "N-1")]
    assert await feed.read() == []
    await set_(company, "N-1", reference="X")
    assert await feed.read() == []
    await set_(company, "N-1", status="cancelled")
    assert await feed.read() == [("invoice.cancelled", "N-1")]
    assert {(event.account_id, event.contact_id) for event in feed.events.values()} == {(str(ZED), None)}
    ids = {event.type: event.id for event in feed.events.values()}
    assert ids["invoice.issued"].startswith("issued-")
    assert ids["invoice.paid"].endswith(f"-{ago().date()}")
    assert feed.repeated == 0


async def test_old_invoice_is_not_told_as_new(company: Company, portal: SqlPortal) -> None:
    """An update of all rows tells changes, neither old invoices as issued nor old payments."""
    feed = await follower(portal)
    await set_(company, "240130", due_date=ago().date())
    assert await feed.read() == [("invoice.changed", "240130")]
    await company.run("UPDATE invoices SET updated_at = :at", **company._stored({"at": ago()}))
    assert {kind for kind, _ in await feed.read()} == {"invoice.changed"}


async def test_orders_and_contacts(company: Company, portal: SqlPortal) -> None:
    feed = await follower(portal)
    now = ago()
    await company.add("orders", order(50, TREMBLAY, "O-1", created_at=now, updated_at=now))
    await set_(company, "31450", progress=50)
    await company.add("memberships", member(1, SHARED) | {"updated_at": ago()})
    assert await feed.read() == [("order.created", "O-1"), ("order.changed", "31450"), ("contact.changed", None)]
    last = list(feed.events.values())[-1]
    assert (last.contact_id, last.account_id) == ("1", str(SHARED))


async def test_late_commit_is_told(company: Company, portal: SqlPortal) -> None:
    """A row whose time is up to two minutes before others that were told, also after many reads; told once."""
    feed = await follower(portal)
    await company.add("invoices", made(50, "N-1", ago(seconds=1)))
    assert await feed.read() == [("invoice.issued", "N-1")]
    await company.add("invoices", made(51, "N-2", ago(seconds=110)))
    assert await feed.read() == [("invoice.issued", "N-2")]
    await company.add("invoices", made(52, "N-0", ago(seconds=60)), made(53, "N-3", ago(seconds=1)))
    assert await feed.read() == [("invoice.issued", "N-0"), ("invoice.issued", "N-3")]
    assert await feed.read() == []
    assert feed.repeated == 0


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_rows_of_one_instant(company: Company, portal: SqlPortal, limit: int) -> None:
    """Any number of rows of one instant, in pages of any length, each once; also two minutes later."""
    feed = await follower(portal, limit)
    at = ago(seconds=1)
    await company.add("invoices", *(made(100 + n, f"N-{n}", at) for n in range(20)))
    assert sorted(await feed.read()) == sorted(("invoice.issued", f"N-{n}") for n in range(20))
    assert await feed.read() == []
    assert feed.repeated == 0


async def test_load_of_many_rows_is_told_once(
    company: Company, portal: SqlPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows at one instant than a cursor names: some at once, all when they have settled, each once."""
    settles = datetime.timedelta(seconds=2)
    monkeypatch.setattr("portal.sql.events.feed._IN_FLIGHT", settles)
    feed = await follower(portal)
    at = ago()
    await company.add("invoices", *(made(1000 + n, f"N-{n:04}", at) for n in range(700)))
    first = await feed.read()
    assert len(first) in (100, 700), "the rest waits, unless the machine is slow"
    await asyncio.sleep(settles.total_seconds() + 0.1)
    assert sorted([*first, *await feed.read()]) == [("invoice.issued", f"N-{n:04}") for n in range(700)]
    await company.add("invoices", made(2000, "late", ago(seconds=1)))
    assert await feed.read() == [("invoice.issued", "late")]
    assert feed.repeated == 0


async def test_settled_rows_are_told_in_full(company: Company, portal: SqlPortal) -> None:
    """A reader that was away for long catches up with all of them, by pages, and ends."""
    await company.run("DELETE FROM invoices")
    at = ago(minutes=30)
    feed = await follower(portal)
    cursor = _read(feed.cursor)
    hours = datetime.timedelta(hours=1)
    away = cursor.views["odobot_invoices"].model_copy(
        update={"at": at.replace(tzinfo=datetime.UTC) - hours, "told": ()}
    )
    feed.cursor = cursor.model_copy(update={"views": cursor.views | {"odobot_invoices": away}}).written()
    await company.add("invoices", *(made(1000 + n, f"N-{n:04}", at) for n in range(1500)))
    assert sorted(await feed.read()) == [("invoice.issued", f"N-{n:04}") for n in range(1500)]
    assert feed.repeated == 0
    assert await feed.read() == []


async def test_read_again_tells_the_same(company: Company, portal: SqlPortal) -> None:
    feed = await follower(portal)
    cursor = feed.cursor
    await company.add("invoices", made(50, "N-1", ago()), made(51, "N-2", ago()))
    await feed.read()
    again = Follower(portal, cursor)
    await again.read()
    assert list(again.events) == list(feed.events)


async def test_issue_with_a_day_only(company: Company, portal: SqlPortal) -> None:
    """``issued_at`` may be midnight of the day; a cancelled invoice is never told as new."""
    feed = await follower(portal)
    midnight = ago().replace(hour=0, minute=0, second=0, microsecond=0)
    await company.add(
        "invoices", made(50, "N-1", ago(), issued_at=midnight), made(51, "N-2", ago(), status="cancelled")
    )
    assert {("invoice.issued", "N-1"), ("invoice.cancelled", "N-2")} <= set(await feed.read())
    assert ("invoice.issued", "N-2") not in {(event.type, event.number) for event in feed.events.values()}


async def test_row_in_the_future_stops_nothing(company: Company, portal: SqlPortal) -> None:
    feed = await follower(portal)
    await company.add("invoices", made(50, "N-1", ago(hours=-5)))
    assert await feed.read() == [("invoice.issued", "N-1")]
    await company.add("invoices", made(51, "N-2", ago()))
    assert await feed.read() == [("invoice.issued", "N-2")]
    assert await feed.read() == []
    ahead = "odobot_invoices.updated_at: is in the future; times without a zone have to be UTC"
    assert ahead in await portal.findings()


async def test_without_updated_at_there_is_no_feed(company: Company) -> None:
    """The cursor does not change, and ``findings`` says so."""
    await without_times(company)
    portal = company.portal()
    begun = await portal.events(None, 10)
    await company.add("invoices", made(50, "N-1", ago()))
    page = await portal.events(begun.cursor, 10)
    assert (page.items, page.cursor) == ((), begun.cursor)
    assert "odobot_invoices.updated_at: is not there (no event of an invoice)" in await portal.left_out()


async def test_updated_at_that_is_added_later(company: Company) -> None:
    """A view that gets the column is read from that moment on; nothing before it is told."""
    await without_times(company)
    cursor = (await company.portal().events(None, 10)).cursor
    await company.run(
        "DROP VIEW odobot_access",
        "CREATE VIEW odobot_access AS SELECT person_id AS contact_id, customer_id AS account_id, updated_at"
        " FROM memberships",
    )
    feed = Follower(company.portal(), cursor)
    assert await feed.read() == []
    await company.add("memberships", member(1, SHARED) | {"updated_at": ago()})
    assert await feed.read() == [("contact.changed", None)]


async def without_times(company: Company) -> None:
    """Leave ``updated_at`` out of all views."""
    await company.run(
        "DROP VIEW odobot_access", "DROP VIEW odobot_orders", "DROP VIEW odobot_invoices",
        "CREATE VIEW odobot_access AS SELECT person_id AS contact_id, customer_id AS account_id FROM memberships",
        "CREATE VIEW odobot_orders AS SELECT customer_id AS account_id, number FROM orders",
        "CREATE VIEW odobot_invoices AS SELECT customer_id AS account_id, number, date, total AS amount,"
        " total - paid AS balance FROM invoices",
    )  # fmt: skip


@pytest.mark.parametrize("cursor", ["x", "bm8", "eyJvZiI6ICJ4In0", "W10", "\ud800", "é", "=" * 5000, "-1"])
async def test_cursor_of_nowhere_is_refused(portal: SqlPortal, cursor: str) -> None:
    with pytest.raises(CursorTooOld):
        await portal.events(cursor, 10)


async def test_cursor_of_another_database_is_refused(portal: SqlPortal) -> None:
    cursor = (await portal.events(None, 10)).cursor
    other = _read(cursor).model_copy(update={"of": "another"}).written()
    with pytest.raises(CursorTooOld):
        await portal.events(other, 10)


def _read(cursor: str) -> SqlCursor:
    return SqlCursor.model_validate_json(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
