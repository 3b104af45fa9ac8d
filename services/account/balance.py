"""What is owed in an account: the portal's summary, or one of the open invoices where the portal has none."""

import datetime

from msgspec import Struct

from portal.client import Portal, Reader
from portal.models import InvoiceSummary
from services.account.paper_filters import Period, unpaid_invoices
from services.invoices import summary_of


class Balance(Struct, frozen=True):
    """What is owed: one item a currency in which something is open; no items mean that nothing is.

    ``is_complete`` is False if the items only count the newest open invoices, because the portal has more. ``unread``
    open invoices of the portal's answer cannot be read, and are not counted.
    """

    items: tuple[InvoiceSummary, ...]
    is_complete: bool = True
    unread: int = 0


async def read_balance(portal: Portal, reader: Reader, today: datetime.date, period: Period | None = None) -> Balance:
    """Read what is owed in an account.

    Args:
        today: The date in the company's time zone.
        period: Only the invoices of these days; None for all.

    Raises:
        PortalError: The portal could not be read.
    """
    summary = await portal.invoice_summary(reader) if period in (None, Period()) else None
    if summary is not None:
        return Balance(tuple(item for item in summary if item.open_balance > 0))
    rows = await unpaid_invoices(portal, reader, period)
    return Balance(summary_of(rows.items, today), rows.is_complete, rows.unread)
