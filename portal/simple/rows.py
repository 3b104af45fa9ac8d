"""Reads the rows of a small system: each by itself, sorted, and only those of the account that was asked about."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import structlog
from pydantic import BaseModel

from portal.client import Reader
from portal.errors import PortalBroken
from portal.fields import MOST_ROWS, rows_or_none, unread_rows
from portal.models import Invoice, Order, Page
from portal.numbers import folded, is_same

log = structlog.get_logger()

Row = Mapping[str, Any] | BaseModel
"""A row of a small system: a mapping with the names of the fields of ``portal.models``, or the model itself."""
PaperT = TypeVar("PaperT", Order, Invoice)
ModelT = TypeVar("ModelT", bound=BaseModel)

_STEP = 500
"""Rows to read before the event loop runs other tasks: about 10 ms."""
_DIGITS = re.compile(r"(\d+)", re.ASCII)


def renamed(row: object, **names: str) -> dict[str, Any]:
    """Return the values of a row under other names: ``renamed(row, number="ref", date="issued_on")``.

    What the row has not is None. Of something that is no mapping, nothing is left, so that it counts as unreadable.
    """
    return {ours: row.get(theirs) for ours, theirs in names.items()} if isinstance(row, Mapping) else {}


def listed(call: str, rows: Iterable[object], most: int) -> list[object]:
    """Return the rows as a list, with mappings as dictionaries.

    Raises:
        PortalBroken: there are more than ``most``, or it is no list of rows.
    """
    if isinstance(rows, str | bytes | Mapping | BaseModel) or not isinstance(rows, Iterable):
        raise PortalBroken(f"{call}: expected rows, and one {type(rows).__name__} came")
    found = list(islice(rows, most + 1))
    if len(found) > most:
        raise PortalBroken(f"{call}: more than {most} rows")
    return [_plain(row) for row in found]


def _plain(row: object) -> object:
    """Return the row of a database driver as a dictionary: it has ``keys``, but need not be a mapping."""
    if isinstance(row, BaseModel | dict) or not hasattr(row, "keys"):
        return row
    return {name: row[name] for name in row.keys()}  # type: ignore[index]  # noqa: SIM118


def field_text(row: object, name: str) -> str:
    """Return a field of a row that could not be read, as text, to compare it; empty where it is missing."""
    value = row.get(name) if isinstance(row, dict) else getattr(row, name, None)
    return "" if value is None else str(value).strip()


@dataclass(frozen=True, slots=True)
class Read(Generic[ModelT]):
    """A row that could be read: the model, and the row as it was."""

    model: ModelT
    row: Any


async def read_in_steps(model: type[ModelT], rows: Sequence[object]) -> list[ModelT | None]:
    """Read each row by itself, as ``fields.rows_or_none``, while other tasks run."""
    models: list[ModelT | None] = []
    for first in range(0, len(rows), _STEP):
        models += rows_or_none(model, rows[first : first + _STEP], _STEP, first=first)
        await asyncio.sleep(0)
    return models


async def read_each(
    call: str, model: type[ModelT], rows: Sequence[object], key: str
) -> tuple[list[Read[ModelT]], list[str]]:
    """Read each row by itself, as ``fields.each`` does.

    Args:
        call: The call's name in the message.
        model: What a row is read as.
        rows: As of ``listed``.
        key: The field that names a row.

    Returns:
        What could be read, and the keys of the rows that could not.

    Raises:
        PortalBroken: no row can be read, and one has not even a key: these are rows of something else.
    """
    models = await read_in_steps(model, rows)
    good = [Read(found, row) for found, row in zip(models, rows, strict=True) if found is not None]
    unread = [field_text(row, key) for found, row in zip(models, rows, strict=True) if found is None]
    if unread and not good and not all(unread):
        raise PortalBroken(f"{call}: no row can be read as {model.__name__}")
    return good, unread


@dataclass(frozen=True, slots=True)
class PaperList(Generic[PaperT]):
    """The orders or invoices of an account, newest first.

    ``unread`` has the numbers of those that could not be read, and ``foreign`` says how many named another account.
    """

    rows: tuple[Read[PaperT], ...]
    unread: tuple[str, ...]
    foreign: int = 0

    def page(self, page: int, size: int, keep: Callable[[PaperT], bool], *, counts_unread: bool) -> Page[PaperT]:
        """Return a page of the rows that ``keep`` returns True for.

        Args:
            page: Counts from 1.
            size: At most 100 are on a page, whatever is asked for.
            keep: Selects the rows.
            counts_unread: Whether rows that could not be read may be among the selected; the first page says so.
        """
        page, size = max(page, 1), min(max(size, 1), MOST_ROWS)
        kept = [row.model for row in self.rows if keep(row.model)]
        unread = len(self.unread) if counts_unread and page == 1 else 0
        items = tuple(kept[(page - 1) * size : page * size])
        return Page.model_construct(items=items, unread=unread, page=page, page_size=size, total=len(kept))

    def named(self, number: str) -> Read[PaperT] | None:
        """Return the newest with exactly this number, or the only one with it in another case; None for none.

        Raises:
            PortalBroken: there is such a row, but it cannot be read.
        """
        same = [row for row in self.rows if is_same(row.model.number, number)]
        exact = [row for row in same if row.model.number == number]
        if exact or len(same) == 1:
            return (exact or same)[0]
        if any(is_same(unread, number) for unread in self.unread):
            raise PortalBroken("the row with this number cannot be read")
        return None


async def read_papers(call: str, model: type[PaperT], rows: Sequence[object], reader: Reader) -> PaperList[PaperT]:
    """Read the orders or invoices of an account. One that names another account or contact is left out, and logged."""
    good, unread = await read_each(call, model, rows, "number")
    own = [row for row in good if _is_own(row.model, reader)]
    if foreign := len(good) - len(own):
        unread_rows[model.__name__] += foreign
        log.error("portal.row_of_another_account", model=model.__name__, rows=foreign)
    return PaperList(tuple(sorted(own, key=lambda row: _age(row.model), reverse=True)), tuple(unread), foreign)


def _is_own(paper: Order | Invoice, reader: Reader) -> bool:
    return paper.account_id in (None, reader.account_id) and paper.contact_id in (None, reader.contact_id)


def _age(paper: Order | Invoice) -> tuple[bool, str, list[str | int], str]:
    """Return what sorts by day and then by number, 9 before 10; an order without a start is the oldest."""
    day = paper.start_date if isinstance(paper, Order) else paper.date
    number = [int(part) if at % 2 else part for at, part in enumerate(_DIGITS.split(folded(paper.number)))]
    return day is not None, day.isoformat() if day else "", number, paper.number
