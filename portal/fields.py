"""How fields of the portal's data are read: whatever has one certain meaning is read, the rest is refused.

Public, for every adapter: the types of the fields, and rows that are read each by itself.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

import structlog
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from portal.parsing import ModelT, fields_of

log = structlog.get_logger()

MOST_ROWS = 100
"""The most orders, invoices, contacts or menu entries in one answer; ``page_size`` is at most that."""
MOST_COUNT = 2**63 - 1
"""The largest page number, page size and total that are read."""

_DATE = re.compile(r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?:[Tt ].*)?|(\d{4})(\d\d)(\d\d)", re.ASCII)
_PLAIN_DATE = re.compile(r"[1-9]\d{3}-\d\d-\d\d", re.ASCII)
_NO_DATES = {"", "0000-00-00", "0001-01-01"}
_PLAIN_AMOUNT = re.compile(r"(?:-(?=[\d.]*[1-9]))?\d{1,12}(?:\.\d{1,6})?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{1,2}", re.ASCII)
_DECIMAL_PLACES = Decimal("0.000001")
_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_MOST_FLOAT = 2**53
"""Above it, a JSON number that passed through a floating-point number may be another one."""


def _as_text(value: object) -> object:
    """Read a whole number as its decimal text, and a text without the spaces around it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_FLOAT:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_COUNT:
        return str(value)
    return value


def _as_id(value: object) -> object:
    """Read a whole number as its decimal text. The spaces around a text may be a part of the id."""
    return value if isinstance(value, str) else _as_text(value)


def _decimal(value: object) -> object:
    """Read an amount from a text, or a JSON number, which may have more decimals than were meant: 33.333333333333336.

    Spaces inside are dropped. A comma is read where it has one meaning: ``1,293.08`` or ``293,08``.
    """
    if isinstance(value, str) and _PLAIN_AMOUNT.fullmatch(value):  # as the contract has it
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return value
    text = re.sub(r"\s", "", str(value))
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        amount = Decimal(text)
        if not amount.is_finite():
            return value
        if isinstance(amount.as_tuple().exponent, int) and amount.as_tuple().exponent < -6:  # type: ignore[operator]
            amount = amount.quantize(_DECIMAL_PLACES, ROUND_HALF_EVEN).normalize()
            amount = amount if amount.as_tuple().exponent <= 0 else amount.quantize(Decimal(1))  # type: ignore[operator]
    except (InvalidOperation, ValueError):
        return value
    return abs(amount) if amount == 0 else amount


def _day(value: object) -> object:
    """Read the date of a text: ``2026-10-15``, ``20261015``, or with a time, which does not change the date.

    A number is refused: pydantic would read it as seconds since 1970. So is ``01/02/2026``, which has two meanings.
    """
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str) and _PLAIN_DATE.fullmatch(value):  # as the contract has it
        return value
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a date like 2026-10-15")
    return "-".join(part.zfill(2) for part in found.groups() if part is not None)


def _day_or_none(value: object) -> object:
    if value is None:
        return None
    return None if isinstance(value, str) and value.strip()[:10] in _NO_DATES else _day(value)


def _text_or_none(value: object) -> object:
    """Read a text; None for an empty one and for any other type, because the field only completes the others."""
    if value is None:
        return None
    text = _as_text(value)
    return text if isinstance(text, str) and text else None


