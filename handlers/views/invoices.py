"""Invoices: the list and the detail."""

from msgspec.structs import replace

from handlers.actions import ListInvoices, ShowInvoice, at_page
from handlers.context import Context
from handlers.screens import invoices as screens
from handlers.screens.balance import balance_facts
from handlers.screens.lists import day_of
from handlers.screens.screen import Screen
from portal.models import Invoice, Page, Part, Status
from services.account.balance import Balance, read_balance
from services.account.optional_calls import answer_in_time
from services.account.paper_filters import Period, filtered_invoices, page_of
from services.invoices import summary_of


async def invoice_list(context: Context, action: ListInvoices) -> Screen:
    """List a page of the account's invoices; a page after the last one shows the last one."""
    link = context.link(action.link)
    has_orders = Part.ORDERS in link.access
    is_complete = True
    if action.only is not None:
        period = Period(day_of(action.since), day_of(action.until))
        reader, today = context.reader(action.link), context.today
        rows = await filtered_invoices(context.services.portal, reader, action.only, period, today)
        page, is_complete = page_of(rows, action.page, context.chat.page_size), rows.is_complete
        action = at_page(action, page.page)
    else:
        page = await _page(context, action)
        if not page.items and page.total:
            action = at_page(action, page.last)
            page = await _page(context, action)
    screen = screens.invoice_list(
        context.t, link.account_name, page, action, context.today, has_orders=has_orders, is_complete=is_complete
    )
    if not action.unpaid:
        return screen
    owed = await _owed(context, action, page)
    facts = balance_facts(context.t, owed, context.today) if owed else ()
    return replace(screen, note="\n".join(filter(None, (screen.note, *facts))))


async def invoice_detail(context: Context, action: ShowInvoice) -> Screen:
    """Show one invoice."""
    link = context.link(action.link)
    invoice = await context.papers.invoice(context.reader(action.link), action.number)
    has_orders = Part.ORDERS in link.access
    return screens.invoice_detail(context.t, link.account_name, invoice, action, context.today, has_orders=has_orders)


async def _page(context: Context, action: ListInvoices) -> Page[Invoice]:
    page = await context.papers.invoices(
        context.reader(action.link),
        page=action.page,
        page_size=context.chat.page_size,
        query=action.query,
        order=action.order or None,
        status=_status(action),
        since=day_of(action.since),
        until=day_of(action.until),
    )
    return page.at_most(context.chat.page_size)


def _status(action: ListInvoices) -> Status | None:
    if action.unpaid:
        return Status.UNPAID
    return Status.PAID if action.paid else None


async def _owed(context: Context, action: ListInvoices, page: Page[Invoice]) -> Balance | None:
    """Return what the unpaid invoices of a list amount to; None for fewer than two, or if it cannot be read in time."""
    if page.total < 2:
        return None
    if len(page.items) == page.total:
        return Balance(summary_of(page.items, context.today))
    period = Period(day_of(action.since), day_of(action.until))
    reader = context.reader(action.link)
    return await answer_in_time("balance", read_balance(context.services.portal, reader, context.today, period))
