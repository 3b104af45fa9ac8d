"""Conditions on columns, for the SQL of each database. Every value is a bound parameter."""

import datetime
import unicodedata
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    Uuid,
    and_,
    cast,
    false,
    func,
    literal,
    or_,
)
from sqlalchemy.dialects.mysql import CHAR as MYSQL_CHAR

from portal.sql.database.address import Dialect
from portal.sql.inspection import View
from portal.sql.views import Kind

Condition = ColumnElement[bool]

_MOST_INTEGER = 2**63 - 1
_ACCENTED = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿ"
_PLAIN = "aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyy"
_DAY = datetime.timedelta(days=1)


def folded(text: object) -> str | None:
    """Return a text without accents and case, to search in: ``Été`` becomes ``ete``."""
    if text is None:
        return None
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", str(text)).casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def is_storable(text: str) -> bool:
    """Whether a database can store the text at all: no NUL, no half of a surrogate pair."""
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


def equals(view: View, name: str, text: str) -> Condition:
    """Compare an id or a number with a text exactly, also where the database ignores case, and with its index."""
    column, kind = view[name], view.kinds[name]
    if not is_storable(text):
        return false()
    if kind in (Kind.INTEGER, Kind.DECIMAL):
        number = _whole(text)
        return false() if number is None else column == literal(number, BigInteger)
    if kind is Kind.UUID:
        try:
            value = uuid.UUID(text)
        except ValueError:
            return false()
        return column == literal(value, Uuid) if str(value) == text else false()
    if kind in (Kind.TEXT, Kind.PADDED):
        return and_(column == literal(text, String), exact(view, name) == exact_value(view, text))
    return cast(column, Text) == literal(text, String)


def equals_any(view: View, name: str, values: Iterable[str]) -> Condition:
    """Compare with several texts, as ``equals`` does."""
    return or_(false(), *(equals(view, name, text) for text in dict.fromkeys(values)))


def same_ignoring_case(view: View, name: str, text: str) -> Condition:
    """Compare with a text ignoring case, for the few rows that are then compared in Python."""
    if not is_storable(text):
        return false()
    if name in view.ignores_case:
        return view[name] == literal(text, String)  # with the index
    return func.lower(as_text(view, name)) == func.lower(literal(text, String))


def contains(view: View, name: str, word: str, *, folds: bool = False) -> Condition:
    """Whether a column has the word in it, in any case.

    Args:
        folds: Ignore accents too, which takes longer.
    """
    text = as_text(view, name)
    if view.dialect is Dialect.POSTGRESQL:
        text = func.translate(text, _ACCENTED, _PLAIN) if folds else text
        text, word = func.lower(text), (folded(word) or "" if folds else word.lower())
    elif view.dialect is Dialect.MYSQL:
        text = cast(text, MYSQL_CHAR(charset="utf8mb4")).collate("utf8mb4_unicode_ci")
    elif folds:
        text, word = func.odobot_fold(text), folded(word) or ""
    return text.like(f"%{escaped(word)}%", escape="/")


def escaped(word: str) -> str:
    """Return a word in which no character is a wildcard of LIKE."""
    return word.replace("/", "//").replace("%", "/%").replace("_", "/_")


def as_text(view: View, name: str) -> ColumnElement[Any]:
    """A column as text, whatever it is."""
    if view.kinds[name] in (Kind.TEXT, Kind.PADDED):
        return view[name]
    return cast(view[name], MYSQL_CHAR if view.dialect is Dialect.MYSQL else Text)


def exact(view: View, name: str) -> ColumnElement[Any]:
    """A column as text that is compared and ordered by its characters, whatever the column's collation."""
    match view.dialect:
        case Dialect.POSTGRESQL:
            return cast(view[name], Text).collate("C")
        case Dialect.SQLITE:
            return cast(view[name], Text).collate("BINARY")
    return cast(cast(view[name], MYSQL_CHAR(charset="utf8mb4")), LargeBinary)


def exact_value(view: View, text: str) -> ColumnElement[Any]:
    """A text to compare ``exact`` with."""
    if view.dialect is Dialect.MYSQL:
        return cast(literal(text.encode(), LargeBinary), LargeBinary)
    return literal(text, String)


def number(view: View, name: str) -> ColumnElement[Any]:
    """A column as a number: SQLite would take any text for more than any number."""
    return cast(view[name], Float) if view.dialect is Dialect.SQLITE else view[name]


def between(view: View, name: str, low: Decimal, high: Decimal) -> Condition:
    """Whether a number, without its sign, is from ``low`` to ``high``."""
    value = func.abs(number(view, name))
    if view.dialect is Dialect.SQLITE:
        return and_(value >= literal(float(low), Float), value <= literal(float(high), Float))
    return and_(value >= literal(low, Numeric(18, 6)), value <= literal(high, Numeric(18, 6)))


def is_true(view: View, name: str) -> Condition:
    """Whether a flag is set; null is not."""
    if view.kinds[name] is Kind.FLAG and view.dialect is Dialect.POSTGRESQL:
        return view[name].is_(True)
    column = cast(view[name], Integer) if view.dialect is Dialect.SQLITE else view[name]  # a text is no
    return func.coalesce(column, 0) != 0


def word(view: View, name: str) -> ColumnElement[Any]:
    """A column of a fixed word, in lower case with underscores, as the models read it; empty for null."""
    text = func.lower(func.trim(as_text(view, name)))
    return func.coalesce(func.replace(func.replace(text, " ", "_"), "-", "_"), "")


def on_or_after(view: View, name: str, day: datetime.date) -> Condition:
    """Whether a date, or the date of a time, is the day or a later one."""
    return view[name] >= _start_of(view, name, day)


def on_or_before(view: View, name: str, day: datetime.date) -> Condition:
    """Whether a date, or the date of a time, is the day or an earlier one."""
    if day >= datetime.date.max:
        return view[name].is_not(None)
    return view[name] < _start_of(view, name, day + _DAY)


def _start_of(view: View, name: str, day: datetime.date) -> ColumnElement[Any]:
    start = datetime.datetime.combine(day, datetime.time())
    match view.kinds[name]:
        case Kind.ZONED:
            return literal(start.replace(tzinfo=datetime.UTC), DateTime(timezone=True))
        case Kind.TIME:
            return literal(start, DateTime)
        case Kind.DAY:
            return literal(day, Date)
    return literal(day.isoformat(), String)  # SQLite


def _whole(text: str) -> int | None:
    """Return the number of a text that is written as a database writes it, or None."""
    if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 19:
        return None
    found = int(text)
    return found if str(found) == text and abs(found) <= _MOST_INTEGER else None
