"""The contract suite: checks any portal against its facts. The tests of each portal import it."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from portal.conformance.check import Check, CheckResult, Outcome, Subject, run_check
from portal.conformance.report import CHECKS
from portal.errors import Forbidden, NotFound, TooLarge
from portal.events import Event
from portal.models import Invoice, Status
from tests.portal.conformance.facts import UnderTest

OCCASIONAL = {
    "access",
    "equal_numbers",
    "events_have_papers",
    "feed_moves",
    "newest_order_first",
    "pdf_being_made",
    "searched_in_any_case",
}
"""Checks of what a customer may not have, such as a number with letters, or of what has to happen meanwhile."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.run.__name__)
async def test_check_of_the_contract(under_test: UnderTest, check: Check) -> None:
    """Each check of ``odobot portal-check`` passes; only facts that the portal lacks are missing."""
    subject = Subject(under_test.portal, under_test.facts.email, under_test.facts.other_email)
    await subject.prepare()
    found = await run_check(check, subject)
    name = check.run.__name__
    expected = Outcome.MISSING if name in under_test.facts.missing_facts else Outcome.KEPT
    if name in OCCASIONAL and found.outcome in (Outcome.NOTHING, Outcome.UNTESTED):
        expected = found.outcome
    assert found == CheckResult(check.promise, expected, found.words), found.words


async def test_contact_has_language_and_account(under_test: UnderTest) -> None:
    facts = under_test.facts
    [contact] = await under_test.portal.find_contacts(facts.email)
    assert contact.language == facts.language
    assert facts.account in [account.name for account in contact.accounts]


async def test_shared_address_finds_each_contact(under_test: UnderTest) -> None:
    found = await under_test.portal.find_contacts(under_test.facts.shared_email)
    assert len({contact.contact_id for contact in found}) == 2


async def test_unknown_address_finds_nobody(under_test: UnderTest) -> None:
    for address in under_test.facts.nobody:
        assert await under_test.portal.find_contacts(address) == ()


async def test_orders_are_newest_first_with_lines(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    page = await under_test.portal.orders(reader, page=1, page_size=100)
    assert tuple(order.number for order in page.items) == facts.orders
    order = await under_test.portal.order(reader, facts.order)
    assert order.lines == facts.lines
    assert order.invoice_count == len(facts.order_invoices)


async def test_invoices_of_an_order(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    page = await under_test.portal.invoices(reader, page=1, page_size=100, order=facts.order)
    assert tuple(invoice.number for invoice in page.items) == facts.order_invoices
    assert {invoice.order_number for invoice in page.items} == {facts.order}


async def test_searches_find_the_expected_papers(under_test: UnderTest) -> None:
    facts, reader = under_test.facts, await under_test.reader()
    found = {}
    for query in facts.searches:
        orders = await under_test.portal.orders(reader, page=1, page_size=100, query=query)
        invoices = await under_test.portal.invoices(reader, page=1, page_size=100, query=query)
        found[query] = tuple(paper.number for paper in (*orders.items, *invoices.items))
    assert found == facts.searches


async def test_first_page_of_invoices(under_test: UnderTest) -> None:
    """The newest invoices come first, with the total."""
    facts, reader = under_test.facts, await under_test.reader()
    page = await under_test.portal.invoices(reader, page=1, page_size=len(facts.newest_invoices))
    assert tuple(invoice.number for invoice in page.items) == facts.newest_invoices
    assert page.total == facts.invoice_count


async def test_unpaid_invoices(under_test: UnderTest) -> None:
    reader = await under_test.reader()
    page = await under_test.portal.invoices(reader, page=1, page_size=100, status=Status.UNPAID)
    assert tuple(invoice.number for invoice in page.items) == under_test.facts.unpaid


async def test_every_fact_of_an_invoice(under_test: UnderTest) -> None:
    """A paid invoice, one that is paid in part, and a credit note have every fact as expected."""
    reader = await under_test.reader()
    for expected in under_test.facts.exact:
        found = await under_test.portal.invoice(reader, expected.number)
        assert _facts_of(found) == _facts_of(expected)


def _facts_of(invoice: Invoice) -> dict[str, object]:
    # The check of pages on the portal covers the address. An older portal has neither status nor kind.
    facts = invoice.model_dump(exclude={"url", "status", "kind"})
    return facts | {"state": invoice.state, "is_credit_note": invoice.is_credit_note}


async def test_hidden_numbers_are_not_found(under_test: UnderTest) -> None:
    """Numbers that are not for this customer are not found as invoice, order or PDF."""
    reader, portal = await under_test.reader(), under_test.portal
    for number in under_test.facts.hidden:
        with pytest.raises(NotFound):
            await portal.invoice(reader, number)
        with pytest.raises(NotFound):
            await portal.order(reader, number)
        with pytest.raises(NotFound):
            await portal.invoice_pdf(reader, number, language="fr", limit=10**7)


async def test_pdf_has_the_invoice_number(under_test: UnderTest) -> None:
    """A PDF over the limit is refused."""
    reader, number = await under_test.reader(), under_test.facts.exact[0].number
    pdf = await under_test.portal.invoice_pdf(reader, number, language="fr", limit=10**7)
    assert pdf is not None
    assert number in PdfReader(BytesIO(pdf.content)).pages[0].extract_text()
    with pytest.raises(TooLarge):
        await under_test.portal.invoice_pdf(reader, number, language="fr", limit=1000)


async def test_feed_reports_issue_and_payment_once(under_test: UnderTest) -> None:
    """The cursor moves on; a second reading, and one event at a time, return the same events."""
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


async def test_account_of_another_contact_is_not_found(under_test: UnderTest) -> None:
    reader = await under_test.reader()
    [other] = await under_test.portal.find_contacts(under_test.facts.other_email)
    for account in other.accounts:
        foreign = type(reader)(reader.contact_id, account.account_id)
        for asked in (under_test.portal.orders, under_test.portal.invoices):
            with pytest.raises((NotFound, Forbidden)):
                await asked(foreign, page=1, page_size=5)
