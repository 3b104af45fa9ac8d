"""Read the orders and invoices of a summary from the portal."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from handlers.screens.notice_summary import MOST_LINES, SummaryLine
from portal.client import Portal, Reader
from portal.errors import Forbidden, NotFound
from portal.models import Invoice, Order
from storage.chats import LinkState
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Kind

_ORDERS = (Kind.ORDER_CREATED, Kind.ORDER_ENDING)
_READS_AT_ONCE = 4


async def summary_lines(
    portal: Portal, deliveries: Sequence[tuple[LinkState, ClaimedDelivery]], *, has_accounts: bool
) -> list[SummaryLine]:
    """Return the lines of a summary; those that are shown have what the portal has now.

    Args:
        has_accounts: the chat has several accounts, so that each line names its own.

    Raises:
        PortalError: the summary has to wait for the portal. What is gone does not raise it: its line has no amount.
    """
    gate = asyncio.Semaphore(_READS_AT_ONCE)

    async def line(link: LinkState, claimed: ClaimedDelivery, *, is_shown: bool) -> SummaryLine:
        number = claimed.number or ""
        paper: Invoice | Order | None = None
        if is_shown:
            reader = Reader(link.contact_id, link.account_id)
            async with gate:
                with suppress(NotFound, Forbidden):
                    is_order = claimed.kind in _ORDERS
                    paper = await (portal.order(reader, number) if is_order else portal.invoice(reader, number))
        return SummaryLine(claimed.kind, number, link.link_id, link.account_name if has_accounts else "", paper)

    reads = (line(link, claimed, is_shown=at < MOST_LINES) for at, (link, claimed) in enumerate(deliveries))
    return list(await asyncio.gather(*reads))
