"""What the plan tells of an open invoice and of an order that ends, and when: at 9:00 of certain days before."""

import datetime
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from portal.models import Invoice, Order, OrderStatus
from storage.notices.plan.rows import Wanted, until_of
from storage.tables import Kind

DAYS_BEFORE = 3
DAYS_BEFORE_END = (90, 30, 7)
REMINDER_TIME = datetime.time(9, 0)


def reminder_time_on(date: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """Return 9:00 of a date in a time zone, in UTC."""
    return datetime.datetime.combine(date, REMINDER_TIME, tzinfo=zone).astimezone(datetime.UTC)


def reminder_day(kind: Kind, due_date: datetime.date) -> datetime.date | None:
    """Return the day of a reminder of this kind; ``None`` for a due date at the beginning of the calendar."""
    try:
        return due_date - datetime.timedelta(days=DAYS_BEFORE if kind is Kind.REMINDER_BEFORE else 0)
    except OverflowError:
        return None


def reminder_time(kind: Kind, due_date: datetime.date, zone: ZoneInfo) -> datetime.datetime | None:
    """Return when to send a reminder of this kind, in UTC.

    Args:
        zone: The time zone of the chat.

    Returns:
        None for a date at the beginning or the end of the calendar, which has no such time.
    """
    day = reminder_day(kind, due_date)
    try:
        return reminder_time_on(day, zone) if day else None
    except OverflowError:
        return None


def reminders_of(invoices: Iterable[Invoice], zone: ZoneInfo) -> list[Wanted]:
    """Return the reminders of the invoices that are unpaid and have a due date, also those whose time is over."""
    return [
        each
        for invoice in invoices
        if invoice.is_unpaid and invoice.due_date is not None
        for kind in (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE)
        if (each := reminder_of(invoice.number, kind, invoice.due_date, zone)) is not None
    ]


def reminder_of(number: str, kind: Kind, due_date: datetime.date, zone: ZoneInfo) -> Wanted | None:
    """Return one reminder of an invoice; ``None`` as in ``reminder_time``."""
    day, at = reminder_day(kind, due_date), reminder_time(kind, due_date, zone)
    on_due_date = reminder_time(Kind.REMINDER_DUE, due_date, zone)
    try:
        if day is None or at is None or on_due_date is None:
            return None
        until = min(until_of(at), on_due_date) if kind is Kind.REMINDER_BEFORE else until_of(at)
    except OverflowError:
        return None
    return Wanted(number, kind, day, at, until)


def endings_of(orders: Iterable[Order], zone: ZoneInfo) -> Iterator[Wanted]:
    """Yield the notices of the ends of orders that go on, also those whose time is over."""
    for order in orders:
        if order.end_date is None or order.status in (OrderStatus.ENDED, OrderStatus.CANCELLED):
            continue
        for days in DAYS_BEFORE_END:
            try:
                day = order.end_date - datetime.timedelta(days=days)
                at = reminder_time_on(day, zone)
                yield Wanted(order.number, Kind.ORDER_ENDING, day, at, until_of(at))
            except OverflowError:
                continue


def ends_as_planned(order: Order, day: datetime.date, zone: ZoneInfo) -> bool:
    """Return whether the end of an order is still announced on this day."""
    return any(each.day == day for each in endings_of([order], zone))
