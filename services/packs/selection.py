"""What a pack contains: the chosen invoices, and the format of the files."""

import datetime
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from portal.client import Portal, Reader
from portal.errors import PortalBroken
from portal.fields import MOST_ROWS
from portal.models import Invoice, Status
from services.account.paper_filters import InvoiceFilter, select_invoices

MOST_INVOICES = 3000
"""The most invoices of a pack: each takes 2 KB of memory while it is listed."""
_LAST_PAGE = -(-MOST_INVOICES // MOST_ROWS)


class PackFormat(StrEnum):
    """The format of a pack. The values are stored in callback data and in the database."""

    ZIP = "z"
    """The PDFs in archives."""
    MERGED = "m"
    """The PDFs one after another in one PDF."""
    XLSX = "x"
    CSV = "c"
    STATEMENT = "s"
    """The statement of account as a picture and as a PDF."""
    DARK_PICTURE = "k"
    """The picture of the statement on a dark ground."""

    @property
    def has_pdfs(self) -> bool:
        """Whether the pack contains the PDF of each invoice."""
        return self in (PackFormat.ZIP, PackFormat.MERGED)


class Selection(Struct, frozen=True):
    """The chosen invoices of an account. The days are inclusive; None has no limit.

    ``unpaid`` and ``paid`` choose by state, ``order`` by the number of an order, ``query`` by words. They may be empty.
    ``only`` is a filter that the portal does not have.
    """

    since: datetime.date | None = None
    until: datetime.date | None = None
    unpaid: bool = False
    paid: bool = False
    order: str = ""
    query: str = ""
    only: InvoiceFilter | None = None

    @property
    def status(self) -> Status | None:
        """The portal's filter by state."""
        if self.unpaid or self.only is InvoiceFilter.OVERDUE:
            return Status.UNPAID
        return Status.PAID if self.paid else None

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        days = {name: day.isoformat() if day else None for name, day in (("since", self.since), ("until", self.until))}
        return asdict(self) | days

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Selection":
        """Return the selection of ``as_json``."""
        days = {name: _day(values.get(name)) for name in ("since", "until")}
        only = InvoiceFilter(values["only"]) if values.get("only") else None
        return cls(**(values | days | {"only": only}))


def _day(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


class Listing(Struct, frozen=True):
    """The invoices of a selection, oldest first.

    ``unread`` rows of the portal's answers could not be read, and ``left_off`` are beyond ``MOST_INVOICES``.
    """

    invoices: tuple[Invoice, ...]
    unread: int = 0
    left_off: int = 0


async def read_page(portal: Portal, reader: Reader, selection: Selection, page: int, size: int = MOST_ROWS) -> Any:
    """Read one page of the selected invoices, newest first. Returns: a ``Page[Invoice]``. Raises ``PortalError``."""
    return await portal.invoices(
        reader,
        page=page,
        page_size=size,
        query=selection.query,
        order=selection.order or None,
        status=selection.status,
        since=selection.since,
        until=selection.until,
    )


async def read_listing(portal: Portal, reader: Reader, selection: Selection, today: datetime.date) -> Listing:
    """Read all selected invoices, page by page; an invoice that moves to the next page meanwhile is taken once.

    Args:
        today: The date in the company's time zone, for the overdue ones.

    Raises:
        PortalError: a page could not be read.
    """
    found: dict[str, Invoice] = {}
    page, seen, unread, total = 1, 0, 0, 0
    while page <= _LAST_PAGE:
        answer = await read_page(portal, reader, selection, page)
        found |= {invoice.number: invoice for invoice in answer.items}
        rows = len(answer.items) + answer.unread
        seen, unread, total = seen + rows, unread + answer.unread, answer.total
        if seen >= total or not rows:
            break
        if len(found) + unread == seen - rows:
            raise PortalBroken("invoices: the same page again")
        page += 1
    chosen = select_invoices(found.values(), selection.only, today) if selection.only else found.values()
    return Listing(oldest_first(chosen), unread, max(0, total - seen) if page > _LAST_PAGE else 0)


def oldest_first(invoices: Iterable[Invoice]) -> tuple[Invoice, ...]:
    """Return invoices by date, then by number."""
    return tuple(sorted(invoices, key=lambda invoice: (invoice.date, len(invoice.number), invoice.number)))
