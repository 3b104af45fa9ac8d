"""Search, and numbers typed bare."""

import asyncio
import datetime
from collections.abc import Awaitable
from typing import TypeVar

from handlers.actions import AskSearch, OpenNumber, ShowInvoice, ShowOrder
from handlers.context import Context
from handlers.screens import invoices, orders, trouble
from handlers.screens.screen import Button, Screen
from portal.errors import Forbidden, NotFound
from portal.models import Part
from storage import chats
from storage.chats import Awaiting
from storage.tables import Awaited

FoundT = TypeVar("FoundT")
_PATIENCE = datetime.timedelta(hours=1)


async def ask_search(context: Context, action: AskSearch) -> Screen:
    """The next text is searched for in one of the lists."""
    context.link(action.link)
    now = context.services.clock()
    what = Awaited.INVOICE_SEARCH if action.invoices else Awaited.ORDER_SEARCH
    async with context.services.database.write() as session:
        await chats.set_awaiting(session, context.chat.chat_id, Awaiting(what, now + _PATIENCE, action.link), now)
    return trouble.ask_search(context.t, action)


async def open_number(context: Context, action: OpenNumber) -> Screen:
    """The invoice or the order with this number; both asked side by side, and a choice where both are there."""
    link, reader = context.link(action.link), context.reader(action.link)
    number, t = action.number, context.t
    invoice, order = await asyncio.gather(
        _or_none(context.services.portal.invoice(reader, number)),
        _or_none(context.services.portal.order(reader, number)),
    )
    show_invoice, show_order = ShowInvoice(action.link, number), ShowOrder(action.link, number)
    if invoice and order:
        choices = (
            Button(t("button.invoice", number=number), show_invoice),
            Button(t("button.order", number=number), show_order),
        )
        return trouble.several(t, number, choices)
    name = link.account_name
    if invoice:
        has_orders = Part.ORDERS in link.access
        return invoices.invoice_detail(t, name, invoice, show_invoice, context.today, has_orders=has_orders)
    if order:
        return orders.order_detail(t, name, order, show_order, has_invoices=Part.INVOICES in link.access)
    return trouble.not_found(t, link, number)


async def _or_none(asked: Awaitable[FoundT]) -> FoundT | None:
    """What is not there and what this person may not see is the same to them: nothing with that number."""
    try:
        return await asked
    except (NotFound, Forbidden):
        return None
