"""When a reminder of an unpaid invoice is due: three days before, and on the day, at nine in the morning."""

import datetime
from zoneinfo import ZoneInfo

from storage.tables import Kind

DAYS_BEFORE = 3
_HOUR = datetime.time(9, 0)


def at_reminding_hour(date: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """Nine o'clock of a day in a zone, in UTC."""
    return datetime.datetime.combine(date, _HOUR, tzinfo=zone).astimezone(datetime.UTC)


def reminding_time(kind: Kind, due_date: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """When a reminder of that kind is to be told."""
    days = DAYS_BEFORE if kind is Kind.REMINDER_BEFORE else 0
    return at_reminding_hour(due_date - datetime.timedelta(days=days), zone)
