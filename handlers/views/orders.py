"""Orders: the list, and the detail."""

from handlers.actions import ListOrders, ShowOrder, at_page
from handlers.context import Context
from handlers.screens import orders as screens
from handlers.screens.lists import day_of
from handlers.screens.screen import Screen
from portal.models import Part
from services.account import paper_filters
from services.account.paper_filters import OrderFilter, Period


async def order_list(context: Context, action: ListOrders) -> Screen:
    """List a page of the account's orders; a page after the last one shows the last one."""
    if action.only or action.since or action.until:
        return await _filtered(context, action)
    link, reader = context.link(action.link), context.reader(action.link)
    size = context.chat.page_size
    orders = context.papers.orders
    page = await orders(reader, page=action.page, page_size=size, query=action.query)
    if not page.items and page.total:
        action = at_page(action, page.last)
        page = await orders(reader, page=action.page, page_size=size, query=action.query)
    page = page.at_most(size)
    return screens.order_list(context.t, link.account_name, page, action, has_invoices=Part.INVOICES in link.access)


async def _filtered(context: Context, action: ListOrders) -> Screen:
    """List a page of the orders that a filter or a period selects."""
    link, reader = context.link(action.link), context.reader(action.link)
    period = Period(day_of(action.since), day_of(action.until))
    every = await paper_filters.all_orders(context.services.portal, reader)
    rows = paper_filters.select_orders(every, action.only, period, context.today)
    is_empty = not rows.items and action.only is OrderFilter.ENDING
    next_end = next(iter(paper_filters.future_ends(every.items, context.today)), None) if is_empty else None
    page = paper_filters.page_of(rows, action.page, context.chat.page_size)
    return screens.order_list(
        context.t,
        link.account_name,
        page,
        at_page(action, page.page),
        has_invoices=Part.INVOICES in link.access,
        is_complete=rows.is_complete,
        next_end=next_end,
    )


async def order_detail(context: Context, action: ShowOrder) -> Screen:
    """Show one order."""
    link = context.link(action.link)
    order = await context.papers.order(context.reader(action.link), action.number)
    return screens.order_detail(
        context.t,
        link.account_name,
        order,
        action,
        has_invoices=Part.INVOICES in link.access,
        today=context.today,
    )
