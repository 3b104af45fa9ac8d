"""What a search finds: each word of a query in a number, a text, a date or an amount, in the forms that people type."""

import calendar
import datetime
import re
from collections.abc import Callable, Iterator
from decimal import Decimal

from sqlalchemy import and_, extract, false, or_

from portal.sql.conditions import Condition, between, contains, folded, is_storable, on_or_after, on_or_before
from portal.sql.inspection import View

_MOST_WORDS = 8
_NOISE = {"$", "CAD", "cad", "€"}
_SPACED = re.compile(r"(?<!\S)[-–]?\d{1,3}(?:\s\d{3})+(?:[.,]\d{1,2})?(?!\S)")
"""``1 293,08``: a number of several words."""
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?", re.ASCII)
_AMOUNT = re.compile(r"\d{1,12}(?:[.,]\d{1,2})?", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})(?:([-/.])(\d\d?)(?:\2(\d\d?))?)?|(\d{4})(\d\d)(\d\d)", re.ASCII)
_YEAR_LAST = re.compile(r"(?:(\d\d?)([-/.]))?(\d\d?)[-/.](\d{4})", re.ASCII)
_MONTHS = (
    *("january janvier", "february fevrier", "march mars", "april avril", "may mai", "june juin", "july juillet"),
    *("august aout", "september septembre", "october octobre", "november novembre", "december decembre"),
)
_HALF_CENT = Decimal("0.005")

FindText = Callable[[str], Condition]


def matches(view: View, query: str, texts: FindText, *, days: tuple[str, ...], amount: str = "") -> Condition | None:
    """Return the condition of a search, or None for an empty query.

    Args:
        view: The view of the orders or invoices.
        query: What a person typed; each of its first 8 words must be found.
        texts: Returns the condition that a word is in one of the texts.
        days: The columns of dates.
        amount: The column of the amount; empty for none.
    """
    if not is_storable(query):
        return false()

    def found(word: str) -> Condition:
        dated = [_in_period(view, name, period) for name in days if view.has(name) for period in _periods(word)]
        priced = [between(view, amount, *bounds) for bounds in _amounts(word) if amount and view.has(amount)]
        return or_(texts(word), *dated, *_in_month(view, word, days), *priced)

    conditions = []
    for words in _groups(query):
        whole = "".join(words)
        is_amount = len(words) > 1 and ("," in whole or "." in whole)
        single = found(whole) if is_amount else and_(*(found(word) for word in words))
        conditions.append(or_(single, found(whole)) if len(words) > 1 and not is_amount else single)
    return and_(*conditions[:_MOST_WORDS]) if conditions else None


def in_texts(view: View, word: str, names: tuple[str, ...]) -> Condition:
    """Whether a word is in one of the columns that the view has."""
    return or_(false(), *(contains(view, name, word) for name in names if view.has(name)))


def _groups(query: str) -> Iterator[list[str]]:
    """Yield the words one by one, and the words of one number together."""
    place = 0
    for spaced in _SPACED.finditer(query):
        yield from ([word] for word in query[place : spaced.start()].split() if word not in _NOISE)
        yield spaced.group().split()
        place = spaced.end()
    yield from ([word] for word in query[place:].split() if word not in _NOISE)


def _periods(word: str) -> Iterator[tuple[datetime.date, datetime.date]]:
    """Yield the first and the last day of a year, a month or a day that the word means.

    ``2026``, ``2026-10``, ``10/2026``, ``2026-10-15``, ``20261015``, ``15/10/2026``; none for ``10/11/2026``.
    """
    if found := _YEAR_FIRST.fullmatch(word):
        year, _, month, day, *compact = found.groups()
        readings = {tuple(compact) if compact[0] else (year, month, day)}
    elif found := _YEAR_LAST.fullmatch(word):
        day, _, month, year = found.groups()
        readings = {(year, month, day), (year, day, month)} if day else {(year, month, None)}
    else:
        return
    periods = {period for reading in readings if (period := _period(*reading))}
    if len(periods) == 1:
        yield from periods


def _period(year: str, month: str | None, day: str | None) -> tuple[datetime.date, datetime.date] | None:
    try:
        first = datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if day:
        return first, first
    last_month = first.month if month else 12
    return first, datetime.date(first.year, last_month, calendar.monthrange(first.year, last_month)[1])


def _in_month(view: View, word: str, days: tuple[str, ...]) -> list[Condition]:
    """Whether a date is in a month whose French or English name begins with the word."""
    begin = folded(word) or ""
    months = [n for n, names in enumerate(_MONTHS, 1) if any(name.startswith(begin) for name in names.split())]
    if len(begin) < 3 or not months:
        return []
    return [extract("month", view[name]).in_(months) for name in days if view.has(name)]


def _in_period(view: View, name: str, period: tuple[datetime.date, datetime.date]) -> Condition:
    return and_(on_or_after(view, name, period[0]), on_or_before(view, name, period[1]))


def _amounts(word: str) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield the least and the largest amount of a word: ``293,08``, ``$1,293.08``; ``293`` has any cents."""
    text = word.strip("$€-–")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not _AMOUNT.fullmatch(text):
        return
    amount = Decimal(text.replace(",", "."))
    if amount == int(amount) and "." not in text and "," not in text:
        yield amount, amount + 1 - 2 * _HALF_CENT
    else:
        yield amount - _HALF_CENT, amount + _HALF_CENT
