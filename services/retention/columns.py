"""What describes a stored column: whose it is, how long it stays, who erases it, and how it is protected."""

import datetime
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from services.retention.categories import Category, period


class AtRest(StrEnum):
    """How a column is stored. Sealed: encrypted. Hashed: a keyed hash. The keys are not in the database."""

    SEALED = "sealed"
    HASHED = "hashed"
    PLAIN = "plain"


class Eraser(StrEnum):
    """What erases a row, besides the worker's purge where its category has a period."""

    UNLINKING = "unlinking"
    """The person, another chat of the same address, the operator or the portal unlinks it; forgetting does, too."""
    FORGETTING = "forgetting"
    """``/oublier``, and the purge of a chat that was not linked for 30 days."""
    HANDLING = "handling"
    """The update was handled."""
    PURGE = "purge"
    """The worker only."""


class StoredTable(Struct, frozen=True):
    """What a table holds of a person.

    Args:
        purpose: What for, as a sentence without its end.
        eraser: What erases its rows first.
        plain: Each plain column that holds something of a person, with the reason why it is plain.
        sealed: The sealed columns.
        hashed: The columns with keyed hashes.
        impersonal: The columns that say nothing of a person.
        kept: Columns that are cleared before their row is deleted, with their period.
    """

    category: Category
    purpose: str
    eraser: Eraser
    plain: Mapping[str, str] = field(default_factory=dict)
    sealed: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    impersonal: tuple[str, ...] = ()
    kept: Mapping[str, datetime.timedelta] = field(default_factory=dict)


class PersonalColumn(Struct, frozen=True):
    """A column that holds something of a person. ``kept``: its period; None until unlinking. ``reason``: why plain."""

    table: str
    column: str
    category: Category
    purpose: str
    kept: datetime.timedelta | None
    eraser: Eraser
    at_rest: AtRest
    reason: str = ""


def columns_of(table: str, stored: StoredTable) -> list[PersonalColumn]:
    """Return the columns of a table that hold something of a person."""
    protected = [
        *((each, AtRest.SEALED, "") for each in stored.sealed),
        *((each, AtRest.HASHED, "") for each in stored.hashed),
        *((each, AtRest.PLAIN, reason) for each, reason in stored.plain.items()),
    ]
    usual = period(stored.category)
    return [
        PersonalColumn(
            table, column, stored.category, stored.purpose, stored.kept.get(column, usual), stored.eraser, rest, reason
        )
        for column, rest, reason in protected
    ]