def _currency(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _share(value: object) -> float | None:
    """Read a percentage; None for what is none."""
    number = _decimal(value.strip().removesuffix("%") if isinstance(value, str) else value)
    return float(number) if isinstance(number, Decimal) and 0 <= number <= 100 else None


def _whole_or_none(value: object) -> int | None:
    number = _decimal(value)
    return int(number) if isinstance(number, Decimal) and number == int(number) and number >= 0 else None


def or_default(default: object) -> BeforeValidator:
    """Read null as the field's default."""
    return BeforeValidator(lambda value: default if value is None else value)


Number = Annotated[str, StringConstraints(min_length=1, max_length=100), BeforeValidator(_as_text)]
"""The number of an order or an invoice: text that need not be digits."""
Id = Annotated[str, BeforeValidator(_as_id)]
"""The id of a contact or an account."""
Day = Annotated[date, BeforeValidator(_day)]
OptionalDay = Annotated[date | None, BeforeValidator(_day_or_none)]
OptionalText = Annotated[str | None, BeforeValidator(_text_or_none)]
Percentage = Annotated[float | None, Field(ge=0, le=100), BeforeValidator(_share)]
OptionalCount = Annotated[int | None, BeforeValidator(_whole_or_none)]


def words_of(words: type[StrEnum]) -> BeforeValidator:
    """Drop the words that a newer portal adds; null means every word."""
    known = set(words)

    def chosen(items: object) -> list[str]:
        if items is None:
            return list(words)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError("expected a list of words")
        return [item for item in items if item in known]

    return BeforeValidator(chosen)


unread_rows: Counter[str] = Counter()
"""Rows that this process could not read, by the name of their model, since the start; for the metrics."""
_LOGGED_PLACES = 20


def each(model: type[BaseModel], most: int) -> BeforeValidator:
    """Validate each row of a list by itself. An invalid row is dropped, counted, and logged by its place.

    Otherwise an invalid row would turn the answer into an error, which tells a stranger that the address is known.

    Args:
        model: The model of a row.
        most: Rows after the first ``most`` are dropped too.
    """

    def readable(items: object) -> object:
        if not isinstance(items, list | tuple):
            return () if items is None else items
        return readable_rows(model, items, most)

    return BeforeValidator(readable)


def readable_rows(model: type[ModelT], items: Sequence[object], most: int) -> list[ModelT]:
    """Return the rows that can be read, as in ``each``."""
    return [row for row in rows_or_none(model, items, most) if row is not None]


def rows_or_none(model: type[ModelT], items: Sequence[object], most: int, *, first: int = 0) -> list[ModelT | None]:
    """Return the first ``most`` rows in their places, as in ``each``, with None for one that cannot be read.

    ``first`` is the place of the first row, for the log, where ``items`` are a part of a longer list.
    """
    rows: list[ModelT | None] = []
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items[:most], first):
        try:
            rows.append(model.model_validate(item))
        except ValidationError as error:
            rows.append(None)
            places.setdefault(fields_of(error), []).append(place)
    if len(items) > most:
        places["too many rows"] = list(range(first + most, first + len(items)))
    for fields, skipped in places.items():
        unread_rows[model.__name__] += len(skipped)
        shown = skipped[:_LOGGED_PLACES]
        log.warning("portal.row_skipped", model=model.__name__, fields=fields, rows=len(skipped), places=shown)
    return rows


def blank_is_none(value: object) -> object:
    """Read an empty text as null."""
    return None if isinstance(value, str) and not value.strip() else value


def email_key(email: str) -> str:
    """Return what two email addresses have in common that are the same: without spaces around, A-Z in lower case.

    Full case folding would make the kelvin sign equal to k, which is another mailbox.
    """
    return email.strip().translate(_LOWER_ASCII)


def known_language(value: object) -> str | None:
    """Read ``fr_CA`` as ``fr`` and ``EN`` as ``en``; any other language is None."""
    language = value.strip().replace("_", "-").partition("-")[0].lower() if isinstance(value, str) else ""
    return language if language in ("fr", "en") else None


def text_or_empty(value: object) -> str:
    """Read a text; empty for any other type."""
    return value.strip() if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list | tuple) else ()


def _id_or_nothing(value: object) -> str | None:
    """Return an id as text, or None for any other type, which older portals may send in this field."""
    text = _as_id(value)
    return text if isinstance(text, str) else None


_SPELLINGS = {"canceled": "cancelled", "creditnote": "credit_note", "credit": "credit_note"}


def word_of(words: type[StrEnum]) -> BeforeValidator:
    """Read a word in any case, with spaces or hyphens. A word that a newer portal adds is None."""

    def known(value: object) -> StrEnum | None:
        if not isinstance(value, str):
            return None
        word = re.sub(r"[\s-]+", "_", value.strip().lower())
        word = _SPELLINGS.get(word, word)
        return words(word) if word in set(words) else None

    return BeforeValidator(known)


AnsweredId = Annotated[str | None, BeforeValidator(_id_or_nothing)]
"""The contact or account that an answer belongs to, to compare with the one that was asked about."""

# Babel cannot format a number with more digits than a decimal context has.
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False), BeforeValidator(_decimal)]


Count = Annotated[int, Field(ge=0, le=MOST_COUNT)]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), BeforeValidator(_currency)]
