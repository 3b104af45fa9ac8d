"""Computes when reminders of an unpaid invoice are sent: at 9:00, three days before the due date and on it."""

import datetime
from zoneinfo import ZoneInfo

from storage.tables import Kind

DAYS_BEFORE = 3
_HOUR = datetime.time(9, 0)


def reminder_time_on(date: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """Return 9:00 of a date in a time zone, in UTC."""
    return datetime.datetime.combine(date, _HOUR, tzinfo=zone).astimezone(datetime.UTC)


def reminder_time(kind: Kind, due_date: datetime.date, zone: ZoneInfo) -> datetime.datetime | None:
    """Return when to send a reminder of this kind, in UTC.

    Args:
        zone: The time zone of the chat.

    Returns:
        None for a date at the beginning or the end of the calendar, which has no such time.
    """
    days = DAYS_BEFORE if kind is Kind.REMINDER_BEFORE else 0
    try:
        return reminder_time_on(due_date - datetime.timedelta(days=days), zone)
    except OverflowError:
        return None
