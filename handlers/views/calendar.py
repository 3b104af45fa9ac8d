"""The calendar: one due date or order end as a file, and the feed of an account."""

import asyncio
from functools import partial

from msgspec.structs import replace
from telegram import InputFile
from telegram.constants import ParseMode

from handlers.actions import AddToCalendar, ShowCalendar, ShowInvoice, ShowOrder
from handlers.context import Context
from handlers.screens import calendar as screens
from handlers.screens.screen import Screen
from handlers.telegram.render import render
from handlers.telegram.reply import repeated
from handlers.views.invoices import invoice_detail
from handlers.views.orders import order_detail
from handlers.views.saved_answers import marked_if_saved
from services.calendar.entries import Entry, calendar_of, invoice_entry, order_entry
from services.features import Feature
from services.invoices import calendar_file_name
from storage.papers import calendar_feeds
from texts.catalogue import message_id


async def add_to_calendar(context: Context, action: AddToCalendar) -> Screen | None:
    """Send the due date or the end as a calendar file; show the detail if it has none any more."""
    entry = await _entry(context, action)
    if entry is None:
        if action.is_order:
            return await order_detail(context, ShowOrder(action.link, action.number))
        return await invoice_detail(context, ShowInvoice(action.link, action.number))
    now = context.services.clock()
    read_at = context.saved.papers.read_at if context.saved else None
    # Its library is imported with the first file.
    content = await asyncio.to_thread(calendar_of, [entry], read_at or now, context.t, has_alarm=True)
    name = calendar_file_name(context.t, action.number, is_order=action.is_order)
    await context.reload()
    context.link(action.link)
    caption = render(
        replace(marked_if_saved(context, screens.below_file(context.t, is_open=entry.is_open)), keyboard=())
    )
    send = partial(
        context.bot.send_document,
        context.chat.chat_id,
        InputFile(content, filename=name, attach=False),
        message_thread_id=context.thread_id,
        caption=caption.html,
        parse_mode=ParseMode.HTML,
    )
    await repeated(context, send, link=action.link)
    return None


async def _entry(context: Context, action: AddToCalendar) -> Entry | None:
    link, reader = context.link(action.link), context.reader(action.link)
    if action.is_order:
        order = await context.papers.order(reader, action.number)
        return order_entry(context.t, link.account_id, link.account_name, order)
    invoice = await context.papers.invoice(reader, action.number)
    return invoice_entry(context.t, link.account_id, link.account_name, invoice)


async def show_calendar(context: Context, action: ShowCalendar) -> Screen:
    """Show the feed of an account, after making or stopping its address."""
    link, services = context.link(action.link), context.services
    is_offered = Feature.CALENDAR in context.features
    if is_offered and not services.company.has_public_url:
        return screens.no_feed(context.t, link)
    address = ""
    if action.change == "new":
        token = await services.calendar_feeds.make(
            context.chat.chat_id, link.link_id, context.language, context.wording(message_id("calendar.what"))
        )
        address = f"{services.public_url}/calendar/{token}.ics"
    elif action.change == "stop":
        wording = context.wording(message_id("button.calendar_stop"))
        await services.calendar_feeds.stop(context.chat.chat_id, link.link_id, wording)
    async with services.database.read() as session:
        made_at = await calendar_feeds.made_at(session, link.link_id)
    made_on = context.local(made_at).date() if made_at else None
    if not is_offered and action.change != "stop":
        return screens.feed_not_offered(context.t, link, services.company.name, has_address=made_on is not None)
    return screens.feed(context.t, link, made_on, address=address, is_stopped=action.change == "stop")
