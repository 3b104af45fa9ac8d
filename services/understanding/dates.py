"""Read a typed date as the ISO text that a portal's search finds: ``1 octobre 2026``, ``Oct 2026``, ``15.10.2026``."""

import datetime
import re
from typing import TYPE_CHECKING

from services.understanding.normalising import folded, plain_text

if TYPE_CHECKING:
    from services.understanding.questions.catalogue import Catalogue

_MOST_WORDS = 4

_WORDS = {"le", "du", "de", "d", "en", "au", "on", "of", "in", "the", "from", "facture", "factures", "invoice"} | {
    *("invoices", "commande", "commandes", "order", "orders")
}
_NUMERIC = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
_NUMERIC_MONTH = re.compile(r"(\d{1,2})[./-]((?:19|20)\d\d)|((?:19|20)\d\d)[./](\d{1,2})")
_DAYS_AGO = {"today": 0, "yesterday": 1, "before_yesterday": 2}
"""The entries of the questions' calendar that name one day by itself."""


def searched_date(text: str, today: datetime.date, *, month_first: bool) -> str | None:
    """Return the date or the month that a short text names, such as ``2026-10-01`` or ``2026-10``.

    Args:
        today: decides the year that is not typed: that of the last such date.
        month_first: whether ``10/11/2026`` is October 11, as in English, where both readings are dates.

    Returns:
        None for a text that has anything else.
    """
    words = [word for word in re.split(r"[\s,']+", folded(plain_text(text)).strip(" .!?")) if word not in _WORDS]
    if len(words) == 1 and (numeric := _NUMERIC.fullmatch(words[0])):
        first, _, second, third = numeric.groups()
        return _numeric(first, int(second), third, month_first=month_first)
    if len(words) == 1 and (numeric := _NUMERIC_MONTH.fullmatch(words[0])):
        month, year, other_year, other_month = numeric.groups()
        number = int(month or other_month)
        return f"{year or other_year}-{number:02}" if 1 <= number <= 12 else None
    if not words or len(words) > _MOST_WORDS or not any(word.strip(".").isalpha() for word in words):
        return None
    if (day := _day_by_name(text, today)) is not None:
        return day.isoformat()
    names = _catalogue().months
    months = [names[name] for word in words if (name := word.strip(".")) in names]
    days = [int(found[1]) for word in words if (found := re.fullmatch(r"(\d{1,2})(?:er|st|nd|rd|th|e)?", word))]
    years = [int(word) for word in words if re.fullmatch(r"(?:19|20)\d\d", word)]
    if len(months) != 1 or len(days) > 1 or len(years) > 1 or len(words) != 1 + len(days) + len(years):
        return None
    year = years[0] if years else today.year - ((months[0], *days) > (today.month, *([today.day] if days else [])))
    return _iso(year, months[0], days[0]) if days else f"{year}-{months[0]:02}"


def _day_by_name(text: str, today: datetime.date) -> datetime.date | None:
    """Return the day of ``hier`` or ``today``; None for any other text."""
    words = tuple(re.split(r"[\s'-]+", folded(plain_text(text)).strip(" .!?")))
    for name, ago in _DAYS_AGO.items():
        if words in _catalogue().calendar[name].get(words[0], ()):
            return today - datetime.timedelta(days=ago)
    return None


def _catalogue() -> "Catalogue":
    # It takes a tenth of a second to load, which a typed number must not wait for.
    from services.understanding.questions.catalogue import catalogue

    return catalogue()


def _numeric(first: str, middle: int, last: str, *, month_first: bool) -> str | None:
    if len(first) == 4:
        return _iso(int(first), middle, int(last)) if len(last) <= 2 else None
    if len(last) != 4 or len(first) > 2:
        return None
    day_first, other = _iso(int(last), middle, int(first)), _iso(int(last), int(first), middle)
    return (other or day_first) if month_first else (day_first or other)


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None
