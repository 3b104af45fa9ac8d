"""Orders: the list, and the detail."""

from handlers.actions import ListOrders, ShowOrder, at_page
from handlers.context import Context
from handlers.screens import orders as screens
from handlers.screens.screen import Screen
from portal.models import Part


async def order_list(context: Context, action: ListOrders) -> Screen:
    """List a page of the account's orders; a page after the last one shows the last one."""
    link, reader = context.link(action.link), context.reader(action.link)
    size = context.chat.page_size
    orders = context.papers.orders
    page = await orders(reader, page=action.page, page_size=size, query=action.query)
    if not page.items and page.total:
        action = at_page(action, page.last)
        page = await orders(reader, page=action.page, page_size=size, query=action.query)
    page = page.at_most(size)
    return screens.order_list(context.t, link.account_name, page, action, has_invoices=Part.INVOICES in link.access)


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
