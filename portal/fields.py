"""How fields of the portal's data are read: whatever has one certain meaning is read, the rest is refused."""

import re
from collections import Counter
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import structlog
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from portal.parsing import fields_of

log = structlog.get_logger()

MOST_ROWS = 100
"""The most orders, invoices, contacts or menu entries in one answer; ``page_size`` is at most that."""
MOST_COUNT = 2**63 - 1
"""The largest page number, page size and total that are read."""

Number = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""The number of an order or an invoice: text that need not be digits."""


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


def each(model: type[BaseModel], most: int) -> BeforeValidator:
    """Validate each row of a list by itself. An invalid row is dropped, and its fields' names are logged.

    Otherwise an invalid row would turn the answer into an error, which tells a stranger that the address is known.

    Args:
        model: The model of a row.
        most: Rows after the first ``most`` are dropped too.
    """

    def readable(items: object) -> object:
        if not isinstance(items, list | tuple):
            return () if items is None else items
        rows: list[BaseModel] = []
        skipped: Counter[str] = Counter()
        for item in items[:most]:
            try:
                rows.append(model.model_validate(item))
            except ValidationError as error:
                skipped[fields_of(error)] += 1
        if len(items) > most:
            skipped["too many rows"] = len(items) - most
        for fields, count in skipped.items():
            log.warning("portal.row_skipped", model=model.__name__, fields=fields, rows=count)
        return rows

    return BeforeValidator(readable)


def known_language(value: object) -> str | None:
    """Read ``fr_CA`` as ``fr`` and ``EN`` as ``en``; any other language is None."""
    language = value.strip().replace("_", "-").partition("-")[0].lower() if isinstance(value, str) else ""
    return language if language in ("fr", "en") else None


def text_or_empty(value: object) -> str:
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list | tuple) else ()


def _id_or_nothing(value: object) -> str | None:
    """Return an id as text, or None for any other type, which older portals may send in this field."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < MOST_COUNT else None
    return value if isinstance(value, str) else None


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
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False)]


Count = Annotated[int, Field(ge=0, le=MOST_COUNT)]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
