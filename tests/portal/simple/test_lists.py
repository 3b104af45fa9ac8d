"""Lists: pages, order, filters, bad rows, rows of others, and what is kept between two pages."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from sqlite3 import Row, connect
from typing import Any

import pytest
from hypothesis import given, strategies as st
from structlog.testing import capture_logs

from portal.client import Reader
from portal.errors import Forbidden, NotFound, PortalBroken
from portal.models import Invoice, Order, Status
from portal.simple.rows import renamed
from tests.portal.simple.shop import ANNA, ZED, ShopPortal, invoice, small_shop

DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 5)).map(date.isoformat)
NUMBERS = st.from_regex(r"[AB]-?[0-9]{1,3}", fullmatch=True)
LISTS = st.lists(st.tuples(NUMBERS, DAYS), max_size=30, unique_by=lambda pair: pair[0])
CALLS: list[Callable[[ShopPortal, Reader], Awaitable[Any]]] = [
    lambda portal, reader: portal.orders(reader, page=1, page_size=5),
    lambda portal, reader: portal.order(reader, "O-1"),
    lambda portal, reader: portal.invoices(reader, page=1, page_size=5),
    lambda portal, reader: portal.invoice(reader, "F-1"),
    lambda portal, reader: portal.invoice_pdf(reader, "F-1", language="fr", limit=100),
]


@given(rows=LISTS, size=st.integers(1, 12), shuffled=st.randoms())
async def test_pages_have_each_row_once_newest_first(rows: list[tuple[str, str]], size: int, shuffled: Any) -> None:
    """In one order, whatever the system's is; the page after the last is empty, with the same total."""
    papers = [invoice(number, day) for number, day in rows]
    portal = ShopPortal(small_shop(invoices={"a": papers}))
    pages = [await portal.invoices(ANNA, page=page, page_size=size) for page in range(1, -(-len(rows) // size) + 1)]
    listed = [each for page in pages for each in page.items]
    assert sorted(each.number for each in listed) == sorted(number for number, _ in rows)
    assert [each.date for each in listed] == sorted((each.date for each in listed), reverse=True)
    assert all(len(page.items) == size for page in pages[:-1])
    assert {page.total for page in pages} <= {len(rows)}
    past = await portal.invoices(ANNA, page=len(pages) + 1, page_size=size)
    assert (past.items, past.total) == ((), len(rows))
    again = list(papers)
    shuffled.shuffle(again)
    other = await ShopPortal(small_shop(invoices={"a": again})).invoices(ANNA, page=1, page_size=100)
    assert list(other.items) == listed


@given(rows=LISTS, since=DAYS, until=DAYS, unpaid=st.sets(NUMBERS), size=st.integers(1, 5))
async def test_filters_together(
    rows: list[tuple[str, str]], since: str, until: str, unpaid: set[str], size: int
) -> None:
    papers = [invoice(number, day, balance="1.00" if number in unpaid else "0.00", status=None) for number, day in rows]
    portal = ShopPortal(small_shop(invoices={"a": papers}))
    for status in (Status.PAID, Status.UNPAID, None):
        page = await portal.invoices(
            ANNA,
            page=1,
            page_size=size,
            status=status,
            since=date.fromisoformat(since),
            until=date.fromisoformat(until),
        )
        expected = {
            number for number, day in rows
            if since <= day <= until and (status is None or (number in unpaid) == (status is Status.UNPAID))
        }  # fmt: skip
        assert page.total == len(expected)
        assert {each.number for each in page.items} <= expected
        assert len(page.items) == min(size, len(expected))


async def test_page_has_at_most_100_rows() -> None:
    portal = ShopPortal(small_shop(invoices={"a": [invoice(str(number)) for number in range(150)]}))
    page = await portal.invoices(ANNA, page=1, page_size=1000)
    assert (len(page.items), page.page_size, page.total, page.last) == (100, 100, 150, 2)


async def test_orders_without_a_start_are_last() -> None:
    rows = [{"number": "2"}, {"number": "10"}, {"number": "1", "start_date": "2020-01-01"}]
    page = await ShopPortal(small_shop(orders={"a": rows})).orders(ANNA, page=1, page_size=5)
    assert [each.number for each in page.items] == ["1", "10", "2"]


@pytest.mark.parametrize(
    ("numbers", "asked", "found"),
    [
        (["A-1", "a-1"], "a-1", "a-1"),
        (["A-1", "B-1"], "a-1", "A-1"),
        (["A-1", "a-1"], "A‐1", None),
        (["ÉTÉ", "X"], "e\u0301te\u0301", "ÉTÉ"),
        (["ab", "AB"], "Ab", None),
        (["0042"], "42", None),
        (["42"], "", None),
        (["42"], "4\x00", None),
        (["2026/001 b"], "2026/001 B", "2026/001 b"),
    ],
)
async def test_exact_number(numbers: list[str], asked: str, found: str | None) -> None:
    """In another case only where no other could be meant."""
    portal = ShopPortal(small_shop(invoices={"a": [invoice(number) for number in numbers]}))
    if found is None:
        with pytest.raises(NotFound):
            await portal.invoice(ANNA, asked)
    else:
        assert (await portal.invoice(ANNA, asked)).number == found


async def test_newest_of_the_same_number() -> None:
    rows = [invoice("1", "2025-01-01", "5.00"), invoice("1", "2026-01-01", "6.00")]
    assert (await ShopPortal(small_shop(invoices={"a": rows})).invoice(ANNA, "1")).amount == Decimal(6)


async def test_invoices_are_counted_for_an_order() -> None:
    rows = [invoice(str(number), order_number=order) for number, order in enumerate(["O-1", "o-1", "O-2", None])]
    orders = [{"number": "O-1"}, {"number": "O-2", "invoice_count": 7}, {"number": "O-3"}]
    portal = ShopPortal(small_shop(orders={"a": orders}, invoices={"a": rows}))
    page = await portal.orders(ANNA, page=1, page_size=5)
    assert {each.number: each.invoice_count for each in page.items} == {"O-1": 2, "O-2": 7, "O-3": 0}
    assert (await portal.order(ANNA, "o-1")).invoice_count == 2
    assert (await portal.invoices(ANNA, page=1, page_size=5, order="O-1")).total == 2


@pytest.mark.parametrize("call", CALLS)
async def test_part_that_is_not_the_contacts(call: Callable[[ShopPortal, Reader], Awaitable[Any]]) -> None:
    """It is forbidden, and not even read; nor is the count of invoices shown."""
    shop = small_shop(orders={"a": [{"number": "O-1", "invoice_count": 3}]}, invoices={"a": [invoice("F-1")]})
    shop.people[0]["accounts"][0]["access"] = []
    portal = ShopPortal(shop)
    with pytest.raises(Forbidden):
        await call(portal, ANNA)
    assert shop.reads == ["customers"]
    shop.people[0]["accounts"][0]["access"] = ["orders"]
    assert (await portal.order(ANNA, "O-1")).invoice_count is None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("reader", [Reader("c1", "b"), Reader("c2", "a"), Reader("c1", ""), Reader("c9", "a"), ZED])
async def test_account_of_another(call: Callable[[ShopPortal, Reader], Awaitable[Any]], reader: Reader) -> None:
    """It looks as one that does not exist, and its rows are not read; the last reader has no such paper."""
    shop = small_shop(orders={"a": [{"number": "O-1"}]}, invoices={"a": [invoice("F-1")]})
    portal = ShopPortal(shop)
    if reader == ZED and call in (CALLS[0], CALLS[2]):
        assert (await call(portal, reader)).items == ()
        return
    with pytest.raises(NotFound):
        await call(portal, reader)
    assert set(shop.reads) <= ({"customers", "orders", "invoices"} if reader == ZED else {"customers"})


@pytest.mark.parametrize("owner", [{"account_id": "b"}, {"account_id": 8.0}, {"contact_id": "c2"}, {"contact_id": 2}])
async def test_row_of_another_is_never_shown(owner: dict[str, Any]) -> None:
    """A mistake in the adapter: it returns the rows of every account. They are left out, and the log says so."""
    mine = {"account_id": "a", "contact_id": "c1"}
    papers = [invoice("F-1", **mine), invoice("F-2", **(mine | owner)), Invoice.model_validate(invoice("F-3") | owner)]
    orders = [{"number": "O-1"} | mine, {"number": "O-2"} | owner, Order.model_validate({"number": "O-3"} | owner)]
    portal = ShopPortal(small_shop(invoices={"a": papers}, orders={"a": orders}))
    with capture_logs() as logs:
        found = await portal.invoices(ANNA, page=1, page_size=5)
    assert ([each.number for each in found.items], found.total, found.unread) == (["F-1"], 1, 0)
    assert logs == [{"event": "portal.row_of_another_account", "model": "Invoice", "rows": 2, "log_level": "error"}]
    assert [each.number for each in (await portal.orders(ANNA, page=1, page_size=5)).items] == ["O-1"]
    for call in (
        portal.invoice(ANNA, "F-2"),
        portal.order(ANNA, "O-2"),
        portal.invoice_pdf(ANNA, "F-2", language="fr", limit=10**6),
    ):
        with pytest.raises(NotFound):
            await call
    for query in ("F-2", "F-3"):
        assert (await portal.invoices(ANNA, page=1, page_size=5, query=query)).total == 0


async def test_bad_row_costs_only_itself() -> None:
    """The page says how many there are; the number of one is not "not found", which would cancel its notice."""
    rows = [invoice("F-1"), invoice("F-2", date="1/2/2026"), invoice("F-3", amount=None), None, 7]
    portal = ShopPortal(small_shop(invoices={"a": rows}))
    with capture_logs() as logs:
        page = await portal.invoices(ANNA, page=1, page_size=1)
    assert ([each.number for each in page.items], page.unread, page.total) == (["F-1"], 4, 1)
    assert {each["event"] for each in logs} == {"portal.row_skipped"}
    assert not any("F-2" in str(each) for each in logs)
    assert (await portal.invoices(ANNA, page=2, page_size=1)).unread == 0
    assert (await portal.invoices(ANNA, page=1, page_size=1, query="F")).unread == 0
    with pytest.raises(PortalBroken):
        await portal.invoice(ANNA, "f-2")
    with pytest.raises(NotFound):
        await portal.invoice(ANNA, "F-4")


async def test_only_bad_rows() -> None:
    """Rows with a number are bad ones of this account; others are not the rows of invoices at all."""
    portal = ShopPortal(small_shop(invoices={"a": [{"number": "F-1"}]}))
    page = await portal.invoices(ANNA, page=1, page_size=5)
    assert (page.items, page.unread) == ((), 1)
    for rows in ([{"id": 1}], ["number"], [None]):
        with pytest.raises(PortalBroken):
            await ShopPortal(small_shop(invoices={"a": rows})).invoices(ANNA, page=1, page_size=5)


@pytest.mark.parametrize("rows", [None, "text", {"items": []}, 7, Invoice.model_validate(invoice("F-1"))])
async def test_answer_that_is_no_list_of_rows(rows: Any) -> None:
    with pytest.raises(PortalBroken, match="invoices: expected rows"):
        await ShopPortal(small_shop(invoices={"a": rows})).invoices(ANNA, page=1, page_size=5)


async def test_rows_of_a_database_driver() -> None:
    database = connect(":memory:")
    database.row_factory = Row
    rows = database.execute("select 5 as number, '2026-05-01' as date, 12.5 as amount, 0 as balance").fetchall()
    portal = ShopPortal(small_shop(invoices={"a": rows}))
    [found] = (await portal.invoices(ANNA, page=1, page_size=5)).items
    assert (found.number, found.date, found.amount) == ("5", date(2026, 5, 1), Decimal("12.5"))
    database.close()


async def test_too_many_rows() -> None:
    shop = small_shop(invoices={"a": [invoice("F-1")] * 10_001})
    shop.people *= 5001
    portal = ShopPortal(shop)
    with pytest.raises(PortalBroken, match="customers: more than 10000 rows"):
        await portal.find_contacts("anna@example.test")
    shop.people = shop.people[:2]
    with pytest.raises(PortalBroken, match="invoices: more than 10000 rows"):
        await portal.invoices(ANNA, page=1, page_size=5)


async def test_bad_contact_is_not_a_removed_one() -> None:
    """A contact that is "not found" is unlinked; one whose row, or account, cannot be read is not."""
    shop = small_shop()
    portal = ShopPortal(shop)
    shop.people[0]["accounts"][0]["name"] = None
    with pytest.raises(PortalBroken):
        await portal.invoices(ANNA, page=1, page_size=5)
    shop.people[0]["email"] = None
    with pytest.raises(PortalBroken):
        await portal.contact("c1")
    assert await portal.find_contacts("anna@example.test") == ()
    assert (await portal.contact("c2")).email == "zed@example.test"
    with pytest.raises(NotFound):
        await portal.contact("c3")


async def test_pages_are_turned_without_reading_again() -> None:
    """A list is kept for a moment; access is checked each time, and a single paper is read anew."""
    shop = small_shop(invoices={"a": [invoice("F-1"), invoice("F-2")]})
    portal = ShopPortal(shop)
    for page in (1, 2, 1):
        await portal.invoices(ANNA, page=page, page_size=1)
    assert shop.reads == ["customers", "invoices", "customers", "customers"]
    shop.invoices["a"] = [invoice("F-2", amount="7.00")]
    assert (await portal.invoice(ANNA, "F-2")).amount == Decimal(7)
    assert (await portal.invoices(ANNA, page=1, page_size=5)).total == 1, "the new list serves the next page"


async def test_kept_list_is_of_one_reader_and_access() -> None:
    shop = small_shop(invoices={"a": [invoice("F-1")]})
    shop.people.append(dict(shop.people[0], contact_id="c3"))
    portal = ShopPortal(shop)
    for reader in (ANNA, Reader("c3", "a"), Reader("c1", "a", "en")):
        await portal.invoices(reader, page=1, page_size=1)
    shop.people[0]["accounts"] = [{"account_id": "a", "name": "Account a", "access": ["invoices"]}]
    await portal.invoices(ANNA, page=1, page_size=1)
    assert shop.reads.count("invoices") == 4
    shop.people[0]["accounts"] = [{"account_id": "a", "name": "Account a", "access": ["orders"]}]
    with pytest.raises(Forbidden):
        await portal.invoices(ANNA, page=1, page_size=1)


async def test_list_is_kept_for_its_seconds_only() -> None:
    class Hurried(ShopPortal):
        cache_seconds = 0.0

    shop = small_shop(invoices={"a": [invoice("F-1")]})
    portal = Hurried(shop)
    for page in (1, 2):
        await portal.invoices(ANNA, page=page, page_size=1)
    assert shop.reads.count("invoices") == 2


def test_renamed() -> None:
    assert renamed({"ref": 5, "x": 1}, number="ref", date="day") == {"number": 5, "date": None}
    assert renamed("ref", number="ref") == {}
