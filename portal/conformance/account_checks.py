"""The checks of contacts, orders and invoices, in the order of the contract's table."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from portal.client import Portal, Reader
from portal.conformance.check import (
    MOST_PAGES,
    Check,
    NothingToCheck,
    PromiseBroken,
    Subject,
    expect,
    expect_error,
    random_word,
    register_in,
)
from portal.errors import Forbidden, NotFound, TooLarge
from portal.models import Contact, Invoice, Order, Page, Part, Status

ACCOUNT_CHECKS: list[Check] = []
PDF_LIMIT = 50 * 1024 * 1024

ItemT = TypeVar("ItemT", Order, Invoice)
_check = register_in(ACCOUNT_CHECKS)


def _ids(contacts: tuple[Contact, ...]) -> set[str]:
    return {contact.contact_id for contact in contacts}


@_check
async def contact_by_email(subject: Subject) -> None:
    """A contact is found by email, with that email and an account."""
    found = await subject.portal.find_contacts(subject.email)
    expect(bool(found), "nobody has the address that was given: check with one that somebody has")
    same = all(contact.email.casefold() == subject.email.casefold() for contact in found)
    expect(same, "a contact came who has another address")
    expect(any(contact.accounts for contact in found), "the contact has no account")


@_check
async def email_in_capitals(subject: Subject) -> None:
    """An email is found in capitals too."""
    found = await subject.portal.find_contacts(subject.email.upper())
    expect(_ids(found) == _ids(await subject.portal.find_contacts(subject.email)), "other contacts came")


@_check
async def unknown_email(subject: Subject) -> None:
    """An unknown email is an empty answer, not an error."""
    found = await subject.portal.find_contacts(f"{random_word()}@example.com")
    expect(not found, "somebody was found")


@_check
async def email_with_wildcards(subject: Subject) -> None:
    """An email is compared whole: % and _ stand for themselves."""
    local, _, domain = subject.email.partition("@")
    for pattern in (f"_{local[1:]}@{domain}", f"{local[:1]}%@{domain}", f"%@{domain}", f"{local}@"):
        expect(not await subject.portal.find_contacts(pattern), "a pattern found somebody")


@_check
async def contact_by_id(subject: Subject) -> None:
    """A contact is read by id, with the same accounts."""
    contact = subject.found_contact
    again = await subject.portal.contact(contact.contact_id)
    expect(again.contact_id == contact.contact_id, "another contact came")
    expect(again.accounts == contact.accounts, "other accounts came")


@_check
async def unknown_contact(subject: Subject) -> None:
    """An unknown contact is 404."""
    await expect_error(subject.portal.contact(random_word()), (NotFound,), "somebody came")


@_check
async def order_pages(subject: Subject) -> None:
    """Orders come in pages of the length asked for, each once, and all together their total."""
    if not subject.orders:
        raise NothingToCheck("the account has no order")
    await _pages(lambda page, size: subject.portal.orders(subject.reader, page=page, page_size=size))


@_check
async def invoice_pages(subject: Subject) -> None:
    """Invoices come in pages of the length asked for, each once, and all together their total."""
    if not subject.invoices:
        raise NothingToCheck("the account has no invoice")
    await _pages(lambda page, size: subject.portal.invoices(subject.reader, page=page, page_size=size))


async def _pages(ask: Callable[[int, int], Awaitable[Page[ItemT]]]) -> None:
    whole = await ask(1, 100)
    size = max(1, -(-min(whole.total, 100) // 3), -(-whole.total // MOST_PAGES))
    seen: list[str] = []
    for number in range(1, -(-whole.total // size) + 1):
        page = await ask(number, size)
        expect((page.page, page.page_size) == (number, size), "another page, or page length, came than was asked for")
        expect(not page.unread, "a row of the list cannot be read")
        expect(page.total == whole.total, "the total is another from page to page")
        expect(0 < len(page.items) <= size, "a page is empty or too long")
        seen += [item.number for item in page.items]
    expect(len(seen) == whole.total, "the pages hold more or fewer than their total")
    expect(seen[: len(whole.items)] == [item.number for item in whole.items], "the order depends on the page length")
    for past in (-(-whole.total // size) + 1, 10**6):
        page = await ask(past, size)
        expect(not page.items and page.total == whole.total, "a page past the end is not empty, or has another total")


@_check
async def order_by_number(subject: Subject) -> None:
    """An order read by its number is the one that was listed."""
    order = subject.first_order()
    expect(await subject.portal.order(subject.reader, order.number) == order, "it differs")


@_check
async def unknown_order(subject: Subject) -> None:
    """An unknown order is 404."""
    await expect_error(subject.portal.order(subject.reader, random_word()), (NotFound,), "an order came")


@_check
async def orders_searched(subject: Subject) -> None:
    """Orders are searched by number."""
    order = subject.first_order()
    found = await subject.portal.orders(subject.reader, page=1, page_size=100, query=order.number)
    expect(order.number in [each.number for each in found.items], "the order was not found")
    none = await subject.portal.orders(subject.reader, page=1, page_size=10, query=random_word())
    expect(not none.items and not none.total, "nonsense found orders")


@_check
async def newest_invoice_first(subject: Subject) -> None:
    """Invoices come newest first."""
    subject.first_invoice()
    days = [invoice.date for invoice in subject.invoices]
    expect(all(earlier >= later for earlier, later in pairwise(days)), "they do not")


@_check
async def invoice_by_number(subject: Subject) -> None:
    """An invoice read by its number is the one that was listed."""
    invoice = subject.first_invoice()
    expect(await subject.portal.invoice(subject.reader, invoice.number) == invoice, "it differs")


@_check
async def unknown_invoice(subject: Subject) -> None:
    """An unknown invoice is 404, and so is its PDF."""
    number = random_word()
    await expect_error(subject.portal.invoice(subject.reader, number), (NotFound,), "an invoice came")
    await expect_error(_pdf(subject.portal, subject.reader, number), (NotFound,), "a PDF came")


@_check
async def balances(subject: Subject) -> None:
    """A balance is between 0 and the amount; what is paid has none, and a credit note neither."""
    subject.first_invoice()
    for invoice in subject.invoices:
        expect(0 <= invoice.balance <= max(Decimal(0), invoice.amount), "a balance is outside of that")
        expect(invoice.paid_on is None or not invoice.is_unpaid, "an invoice with a paid date has a balance")


@_check
async def by_status(subject: Subject) -> None:
    """Paid and unpaid invoices are told apart, and together are all."""
    subject.first_invoice()
    portal, reader = subject.portal, subject.reader
    unpaid = await portal.invoices(reader, page=1, page_size=100, status=Status.UNPAID)
    paid = await portal.invoices(reader, page=1, page_size=100, status=Status.PAID)
    expect(all(invoice.is_unpaid for invoice in unpaid.items), "among the unpaid is one without a balance")
    expect(not any(invoice.is_unpaid for invoice in paid.items), "among the paid is one with a balance")
    whole = await portal.invoices(reader, page=1, page_size=1)
    expect(unpaid.total + paid.total == whole.total, "together they are not all")


@_check
async def by_date(subject: Subject) -> None:
    """Invoices of a period include those of its first and its last day."""
    day = subject.first_invoice().date
    asked = await subject.portal.invoices(subject.reader, page=1, page_size=100, since=day, until=day)
    expected = [invoice.number for invoice in subject.invoices if invoice.date == day]
    expect([invoice.number for invoice in asked.items] == expected, "others came, or some are missing")


@_check
async def by_order(subject: Subject) -> None:
    """An order's invoices are listed, as many as the order counts."""
    orders = [order for order in subject.orders if order.invoice_count]
    if not orders:
        raise NothingToCheck("no order counts an invoice")
    order = orders[0]
    listed = await subject.portal.invoices(subject.reader, page=1, page_size=100, order=order.number)
    expect(listed.total == order.invoice_count, "the order counts more or fewer")
    expect(all(each.order_number for each in listed.items), "an invoice of an order does not name it")
    none = await subject.portal.invoices(subject.reader, page=1, page_size=10, order=random_word())
    expect(not none.items and not none.total, "an unknown order has invoices")


