"""What a reader finds: searches, numbers, filters, sums, and nothing of anybody else."""

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from portal.client import Reader
from portal.conformance.check import random_word
from portal.errors import Forbidden, NotFound, PortalError
from portal.models import Part, Status
from portal.sql.portal import SqlPortal
from tests.portal.sql.company import OTHER, READER, TREMBLAY, ZED, Company, invoice, member, order

NO_INVOICES = Reader("5", str(TREMBLAY))
NO_ORDERS = Reader("5", str(ZED))
HOSTILE = (
    "' OR 1=1 --", "'; DROP TABLE invoices; --", '" OR ""="', "\\' OR 1=1 #", "1) OR (1=1", "10 OR 1=1", "%' OR '%'='",
    "$1", ":p", "%s", "%(x)s", "?", "10\0", "\ud800", "10 ", " 10", "010", "+10", "1e1", "١٠", "0x0A", "9" * 40, "",
    "NULL", "{number}", "x" * 5000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("f-ABC", ["F-abc_1"]),
        ("2026/001", ["2026/001"]),
        ("31200", ["240129", "240127"]),
        ("31200 2026-07", ["240127"]),
        ("1293,08", ["240129", "240127"]),
        ("1 293,08 $", ["240129", "240127"]),
        ("$1,293.08", ["240129", "240127"]),
        ("401.26", ["240204"]),
        ("-401,26", ["240204"]),
        ("293", ["240130"]),
        ("2026-10", ["240130", "2026/001", "240129"]),
        ("20260901", ["240129"]),
        ("2026/09/01", ["240129"]),
        ("2026-02-30", []),
        ("31/08/2026", ["240204"]),
        ("08/31/2026", ["240204"]),
        ("01/07/2026", []),
        ("07/2026", ["240127"]),
        ("août 2026", ["240204"]),
        ("sept 2026", ["240129"]),
        ("AUG", ["240204"]),
        ("31200 240130", []),
        ("240130 240130", ["240130"]),
        ("abc%1", []),
        ("/", ["2026/001"]),
        ("$", None),
        ("", None),
    ],
)
async def test_invoices_are_searched(portal: SqlPortal, query: str, expected: list[str] | None) -> None:
    """By parts of numbers, by dates, months and days, and by amounts as people type them; None finds all."""
    page = await portal.invoices(READER, page=1, page_size=100, query=query)
    found = [each.number for each in page.items]
    assert page.total == len(found)
    if expected is None:
        assert len(found) == 6
    else:
        # The year 2026 is in most numbers of these dates, so only what the word names may be found.
        assert found == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [("ete", ["31450"]), ("FLOTTE ÉTÉ", ["31450"]), ("plan pro", ["31200"]), ("4812,50", ["31450"]),
     ("2029-03", ["31450"]), ("c-7/A", ["C-7/a"]), ("zzz", []), ("40001", [])],
)  # fmt: skip
async def test_orders_are_searched(portal: SqlPortal, query: str, expected: list[str]) -> None:
    page = await portal.orders(READER, page=1, page_size=100, query=query)
    assert [each.number for each in page.items] == expected


async def test_pages_of_a_search(portal: SqlPortal) -> None:
    """A page past the end is empty, with the same total."""
    for number, count in ((1, 2), (2, 1), (3, 0), (10**9, 0)):
        page = await portal.invoices(READER, page=number, page_size=2, query="2401")
        assert (page.total, len(page.items)) == (3, count)


async def test_number_in_another_case(company: Company, portal: SqlPortal) -> None:
    """It is found where it is the only one; an exact one is found first; two others are none."""
    assert (await portal.invoice(READER, "f-ABC_1")).number == "F-abc_1"
    assert (await portal.order(READER, "c-7/A")).number == "C-7/a"
    await company.add("invoices", invoice(20, TREMBLAY, "F-ABC_1", "2026-06-02", "1.00"))
    assert (await portal.invoice(READER, "F-ABC_1")).amount == 1
    assert (await portal.invoice(READER, "F-abc_1")).amount == Decimal("0.30")
    with pytest.raises(NotFound):
        await portal.invoice(READER, "f-aBc_1")


async def test_newest_of_two_with_one_number(company: Company, portal: SqlPortal) -> None:
    await company.add("invoices", invoice(20, TREMBLAY, "240130", "2025-06-02", "1.00"))
    assert (await portal.invoice(READER, "240130")).date == datetime.date(2026, 10, 1)


