"""A point in a period (a day, a month, a quarter, a year), and the days that it stands for, seen from today."""

import calendar
import datetime
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

_FIRST_YEAR, _LAST_YEAR = 2000, 2099


class Span(Struct, frozen=True):
    """Days, inclusive; None where it is open. ``is_day``: a text names a single day."""

    start: datetime.date | None
    end: datetime.date | None
    is_day: bool = False


class Point(Struct, frozen=True):
    """A date as it was written, with what was left out.

    Args:
        year: From 2000 to 2099, or None.
        month: The first month, or None for a year or a day of a month to be found.
        day: The day, or None for whole months.
        months: How many months it has: 1, or 3 for a quarter, 6 for a half, 12 for a year.
        fixed: The days, for a point that does not depend on others: ``last month``.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    months: int = 1
    fixed: Span | None = None


def span_of(point: Point, today: datetime.date) -> Span | None:
    """Return the days of a point; the latest that has begun where its year is left out. None for no such day."""
    if point.fixed:
        return point.fixed
    if point.day is not None and point.month is None:
        found = next((day for day in _months_back(today, 0, 3) if _day(day.year, day.month, point.day, today)), None)
        return _span(replace(point, year=found.year, month=found.month)) if found else None
    if point.year is None:
        years = range(today.year, today.year - 9, -1)
        spans = (_span(replace(point, year=year)) for year in years)
        return next((span for span in spans if span and span.start and span.start <= today), None)
    return _span(point)


def _day(year: int, month: int, day: int, last: datetime.date) -> datetime.date | None:
    """Return a day that exists and is not after ``last``."""
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    found = datetime.date(year, month, day)
    return found if found <= last else None


def _months_back(today: datetime.date, first: int, count: int) -> list[datetime.date]:
    return [shifted(today.replace(day=1), -months) for months in range(first, first + count)]


def _span(point: Point) -> Span | None:
    """Return the days of a point with a year. None for a day that does not exist, or a year out of reach."""
    if point.year is None or not _FIRST_YEAR <= point.year <= _LAST_YEAR:
        return None
    first = point.month or 1
    if point.day is not None:
        if not 1 <= point.day <= calendar.monthrange(point.year, first)[1]:
            return None
        day = datetime.date(point.year, first, point.day)
        return Span(day, day, is_day=True)
    months = point.months if point.month else 12
    start = datetime.date(point.year, first, 1)
    return Span(start, shifted(start, months) - datetime.timedelta(days=1))


def shifted(day: datetime.date, months: int) -> datetime.date:
    """Return the day so many months later, or the last of a shorter month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def range_of(first: Point, last: Point, today: datetime.date) -> Span | None:
    """Return the days from one point to another; what one leaves out is taken from the other. None if impossible."""
    first, last = _completed(first, last)
    start: Span | None
    end: Span | None
    if first.year is None and not first.fixed and (last.year is not None or last.fixed):
        end = span_of(last, today)
        start = _latest(first, end, today)
    elif last.year is None and not last.fixed and (first.year is not None or first.fixed):
        start = span_of(first, today)
        end = _earliest(last, start, today)
    else:
        end = span_of(last, today)
        both_open = first.year is None and not first.fixed
        start = _latest(first, end, today) if both_open else span_of(first, today)
    if start is None or end is None or start.start is None or end.end is None:
        return None
    if start.start > end.end and start.end and end.start:
        start, end = end, start
    return Span(start.start, end.end)


def _completed(first: Point, last: Point) -> tuple[Point, Point]:
    """Give a point without a month the month and year of the other: ``from the 1st to the 15th of May``."""
    if first.day is not None and first.month is None and last.month is not None:
        first = replace(first, month=last.month, year=last.year)
    elif last.day is not None and last.month is None and first.month is not None:
        last = replace(last, month=first.month, year=first.year)
    return first, last


def _latest(point: Point, limit: Span | None, today: datetime.date) -> Span | None:
    """Return the latest days of a point that begin no later than ``limit`` does."""
    return span_of(point, limit.start if limit and limit.start else today)


def _earliest(point: Point, limit: Span | None, today: datetime.date) -> Span | None:
    """Return the first days of a point that begin no earlier than ``limit`` does."""
    if limit is None or limit.start is None or point.month is None:
        return span_of(point, today)
    spans = (_span(replace(point, year=limit.start.year + more)) for more in range(9))
    return next((span for span in spans if span and span.start and span.start >= limit.start), None)


def since(span: Span) -> Span:
    """Return the days from the first one on."""
    return Span(span.start, None)


def after(span: Span) -> Span:
    """Return the days after the last one."""
    return Span(span.end + datetime.timedelta(days=1) if span.end else None, None)


def before(span: Span) -> Span:
    """Return the days before the first one."""
    return Span(None, span.start - datetime.timedelta(days=1) if span.start else None)


def until(span: Span) -> Span:
    """Return the days up to the last one."""
    return Span(None, span.end)


Open = Callable[[Span], Span]
OPEN: dict[str, Open] = {
    "older": before, "newer": since, "since": since, "after": after, "before": before, "until": until,
}  # fmt: skip
"""By the calendar's name of the words before a point: the days that are meant."""


def relative(unit: str, offset: int, today: datetime.date) -> Span:
    """Return the day, week, month, quarter, half or year, ``offset`` of them from today's: -1 is the last one."""
    if unit in ("day", "week"):
        start = today if unit == "day" else today - datetime.timedelta(days=today.weekday())
        days = 1 if unit == "day" else 7
        start += datetime.timedelta(days=days * offset)
        return Span(start, start + datetime.timedelta(days=days - 1), is_day=unit == "day")
    months = UNIT_MONTHS[unit]
    first = today.replace(month=(today.month - 1) // months * months + 1, day=1)
    start = shifted(first, months * offset)
    return Span(start, shifted(start, months) - datetime.timedelta(days=1))


def back(unit: str, count: int, today: datetime.date) -> Span:
    """Return the days from ``count`` units ago to today."""
    if unit in ("day", "week"):
        return Span(today - datetime.timedelta(days=count * (1 if unit == "day" else 7)), today)
    return Span(shifted(today, -count * UNIT_MONTHS[unit]), today)


UNIT_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
UNITS = ("day", "week", *UNIT_MONTHS)
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}
"""The first of the three months of each, by the calendar's name, as Québec's weather has them."""
