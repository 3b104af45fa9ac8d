"""Lists that a portal does not filter: its pages are read, up to a limit, and filtered by what their rows say."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Generic

from msgspec import Struct

from portal.client import Portal, Reader
from portal.fields import MOST_ROWS
from portal.models import Invoice, ItemT, Order, OrderStatus, Page, Status

MOST_PAGES = 10
"""Pages of ``MOST_ROWS`` rows that are read for one list."""
_AT_ONCE = 3
"""Calls to the portal at once for one list."""
ENDING_DAYS = 90
"""An order that ends within so many days ends soon; notices begin then, too."""


class InvoiceFilter(StrEnum):
    """Which invoices a list has. The values are in stored buttons, and never change."""

    OVERDUE = "o"
    CANCELLED = "c"
    CREDIT_NOTES = "n"


class OrderFilter(StrEnum):
    """Which orders a list has. The values are in stored buttons, and never change."""

    ENDING = "e"
    ACTIVE = "a"
    ENDED = "d"
    CANCELLED = "c"


class Rows(Struct, Generic[ItemT], frozen=True):
    """The rows of a portal's list. ``unread`` counts those that could not be read.

    ``is_complete`` is False where the portal has more rows than ``MOST_PAGES`` pages; these are the newest then.
    """

    items: tuple[ItemT, ...]
    unread: int = 0
    is_complete: bool = True


class Period(Struct, frozen=True):
    """The days of a period, inclusive; None for no limit."""

    since: datetime.date | None = None
    until: datetime.date | None = None

    def has(self, day: datetime.date | None) -> bool:
        """Return whether a day is in the period; a day that is not known is only in the period without limits."""
        if day is None:
            return self.since is None and self.until is None
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


async def unpaid_invoices(portal: Portal, reader: Reader, period: Period | None = None) -> Rows[Invoice]:
    """Read the open invoices of an account, newest first. Raises ``PortalError``."""
    return await _invoices(portal, reader, Status.UNPAID, period or Period())


async def filtered_invoices(
    portal: Portal, reader: Reader, only: InvoiceFilter, period: Period, today: datetime.date
) -> Rows[Invoice]:
    """Read the invoices that a filter selects: newest first, overdue ones by due date, oldest first.

    Args:
        period: Of the invoices' dates.
        today: The date in the company's time zone.

    Raises:
        PortalError: A page could not be read.
    """
    rows = await _invoices(portal, reader, Status.UNPAID if only is InvoiceFilter.OVERDUE else None, period)
    found = select_invoices(rows.items, only, today)
    if only is InvoiceFilter.OVERDUE:
        found = sorted(found, key=lambda each: each.due_date or today)
    return _with(rows, found)


def select_invoices(invoices: Iterable[Invoice], only: InvoiceFilter, today: datetime.date) -> list[Invoice]:
    """Return the invoices that a filter selects, in the given order. ``today``: in the company's time zone."""
    match only:
        case InvoiceFilter.OVERDUE:
            return [each for each in invoices if is_overdue(each, today)]
        case InvoiceFilter.CANCELLED:
            return [each for each in invoices if each.is_cancelled]
        case InvoiceFilter.CREDIT_NOTES:
            return [each for each in invoices if each.is_credit_note]


def select_orders(rows: Rows[Order], only: OrderFilter | None, period: Period, today: datetime.date) -> Rows[Order]:
    """Return the orders that a filter selects: in the given order, those that end soon by end date.

    Args:
        rows: Of ``all_orders``.
        only: None selects by the period alone.
        period: Of the end dates for ``ENDING`` and ``ENDED``, of the start dates otherwise. Without one, ``ENDING``
            means within ``ENDING_DAYS``.
        today: The date in the company's time zone.
    """
    match only:
        case OrderFilter.ENDING:
            soon = period if period != Period() else Period(today, today + datetime.timedelta(days=ENDING_DAYS))
            return _with(rows, [each for each in future_ends(rows.items, today) if soon.has(each.end_date)])
        case OrderFilter.ENDED:
            ended = (each for each in rows.items if _has_ended(each, today))
            return _with(rows, [each for each in ended if period.has(each.end_date)])
        case OrderFilter.ACTIVE:
            found = [each for each in rows.items if not _is_cancelled(each) and not _has_ended(each, today)]
        case OrderFilter.CANCELLED:
            found = [each for each in rows.items if _is_cancelled(each)]
        case None:
            found = list(rows.items)
    return _with(rows, [each for each in found if period.has(each.start_date)])


async def all_orders(portal: Portal, reader: Reader) -> Rows[Order]:
    """Read the orders of an account, newest first. Raises ``PortalError``."""
    return await read_pages(lambda page: portal.orders(reader, page=page, page_size=MOST_ROWS))


def future_ends(orders: Iterable[Order], today: datetime.date) -> list[Order]:
    """Return the orders that end today or later, soonest first."""
    running = [each for each in orders if not _is_cancelled(each) and not _has_ended(each, today)]
    dated = [(each.end_date, each) for each in running if each.end_date is not None]
    return [each for _, each in sorted(dated, key=lambda pair: pair[0])]


def is_overdue(invoice: Invoice, today: datetime.date) -> bool:
    """Return whether an invoice is to pay, and its due date is before today."""
    return invoice.is_unpaid and invoice.due_date is not None and invoice.due_date < today


def page_of(rows: Rows[ItemT], page: int, size: int) -> Page[ItemT]:
    """Return a page of the rows; one after the last is the last."""
    last = max(1, -(-len(rows.items) // size))
    page = min(max(page, 1), last)
    shown = rows.items[(page - 1) * size : page * size]
    return Page.model_construct(items=shown, unread=rows.unread, page=page, page_size=size, total=len(rows.items))


async def read_pages(read: Callable[[int], Awaitable[Page[ItemT]]]) -> Rows[ItemT]:
    """Read up to ``MOST_PAGES`` pages of a list; ``read`` takes the number of a page. Raises ``PortalError``."""
    first = await read(1)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def later(number: int) -> Page[ItemT]:
        async with slots:
            return await read(number)

    pages = [first, *await asyncio.gather(*(later(number) for number in range(2, min(first.last, MOST_PAGES) + 1)))]
    # A list that changes meanwhile may have a row on two pages.
    items = {item.number: item for page in pages for item in page.items}  # type: ignore[attr-defined]
    return Rows(tuple(items.values()), sum(page.unread for page in pages), first.last <= MOST_PAGES)


async def _invoices(portal: Portal, reader: Reader, status: Status | None, period: Period) -> Rows[Invoice]:
    return await read_pages(
        lambda page: portal.invoices(
            reader, page=page, page_size=MOST_ROWS, status=status, since=period.since, until=period.until
        )
    )


def _with(rows: Rows[ItemT], items: Iterable[ItemT]) -> Rows[ItemT]:
    return Rows(tuple(items), rows.unread, rows.is_complete)


def _is_cancelled(order: Order) -> bool:
    return order.status is OrderStatus.CANCELLED


def _has_ended(order: Order, today: datetime.date) -> bool:
    if order.status is OrderStatus.ENDED:
        return True
    return not _is_cancelled(order) and order.end_date is not None and order.end_date < today
