"""Checks at the last moment whether a notice is still true of its order or invoice."""

from zoneinfo import ZoneInfo

from portal.models import Invoice, Order, OrderStatus
from services.notices.delivery.outcomes import Cancelled
from services.notices.reminders import ends_as_planned
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Kind


def check_paper(claimed: ClaimedDelivery, paper: Invoice | Order, zone: ZoneInfo) -> Cancelled | None:
    """Return why a notice is not sent, alone or in a summary; None if it is. Reminders have ``check_reminder``.

    Args:
        paper: What the portal has now.
        zone: The company's time zone.
    """
    if isinstance(paper, Order):
        if claimed.day is not None and not ends_as_planned(paper, claimed.day, zone):
            return Cancelled("ends on another day")
        return Cancelled("order cancelled") if paper.status is OrderStatus.CANCELLED else None
    is_cancellation = claimed.kind is Kind.INVOICE_CANCELLED
    if is_cancellation and not paper.is_cancelled:
        return Cancelled("not cancelled")
    if paper.is_cancelled and not (is_cancellation or claimed.is_repetition):  # nobody was told of it
        return Cancelled("invoice cancelled")
    if claimed.kind is Kind.INVOICE_PAID and paper.is_unpaid:
        return Cancelled("payment withdrawn")
    return None