@_check
async def invoices_searched(subject: Subject) -> None:
    """Invoices are searched by number."""
    invoice = subject.first_invoice()
    found = await subject.portal.invoices(subject.reader, page=1, page_size=100, query=invoice.number)
    expect(invoice.number in [each.number for each in found.items], "the invoice was not found")
    none = await subject.portal.invoices(subject.reader, page=1, page_size=10, query=random_word())
    expect(not none.items and not none.total, "nonsense found invoices")


@_check
async def pdf(subject: Subject) -> None:
    """An invoice's PDF is a whole PDF with an ETag, which the portal then takes for unchanged."""
    number = subject.first_invoice().number
    first = await subject.portal.invoice_pdf(subject.reader, number, language="fr", limit=PDF_LIMIT)
    expect(first is not None, "no PDF came")
    assert first is not None
    if first.etag is None:
        raise PromiseBroken("there is no ETag: every PDF is fetched and sent anew")
    again = await subject.portal.invoice_pdf(
        subject.reader, number, language="fr", known_etag=first.etag, limit=PDF_LIMIT
    )
    expect(again is None, "the same PDF has another ETag at once")
    short = subject.portal.invoice_pdf(subject.reader, number, language="fr", limit=len(first.content) - 1)
    await expect_error(short, (TooLarge,), "it is longer than it was allowed to be")


