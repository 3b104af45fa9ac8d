"""The checks of the lists of orders and invoices, and of single ones read by number."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

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
from portal.conformance.contents import PDF_LIMIT, identity, made_up_like, spread
from portal.errors import NotFound
from portal.models import Invoice, InvoiceStatus, Order, Page, Part, Status

LIST_CHECKS: list[Check] = []

ItemT = TypeVar("ItemT", Order, Invoice)
_check = register_in(LIST_CHECKS)
_LARGEST_PAGE = 100
_ENDED = (InvoiceStatus.CANCELLED, InvoiceStatus.CREDITED)


@_check
async def order_pages(subject: Subject) -> None:
    """Orders come in pages of the length asked for, each once, and all together their total."""
    if not subject.orders:
        raise NothingToCheck("the account has no order")
    await _pages_twice(lambda page, size: subject.portal.orders(subject.reader, page=page, page_size=size))


@_check
async def invoice_pages(subject: Subject) -> None:
    """Invoices come in pages of the length asked for, each once, and all together their total."""
    if not subject.invoices:
        raise NothingToCheck("the account has no invoice")
    await _pages_twice(lambda page, size: subject.portal.invoices(subject.reader, page=page, page_size=size))


async def _pages_twice(ask: Callable[[int, int], Awaitable[Page[ItemT]]]) -> None:
    """Check the pages; once more where they differ, since a paper may have been added between two pages."""
    try:
        await _pages(ask)
    except PromiseBroken:
        await _pages(ask)


async def _pages(ask: Callable[[int, int], Awaitable[Page[ItemT]]]) -> None:
    whole = await ask(1, _LARGEST_PAGE)
    size = min(_LARGEST_PAGE, max(1, -(-min(whole.total, 100) // 3), -(-whole.total // MOST_PAGES)))
    last = -(-whole.total // size)
    seen: list[ItemT] = []
    for number in range(1, min(last, MOST_PAGES) + 1):
        page = await ask(number, size)
        expect((page.page, page.page_size) == (number, size), "another page, or page length, came than was asked for")
        expect(not page.unread, "a row of the list cannot be read")
        expect(page.total == whole.total, "the total is another from page to page")
        expect(0 < len(page.items) <= size, "a page is empty or too long")
        seen += page.items
    expected = whole.total if last <= MOST_PAGES else MOST_PAGES * size
    expect(len(seen) == expected, "the pages hold more or fewer than their total")
    expect(len({identity(item) for item in seen}) == len(seen), "one is on two pages, or twice on one")
    first = [identity(item) for item in whole.items]
    expect([identity(item) for item in seen][: len(first)] == first, "the order depends on the page length")
    for past in (last + 1, 10**6):
        page = await ask(past, size)
        expect(not page.items and page.total == whole.total, "a page past the end is not empty, or has another total")


@_check
async def order_by_number(subject: Subject) -> None:
    """An order read by its number is the one that was listed."""
    subject.first_order()
    listed = [order.number for order in subject.orders]
    for order in spread([order for order in subject.orders if listed.count(order.number) == 1], 3):
        expect(await subject.portal.order(subject.reader, order.number) == order, "it differs")


@_check
async def unknown_order(subject: Subject) -> None:
    """An unknown order is 404."""
    subject.require(Part.ORDERS)
    for number in (random_word(), *(made_up_like(order.number) for order in subject.orders[:1])):
        await expect_error(subject.portal.order(subject.reader, number), (NotFound,), "an order came")


@_check
async def newest_order_first(subject: Subject) -> None:
    """Orders come newest first."""
    days = [order.start_date for order in subject.orders if order.start_date]
    if len(set(days)) < 2:
        raise NothingToCheck("no two orders start on different days")
    # A portal may sort by another date, such as that of the signature: only the opposite order is wrong for certain.
    pairs = [(one, other) for place, one in enumerate(days) for other in days[place + 1 :] if one != other]
    older_first = sum(one < other for one, other in pairs)
    expect(2 * older_first <= len(pairs), "those that start earlier come first")


@_check
async def newest_invoice_first(subject: Subject) -> None:
    """Invoices come newest first."""
    subject.first_invoice()
    expect(is_newest_first(subject.invoices), "they do not")
    for status in Status:
        listed = await subject.portal.invoices(subject.reader, page=1, page_size=100, status=status)
        expect(is_newest_first(listed.items), f"those that are {status.value} do not")


def is_newest_first(invoices: Sequence[Invoice]) -> bool:
    """Whether no invoice stands before one with a later date."""
    days: list[date] = [invoice.date for invoice in invoices]
    return all(earlier >= later for earlier, later in pairwise(days))


@_check
async def invoice_by_number(subject: Subject) -> None:
    """An invoice read by its number is the one that was listed."""
    subject.first_invoice()
    listed = [invoice.number for invoice in subject.invoices]
    for invoice in spread([each for each in subject.invoices if listed.count(each.number) == 1], 4):
        expect(await subject.portal.invoice(subject.reader, invoice.number) == invoice, "it differs")


@_check
async def unknown_invoice(subject: Subject) -> None:
    """An unknown invoice is 404, and so is its PDF."""
    subject.require(Part.INVOICES)
    for number in (random_word(), *(made_up_like(invoice.number) for invoice in subject.invoices[:1])):
        await expect_error(subject.portal.invoice(subject.reader, number), (NotFound,), "an invoice came")
        made = subject.portal.invoice_pdf(subject.reader, number, language="fr", limit=PDF_LIMIT)
        await expect_error(made, (NotFound,), "a PDF came")


@_check
async def owner_of_papers(subject: Subject) -> None:
    """An order or invoice that names its account or contact names the ones that were asked for."""
    if not subject.orders and not subject.invoices:
        raise NothingToCheck("the account has no order and no invoice")
    for contents in (*subject.own, *subject.others):
        owner = contents.reader
        for paper in (paper for part in Part for paper in contents.papers(part)):
            expect(paper.account_id in (None, owner.account_id), "one names another account")
            expect(paper.contact_id in (None, owner.contact_id), "one names another contact")


@_check
async def balances(subject: Subject) -> None:
    """A balance is between 0 and the amount; what is paid has none, and a credit note neither."""
    subject.first_invoice()
    for invoice in subject.invoices:
        expect(0 <= invoice.balance <= max(Decimal(0), invoice.amount), "a balance is outside of that")
        expect(invoice.paid_on is None or not invoice.is_unpaid, "an invoice with a paid date has a balance")
        expect(
            invoice.status is not InvoiceStatus.PAID or not invoice.balance, "one with the status paid has a balance"
        )


@_check
async def by_status(subject: Subject) -> None:
    """Paid and unpaid invoices are told apart, and what is cancelled or credited is neither."""
    subject.first_invoice()
    portal, reader = subject.portal, subject.reader
    unpaid = await portal.invoices(reader, page=1, page_size=100, status=Status.UNPAID)
    paid = await portal.invoices(reader, page=1, page_size=100, status=Status.PAID)
    for listed, name in ((unpaid, "unpaid"), (paid, "paid")):
        ended = any(invoice.state in _ENDED for invoice in listed.items)
        expect(not ended, f"among the {name} is one that was cancelled or credited")
    expect(all(invoice.is_unpaid for invoice in unpaid.items), "among the unpaid is one without a balance")
    expect(not any(invoice.is_unpaid for invoice in paid.items), "among the paid is one with a balance")
    current = [invoice for invoice in subject.invoices if invoice.state not in _ENDED]
    for listed, expected in (
        (unpaid, [invoice for invoice in current if invoice.is_unpaid]),
        (paid, [invoice for invoice in current if not invoice.is_unpaid]),
    ):
        missing = {identity(invoice) for invoice in expected} - {identity(invoice) for invoice in listed.items}
        expect(not missing, "one that is paid or unpaid is in neither list")
        if subject.main.is_whole(Part.INVOICES):
            expect(listed.total == len(expected), "together they are not all")
