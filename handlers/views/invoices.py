"""Invoices: the list, one, and its PDF."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import structlog
from telegram.constants import ChatAction
from telegram.error import TelegramError

from handlers.actions import ListInvoices, SendPdf, ShowInvoice, at_page
from handlers.context import Context
from handlers.screens import invoices as screens
from handlers.screens.screen import Screen
from handlers.telegram import documents
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.reply import retry_once
from portal.client import Reader
from portal.errors import PortalError, TooLarge
from portal.models import Invoice, Page, Part, Status

log = structlog.get_logger()

_ACTION_SECONDS = 4.5  # a chat action shows for 5 s


async def invoice_list(context: Context, action: ListInvoices) -> Screen:
    """A page of the account's invoices; a page that is no more becomes the last one."""
    link = context.link(action.link)
    page = await _page(context, action)
    if not page.items and page.total:
        action = at_page(action, page.last)
        page = await _page(context, action)
    has_orders = Part.ORDERS in link.access
    return screens.invoice_list(context.t, link.account_name, page, action, context.today, has_orders=has_orders)


async def invoice_detail(context: Context, action: ShowInvoice) -> Screen:
    """One invoice."""
    link = context.link(action.link)
    invoice = await context.services.portal.invoice(context.reader(action.link), action.number)
    has_orders = Part.ORDERS in link.access
    return screens.invoice_detail(context.t, link.account_name, invoice, action, context.today, has_orders=has_orders)


async def send_pdf(context: Context, action: SendPdf) -> Screen | None:
    """Sends the PDF as a document; by Telegram's own copy while the portal says that it is unchanged."""
    reader = context.reader(action.link)
    async with _sending_shown(context):
        try:
            await _send_document(context, reader, action)
        except TooLarge:
            invoice = await context.services.portal.invoice(reader, action.number)
            return screens.pdf_too_large(context.t, invoice, action.link)
        except TelegramError as error:
            match classify(error).kind:
                case FailureKind.NOT_DONE | FailureKind.UNCLEAR:
                    log.warning("pdf.not_confirmed", error=type(error).__name__)
                    return screens.pdf_maybe_sent(context.t, replace(action, again=True))
                case FailureKind.TOO_MANY:
                    return screens.pdf_not_sent(context.t, replace(action, again=True))
            raise
    return await _restored(context, action) if action.again else None


async def _restored(context: Context, action: SendPdf) -> Screen:
    """The screen that told of a failure becomes the invoice again; the document is there whether or not it can."""
    try:
        return await invoice_detail(context, ShowInvoice(action.link, action.number))
    except PortalError:
        return screens.pdf_sent(context.t, action)


async def _page(context: Context, action: ListInvoices) -> Page[Invoice]:
    page = await context.services.portal.invoices(
        context.reader(action.link),
        page=action.page,
        page_size=context.chat.page_size,
        query=action.query,
        order=action.order or None,
        status=Status.UNPAID if action.unpaid else None,
    )
    return page.at_most(context.chat.page_size)


async def _send_document(context: Context, reader: Reader, action: SendPdf) -> None:
    services = context.services
    for is_last in (False, True):
        ready = documents.prepared(
            context.bot, services.database, services.portal, reader, action.number, context.t, services.large_document
        )
        async with services.documents, ready as prepared:
            # A PDF takes its time, and the link may have been revoked meanwhile.
            await context.reload()
            context.link(action.link)
            try:
                send = partial(documents.send, context.bot, context.chat.chat_id, prepared)
                sent = await retry_once(context, send, link=action.link)
            except TelegramError as error:
                # Telegram does not keep files for ever.
                if is_last or prepared.known is None or classify(error).kind is not FailureKind.REFUSED:
                    raise
                await documents.forget(services.database, prepared)
            else:
                await documents.remember(context.bot, services.database, prepared, sent)
                return


@asynccontextmanager
async def _sending_shown(context: Context) -> AsyncIterator[None]:
    """Shows "sending a document" for as long as the body takes. That it cannot be shown is no reason not to send."""

    async def show() -> None:
        while True:
            with suppress(TelegramError):
                await context.bot.send_chat_action(context.chat.chat_id, ChatAction.UPLOAD_DOCUMENT)
            await asyncio.sleep(_ACTION_SECONDS)

    shown = asyncio.create_task(show())
    try:
        yield
    finally:
        shown.cancel()
        with suppress(asyncio.CancelledError):
            await shown