@_check
async def another_account(subject: Subject) -> None:
    """An account that is not the contact's is 404, whatever is asked of it."""
    foreign = replace(subject.reader, account_id=random_word())
    await _expect_no_access(subject, foreign)
    await _expect_no_access(subject, replace(subject.reader, contact_id=random_word()))


@_check
async def another_customer(subject: Subject) -> None:
    """Nobody sees another customer's account, nor their papers in one's own."""
    mine = {reader.account_id for reader in subject.readers}
    others = [reader for reader in subject.others if reader.account_id not in mine]
    if not others:
        raise NothingToCheck("give --other-email, of somebody on another account")
    for other in others:
        await _expect_no_access(subject, replace(other, contact_id=subject.reader.contact_id))
    own = {invoice.number for invoice in subject.invoices} | {order.number for order in subject.orders}
    for other in others:
        if await _may_see(subject.portal, other, Part.INVOICES):
            theirs = await subject.portal.invoices(other, page=1, page_size=10)
            for invoice in theirs.items:
                if invoice.number not in own:
                    await _expect_no_invoice(subject, subject.reader, invoice.number)


async def _may_see(portal: Portal, reader: Reader, part: Part) -> bool:
    contact = await portal.contact(reader.contact_id)
    return any(part in account.access for account in contact.accounts if account.account_id == reader.account_id)


async def _expect_no_access(subject: Subject, reader: Reader) -> None:
    portal, refused = subject.portal, (NotFound, Forbidden)
    await expect_error(portal.orders(reader, page=1, page_size=10), refused, "a list of orders came")
    await expect_error(portal.invoices(reader, page=1, page_size=10), refused, "a list of invoices came")
    for order in subject.orders[:1]:
        await expect_error(portal.order(reader, order.number), refused, "an order came")
    for invoice in subject.invoices[:1]:
        await _expect_no_invoice(subject, reader, invoice.number)


async def _expect_no_invoice(subject: Subject, reader: Reader, number: str) -> None:
    refused = (NotFound, Forbidden)
    await expect_error(subject.portal.invoice(reader, number), refused, "an invoice came")
    await expect_error(_pdf(subject.portal, reader, number), refused, "a PDF came")


async def _pdf(portal: Portal, reader: Reader, number: str) -> object:
    return await portal.invoice_pdf(reader, number, language="fr", limit=PDF_LIMIT)