async def test_cancelled_is_neither_paid_nor_unpaid(company: Company, portal: SqlPortal) -> None:
    """So is a credited one, in any spelling; both are in the whole list and in no sum."""
    await company.add(
        "invoices",
        invoice(20, TREMBLAY, "X-1", "2026-06-02", "1.00", status="Cancelled"),
        invoice(21, TREMBLAY, "X-2", "2026-06-02", "1.00", status=" CANCELED "),
        invoice(22, TREMBLAY, "X-3", "2026-06-02", "1.00", status="credited"),
        invoice(23, TREMBLAY, "X-4", "2026-06-02", "1.00", status="paid"),
        invoice(24, TREMBLAY, "X-5", "2026-06-02", "1.00", kind="credit-note"),
    )
    found = {}
    for status in (None, *Status):
        page = await portal.invoices(READER, page=1, page_size=100, status=status)
        found[status] = {each.number for each in page.items}
        assert page.total == len(page.items)
    assert {"X-1", "X-2", "X-3", "X-4", "X-5"} <= found[None]
    assert found[Status.UNPAID] == {"240130", "240129", "F-abc_1"}
    assert found[None] - found[Status.PAID] - found[Status.UNPAID] == {"X-1", "X-2", "X-3"}
    [summed] = await portal.invoice_summary(READER) or ()
    assert (summed.open_count, summed.open_balance) == (3, Decimal("1086.36"))


async def test_filter_agrees_with_the_model(company: Company, portal: SqlPortal) -> None:
    """Whatever words and amounts a view has, the unpaid ones are those whose ``is_unpaid`` is true."""
    words = [None, "open", "Paid", "cancelled", "credited", "sent"]
    kinds = [None, "invoice", "Credit Note", "creditnote", "bill"]
    amounts = [("10", "0"), ("10", "10"), ("10", "4"), ("-10", "0"), ("-10", "-20")]
    every = [(status, kind, pair) for status in words for kind in kinds for pair in amounts]
    await company.add(
        "invoices",
        *(
            invoice(100 + place, ZED, f"M-{place}", "2026-06-02", *pair, status=status, kind=kind)
            for place, (status, kind, pair) in enumerate(every)
        ),
    )

    async def listed(status: Status | None) -> set[str]:
        pages = [await portal.invoices(OTHER, page=page, page_size=100, status=status) for page in (1, 2)]
        if status is None:
            unpaid.update(each.number for page in pages for each in page.items if each.is_unpaid)
        return {each.number for page in pages for each in page.items}

    unpaid: set[str] = set()
    assert len(await listed(None)) == len(every) + 2
    assert await listed(Status.UNPAID) == unpaid
    assert not await listed(Status.PAID) & unpaid


async def test_summary_counts_overdue_by_currency(company: Company, portal: SqlPortal) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    far, ago = today + datetime.timedelta(days=10), today - datetime.timedelta(days=10)
    await company.add(
        "invoices",
        invoice(30, ZED, "S-1", "2026-06-02", "0.10", due_date=ago),
        invoice(31, ZED, "S-2", "2026-06-02", "0.20", due_date=ago),
        invoice(32, ZED, "S-3", "2026-06-02", "5", due_date=far),
    )
    [summed] = await portal.invoice_summary(OTHER) or ()
    assert (summed.currency, summed.open_count, summed.open_balance) == ("CAD", 5, Decimal("1671.95"))
    assert (summed.overdue_count, summed.overdue_balance, summed.next_due_date) == (2, Decimal("0.30"), far)


async def test_summary_without_anything_open(company: Company, portal: SqlPortal) -> None:
    await company.run("UPDATE invoices SET paid = total")
    assert await portal.invoice_summary(READER) == ()
    with pytest.raises(Forbidden):
        await portal.invoice_summary(NO_INVOICES)


async def test_parts_that_a_contact_may_not_see(portal: SqlPortal) -> None:
    """403 for the part, whatever is asked of it; null is no."""
    [contact] = await portal.find_contacts("orders.only@example.test")
    assert {each.account_id: each.access for each in contact.accounts} == {
        str(TREMBLAY): {Part.ORDERS}, str(ZED): {Part.INVOICES},
    }  # fmt: skip
    for call in (
        portal.invoices(NO_INVOICES, page=1, page_size=5),
        portal.invoices(NO_INVOICES, page=1, page_size=5, query="240130"),
        portal.invoices(NO_INVOICES, page=1, page_size=5, order="31200"),
        portal.invoice(NO_INVOICES, "240130"),
        portal.invoice(NO_INVOICES, "none"),
        portal.invoice_pdf(NO_INVOICES, "240130", language="fr", limit=10**6),
        portal.orders(NO_ORDERS, page=1, page_size=5),
        portal.order(NO_ORDERS, "40001"),
    ):
        with pytest.raises(Forbidden):
            await call
    page = await portal.orders(NO_INVOICES, page=1, page_size=5)
    assert {each.invoice_count for each in page.items} == {0}, "nor how many invoices there are"


async def test_contact_that_is_removed_reads_nothing(company: Company, portal: SqlPortal) -> None:
    """Also where rows of the access are left."""
    await company.run("DELETE FROM people WHERE id = 1")
    with pytest.raises(NotFound):
        await portal.contact("1")
    with pytest.raises(NotFound):
        await portal.invoices(READER, page=1, page_size=5)


