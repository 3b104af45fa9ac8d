"""Search, and numbers without a command."""

import asyncio
import datetime
from collections.abc import Awaitable
from typing import TypeVar

from handlers.actions import AskSearch, OpenNumber, ShowInvoice, ShowOrder
from handlers.context import Context
from handlers.screens import failures, invoices, orders
from handlers.screens import search as screens
from handlers.screens.screen import Screen
from handlers.views.seen_notices import record_seen
from portal.errors import Forbidden, NotFound
from portal.models import Part
from storage import chats
from storage.chats import Awaiting
from storage.tables import Awaited

FoundT = TypeVar("FoundT")
_ANSWER_TIME = datetime.timedelta(hours=1)


async def ask_search(context: Context, action: AskSearch) -> Screen:
    """Ask for the text to search for in one of the lists."""
    context.link(action.link)
    now = context.services.clock()
    what = Awaited.INVOICE_SEARCH if action.invoices else Awaited.ORDER_SEARCH
    async with context.services.database.write() as session:
        await chats.set_awaiting(session, context.chat.chat_id, Awaiting(what, now + _ANSWER_TIME, action.link), now)
    return screens.ask_search(context.t, action)


async def open_number(context: Context, action: OpenNumber) -> Screen:
    """Show the invoice or the order with this number, or ask which one; both are read in parallel."""
    link, reader = context.link(action.link), context.reader(action.link)
    number, t = action.number, context.t
    invoice, order = await asyncio.gather(
        _or_none(context.services.portal.invoice(reader, number)),
        _or_none(context.services.portal.order(reader, number)),
    )
    if invoice and order:
        return screens.order_or_invoice(t, action.link, number)
    name = link.account_name
    if invoice:
        show = ShowInvoice(action.link, number)
        record_seen(context, show)
        has_orders = Part.ORDERS in link.access
        return invoices.invoice_detail(t, name, invoice, show, context.today, has_orders=has_orders)
    if order:
        open_order = ShowOrder(action.link, number)
        record_seen(context, open_order)
        has_invoices = Part.INVOICES in link.access
        return orders.order_detail(t, name, order, open_order, has_invoices=has_invoices)
    return failures.not_found(t, link, number)


async def _or_none(document: Awaitable[FoundT]) -> FoundT | None:
    """Return a document, or None if it does not exist or the contact may not see it."""
    try:
        return await document
    except (NotFound, Forbidden):
        return None
