"""The contract suite: what any portal must do, told against its own facts. Imported by each portal's tests."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from portal.conformance.check import Check, CheckResult, Outcome, Subject, run_check
from portal.conformance.report import CHECKS
from portal.errors import Forbidden, NotFound, TooLarge
from portal.models import Event, Invoice, Status
from tests.portal.conformance.facts import UnderTest


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.run.__name__)
async def test_a_promise_is_kept(under_test: UnderTest, check: Check) -> None:
    subject = Subject(under_test.portal, under_test.facts.email, under_test.facts.other_email)
    await subject.prepare()
    found = await run_check(check, subject)
    expected = Outcome.MISSING if check.run.__name__ in under_test.facts.missing_facts else Outcome.KEPT
    assert found == CheckResult(check.promise, expected, found.words), found.words


async def test_a_contact_is_told_as_the_portal_knows_them(under_test: UnderTest) -> None:
    facts = under_test.facts
    [contact] = await under_test.portal.find_contacts(facts.email)
    assert contact.language == facts.language
    assert facts.account in [account.name for account in contact.accounts]


async def test_a_shared_mailbox_finds_each_of_its_contacts(under_test: UnderTest) -> None:
    found = await under_test.portal.find_contacts(under_test.facts.shared_email)
    assert len({contact.contact_id for contact in found}) == 2


async def test_who_is_nobody_is_not_found(under_test: UnderTest) -> None:
    for address in under_test.facts.nobody:
        assert await under_test.portal.find_contacts(address) == ()


async def test_orders_newest_first_with_their_lines(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    page = await under_test.portal.orders(reader, page=1, page_size=100)
    assert tuple(order.number for order in page.items) == facts.orders
    order = await under_test.portal.order(reader, facts.order)
    assert order.lines == facts.lines
    assert order.invoice_count == len(facts.order_invoices)


async def test_an_orders_invoices(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    page = await under_test.portal.invoices(reader, page=1, page_size=100, order=facts.order)
    assert tuple(invoice.number for invoice in page.items) == facts.order_invoices
    assert {invoice.order_number for invoice in page.items} == {facts.order}


async def test_searches_find_what_they_should(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    found = {}
    for query in facts.searches:
        orders = await under_test.portal.orders(reader, page=1, page_size=100, query=query)
        invoices = await under_test.portal.invoices(reader, page=1, page_size=100, query=query)
        found[query] = tuple(paper.number for paper in (*orders.items, *invoices.items))
    assert found == facts.searches


async def test_invoices_page_by_page(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    page = await under_test.portal.invoices(reader, page=1, page_size=len(facts.newest_invoices))
    assert tuple(invoice.number for invoice in page.items) == facts.newest_invoices
    assert page.total == facts.invoice_count


async def test_unpaid_invoices(under_test: UnderTest) -> None:
    reader = await under_test.reader()
    page = await under_test.portal.invoices(reader, page=1, page_size=100, status=Status.UNPAID)
    assert tuple(invoice.number for invoice in page.items) == under_test.facts.unpaid


async def test_an_invoice_paid_one_paid_in_part_and_a_credit_note_to_the_letter(under_test: UnderTest) -> None:
    reader = await under_test.reader()
    for expected in under_test.facts.exact:
        found = await under_test.portal.invoice(reader, expected.number)
        assert _facts_of(found) == _facts_of(expected)


def _facts_of(invoice: Invoice) -> dict[str, object]:
    # Where a portal has a page for it is told by the promise about pages.
    return invoice.model_dump(exclude={"url"})


async def test_what_is_not_for_the_customer_is_not_there(under_test: UnderTest) -> None:
    reader, portal = await under_test.reader(), under_test.portal
    for number in under_test.facts.hidden:
        with pytest.raises(NotFound):
            await portal.invoice(reader, number)
        with pytest.raises(NotFound):
            await portal.order(reader, number)
        with pytest.raises(NotFound):
            await portal.invoice_pdf(reader, number, language="fr", limit=10**7)


async def test_a_pdf_is_the_invoices_own(under_test: UnderTest) -> None:
    reader, number = await under_test.reader(), under_test.facts.exact[0].number
    pdf = await under_test.portal.invoice_pdf(reader, number, language="fr", limit=10**7)
    assert pdf is not None
    assert number in PdfReader(BytesIO(pdf.content)).pages[0].extract_text()
    with pytest.raises(TooLarge):
        await under_test.portal.invoice_pdf(reader, number, language="fr", limit=1000)


async def test_an_issued_and_a_paid_invoice_are_told_once_and_the_cursor_goes_on(under_test: UnderTest) -> None:
    portal = under_test.portal
    start = (await portal.events(None, 10)).cursor
    account_id, number = await under_test.issue()
    issued = await _next_event(under_test, start)
    assert (issued.type, issued.account_id, issued.number) == ("invoice.issued", account_id, number)
    after = (await portal.events(start, 10)).cursor
    assert after != start
    assert (await portal.events(after, 10)).items == ()

    await under_test.pay(account_id, number)
    paid = await _next_event(under_test, after)
    assert (paid.type, paid.account_id, paid.number) == ("invoice.paid", account_id, number)
    assert paid.id != issued.id
    end = (await portal.events(after, 10)).cursor
    assert (await portal.events(end, 10)).items == ()

    both = await portal.events(start, 10)
    assert [event.id for event in both.items] == [issued.id, paid.id], "read again, it tells the same"
    first = await portal.events(start, 1)
    second = await portal.events(first.cursor, 1)
    assert [event.id for event in (*first.items, *second.items)] == [issued.id, paid.id], "or in pieces"


async def _next_event(under_test: UnderTest, cursor: str) -> Event:
    [event] = (await under_test.portal.events(cursor, 10)).items
    return event


async def test_another_contacts_account_is_not_there(under_test: UnderTest) -> None:
    reader = await under_test.reader()
    [other] = await under_test.portal.find_contacts(under_test.facts.other_email)
    for account in other.accounts:
        foreign = type(reader)(reader.contact_id, account.account_id)
        for asked in (under_test.portal.orders, under_test.portal.invoices):
            with pytest.raises((NotFound, Forbidden)):
                await asked(foreign, page=1, page_size=5)