async def test_access_is_of_the_moment(company: Company, portal: SqlPortal) -> None:
    assert (await portal.invoices(READER, page=1, page_size=5)).total
    await company.run("DELETE FROM memberships WHERE person_id = 1")
    with pytest.raises(NotFound):
        await portal.invoices(READER, page=1, page_size=5)
    await company.add("memberships", member(1, TREMBLAY, invoices=False), member(1, TREMBLAY, orders=False))
    assert (await portal.invoices(READER, page=1, page_size=5)).total, "two rows are one access"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_texts_find_nothing(portal: SqlPortal, text: str) -> None:
    """In the place of every id, number and word; the answer is empty or a refusal, and the tables stay."""
    assert await portal.find_contacts(text) == ()
    for call in (
        portal.contact(text),
        portal.invoice(READER, text),
        portal.order(READER, text),
        portal.invoice_pdf(READER, text, language=text, limit=10**6),
        *(
            ask(reader, page=1, page_size=5)
            for ask in (portal.invoices, portal.orders)
            for reader in (replace(READER, contact_id=text), replace(READER, account_id=text))
        ),
    ):
        with pytest.raises(NotFound):
            await call
    if text:
        assert not (await portal.invoices(READER, page=1, page_size=5, order=text)).items
    mine = {each.number for each in (await portal.invoices(READER, page=1, page_size=100)).items}
    for query in (text, f"{text} {random_word()}"):
        found = await portal.invoices(READER, page=1, page_size=100, query=query)
        assert {each.number for each in found.items} <= mine
        await portal.orders(READER, page=1, page_size=100, query=query)
    assert (await portal.invoices(replace(READER, language=text), page=1, page_size=5)).total == 6
    with pytest.raises(PortalError):
        await portal.events(text or "x", 10)


async def test_account_ids_that_the_database_takes_for_equal(company: Company) -> None:
    """A collation that ignores case or accents or spaces, and CHAR columns, do not join two accounts."""
    if company.dialect == "sqlite":
        text = "VARCHAR(20) COLLATE NOCASE"
    else:
        text = "VARCHAR(20)" if company.dialect == "mysql" else "VARCHAR(20) COLLATE ci"
    if company.dialect == "postgresql":
        await company.run("CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
    await company.run(
        f"CREATE TABLE a (contact_id {text}, account_id {text})",
        f"CREATE TABLE i (account_id {text}, number {text}, date DATE, amount NUMERIC(12, 2), balance NUMERIC(12, 2))",
        "DROP VIEW odobot_access",
        "DROP VIEW odobot_invoices",
        "DROP VIEW odobot_contacts",
        "CREATE VIEW odobot_access AS SELECT * FROM a",
        "CREATE VIEW odobot_invoices AS SELECT * FROM i",
        "CREATE VIEW odobot_contacts AS SELECT contact_id, 'x@example.test' AS email FROM a",
        "INSERT INTO a VALUES ('é1', 'acc'), ('E1', 'ACC')",
        "INSERT INTO i VALUES ('acc', 'n', '2026-01-02', 1, 0), ('ACC', 'N', '2026-01-02', 2, 0)",
    )
    portal = company.portal()
    for contact, account, number, amount in (("é1", "acc", "n", 1), ("E1", "ACC", "N", 2)):
        reader = Reader(contact, account)
        page = await portal.invoices(reader, page=1, page_size=5)
        assert [(each.number, each.amount) for each in page.items] == [(number, amount)]
        assert (await portal.contact(contact)).contact_id == contact
    for wrong in (
        Reader("E1", "acc"),
        Reader("é1", "ACC"),
        Reader("e1", "acc"),
        Reader("é1 ", "acc"),
        Reader("é1", "acc "),
    ):
        with pytest.raises(NotFound):
            await portal.invoices(wrong, page=1, page_size=5)


async def test_one_bad_row_costs_only_itself(company: Company, portal: SqlPortal) -> None:
    await company.run("UPDATE invoices SET date = NULL WHERE number = '240129'")
    page = await portal.invoices(READER, page=1, page_size=100)
    assert (page.unread, len(page.items)) == (1, 5)
    assert "odobot_invoices.date: 2 of 9 rows cannot be read" in await portal.findings()


async def test_person_with_several_addresses(company: Company, portal: SqlPortal) -> None:
    """Each row of the view is an address; the contact has the one that was asked for."""
    await company.run(
        "DROP VIEW odobot_contacts",
        "CREATE VIEW odobot_contacts AS SELECT id AS contact_id, email FROM people"
        " UNION ALL SELECT 1, 'Second@example.test' FROM people WHERE id = 1",
    )
    [contact] = await portal.find_contacts("second@EXAMPLE.test")
    assert (contact.contact_id, contact.email, contact.aliases) == (
        "1",
        "Second@example.test",
        ("Client@example.test",),
    )
    assert set((await portal.contact("1")).aliases) | {(await portal.contact("1")).email} == {
        "Second@example.test", "Client@example.test",
    }  # fmt: skip


async def test_order_without_dates_comes_last(company: Company, portal: SqlPortal) -> None:
    await company.add("orders", order(9, TREMBLAY, "99999"))
    page = await portal.orders(READER, page=1, page_size=100)
    assert [each.number for each in page.items] == ["31450", "31200", "C-7/a", "99999"]
