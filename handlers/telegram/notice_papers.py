"""Read the orders and invoices of notices from the portal, and check which of several notices are still true."""

import asyncio
import datetime
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from handlers.screens.notice_summary import SummaryLine
from portal.client import Portal, Reader
from portal.errors import Meaning, PortalError, meaning_of
from portal.models import Invoice, Order
from services.notices.delivery.outcomes import NotSent, after_portal_error
from services.notices.paper_check import check_paper
from storage.chats import LinkState
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Kind
from texts.catalogue import Texts

ABOUT_ORDERS = (Kind.ORDER_CREATED, Kind.ORDER_ENDING)
_READS_AT_ONCE = 4

Told = tuple[LinkState, ClaimedDelivery, Invoice | Order]
"""A notice that is true, with what it is about."""
LeftOut = tuple[ClaimedDelivery, NotSent]
"""A notice that a message does not tell, and why."""


def reader_of(t: Texts, link: LinkState) -> Reader:
    """Return the reader for what is shown in the chat's language."""
    return Reader(link.contact_id, link.account_id, t.language.shipped)


async def read_paper(portal: Portal, reader: Reader, claimed: ClaimedDelivery) -> Invoice | Order:
    """Return the order or the invoice of a notice, as the portal has it now.

    Raises:
        PortalError: as ``Portal.order`` and ``Portal.invoice``.
    """
    number = claimed.number or ""
    return await (portal.order(reader, number) if claimed.kind in ABOUT_ORDERS else portal.invoice(reader, number))


async def true_notices(
    portal: Portal,
    t: Texts,
    wanted: Iterable[tuple[LinkState, ClaimedDelivery]],
    zone: ZoneInfo,
    now: datetime.datetime,
) -> tuple[list[Told], list[LeftOut]]:
    """Return the notices that are still true, in order, and those that are not or that the portal has nothing for.

    Args:
        zone: the company's time zone.

    Raises:
        PortalError: the portal does not answer, so that all of them have to wait.
    """
    gate = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(link: LinkState, claimed: ClaimedDelivery) -> Told | LeftOut:
        async with gate:
            try:
                paper = await read_paper(portal, reader_of(t, link), claimed)
            except PortalError as error:
                if meaning_of(error) is Meaning.AWAY:
                    raise
                return claimed, after_portal_error(error, reported=now - claimed.occurred_at)
        obsolete = check_paper(claimed, paper, zone)
        return (claimed, obsolete) if obsolete is not None else (link, claimed, paper)

    told: list[Told] = []
    left_out: list[LeftOut] = []
    for each in await asyncio.gather(*(read(link, claimed) for link, claimed in wanted)):
        if len(each) == 3:
            told.append(each)
        else:
            left_out.append(each)
    return told, left_out


def summary_lines(told: Sequence[Told], *, has_accounts: bool) -> list[SummaryLine]:
    """Return the lines of a summary.

    Args:
        has_accounts: the chat has several accounts, so that each line names its own.
    """
    return [
        SummaryLine(each.kind, each.number or "", link.link_id, paper, link.account_name if has_accounts else "")
        for link, each, paper in told
    ]
