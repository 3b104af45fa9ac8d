"""Searches orders and invoices by number, word, date and amount, in the forms that people type.

A row matches where it has every word of the query, as a part of one of its texts. Case, accents and the kind of dash
and space do not count. A text of an amount or a date is:

- an amount with a decimal comma or point, with or without a separator of thousands and a sign ($, €, £): ``40,19``,
  ``$1,293.08``, ``1 293,08 $``;
- a date or a month where it has one meaning: ``2026-10-15``, ``15/10/2026``, ``2026-10``, ``10/2026``, and the month's
  name in French or English, ``oct 2026``. ``10/11/2026`` has two, and finds nothing as a date.
"""

import datetime
import re
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal

from portal.models import Invoice, Order

_MONTHS = (
    *("january janvier", "february fevrier", "march mars", "april avril", "may mai", "june juin", "july juillet"),
    *("august aout", "september septembre", "october octobre", "november novembre", "december decembre"),
)
_SIGNS = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-") | {"\u0153": "oe", "\u00e6": "ae"}
)
_GROUPED = re.compile(r"(?<!\S)(-?[$€£]?\d{1,3}(?: \d{3})+)(?=[.,]\d{1,2}(?!\d))", re.ASCII)
"""An amount with spaces between the thousands. Without decimals it may also be two words."""
_CURRENCY = re.compile(r"^(-?)[$€£]|[$€£]$")
_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})", re.ASCII)
_MONTH_LAST = re.compile(r"(\d{1,2})[./-](\d{4})", re.ASCII)
_MONTH_FIRST = re.compile(r"(\d{4})[./](\d{1,2})", re.ASCII)


def matcher(query: str) -> Callable[[Order | Invoice], bool]:
    """Return a function that says whether an order or an invoice matches a query; an empty query matches each."""
    words = [(word, *_as_dates(word)) for word in _words(query)]
    return lambda paper: not words or _has_all(_searched(paper), words)


def _has_all(text: str, words: Iterable[tuple[str, ...]]) -> bool:
    return all(any(form in text for form in forms) for forms in words)


def _words(query: str) -> list[str]:
    joined = _GROUPED.sub(lambda found: found[1].replace(" ", ""), _fold(query))
    words = (_CURRENCY.sub(r"\1", word).rstrip(".,;:") for word in joined.split())
    return [word for word in words if word]


def _searched(paper: Order | Invoice) -> str:
    """Return every text of a row, folded. No word has a line break, so none matches over two texts."""
    if isinstance(paper, Order):
        texts = [paper.number, paper.title, *(line.description for line in paper.lines)]
        days, amount, currency = [paper.start_date, paper.end_date], paper.amount, paper.currency
    else:
        texts = [paper.number, paper.order_number, paper.payment_reference]
        days, amount, currency = [paper.date, paper.due_date, paper.paid_on], paper.amount, paper.currency
    texts += [f"{day.isoformat()}\n{_MONTHS[day.month - 1]}" for day in days if day]
    texts += [*_amounts(amount), currency] if amount is not None else []
    return _fold("\n".join(text for text in texts if text))


def _amounts(amount: Decimal) -> list[str]:
    plain = f"{amount:.2f}"
    exact = f"{amount:f}"
    return [plain, plain.replace(".", ","), f"{amount:,.2f}", exact, exact.replace(".", ",")]


def _as_dates(word: str) -> list[str]:
    """Return the ISO form of a date or a month, if it has one meaning."""
    if found := _DATE.fullmatch(word):
        first, _, second, last = found.groups()
        if len(first) == 4:
            readings = {_iso(first, second, last)}
        else:
            readings = {_iso(last, second, first), _iso(last, first, second)} if len(last) == 4 else set()
        known = readings - {""}
        return list(known) if len(known) == 1 else []
    for pattern, month_at, year_at in ((_MONTH_LAST, 1, 2), (_MONTH_FIRST, 2, 1)):
        if found := pattern.fullmatch(word):
            day = _iso(found[year_at], found[month_at], "1")
            return [day.removesuffix("-01")] if day else []
    return []


def _iso(year: str, month: str, day: str) -> str:
    try:
        return datetime.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def _fold(text: str) -> str:
    """Return a text without accents and case, with ASCII's dash and space; line breaks stay."""
    if text.isascii():
        return text.lower()
    signs = unicodedata.normalize("NFKD", text).casefold().translate(_SIGNS)
    return "".join(c for c in unicodedata.normalize("NFKD", signs) if not unicodedata.combining(c))
