"""Invoices: the list, the detail, and the PDF."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from msgspec.structs import replace
from telegram.constants import ChatAction
from telegram.error import TelegramError

from handlers.actions import ListInvoices, SendPdf, ShowInvoice, at_page
from handlers.context import Context
from handlers.screens import invoices as screens
from handlers.screens.balance import balance_facts
from handlers.screens.lists import day_of
from handlers.screens.screen import Screen
from handlers.telegram import documents
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.render import render
from handlers.telegram.reply import delete, repeated, send
from portal.client import Reader
from portal.errors import PortalError, TooLarge
from portal.models import Invoice, Page, Part, Status
from services.account.balance import Balance, read_balance
from services.account.optional_calls import answer_in_time
from services.account.paper_filters import Period, filtered_invoices, page_of
from services.invoices import summary_of
from services.recent import SentPdf

log = structlog.get_logger()

_REPEATED_TAP = datetime.timedelta(seconds=15)
"""A tap for a PDF that was sent more recently is a repeated one."""
_SLOW_PDF_SECONDS = 5.0
"""After so long, a line says that the PDF is being prepared, until it comes."""
_ACTION_SECONDS = 4.5  # Telegram shows a chat action for 5 s


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


async def send_pdf(context: Context, action: SendPdf) -> Screen | None:
    """Send the PDF as a document: Telegram's copy if the portal says that it is unchanged, else new bytes."""
    reader = context.reader(action.link)
    async with _upload_indicator(context), _progress_line(context, action):
        try:
            # Each attempt loads the PDF again, so that none waits with a PDF in memory.
            attempt = partial(_send_document, context, reader, action)
            earlier = await repeated(context, attempt, is_repeatable=False, link=action.link)
        except TooLarge:
            invoice = await context.papers.invoice(reader, action.number)
            return screens.pdf_too_large(context.t, invoice, action.link)
        except TelegramError as error:
            failure, again = classify(error), replace(action, again=True)
            if not failure.may_pass:
                raise
            log.warning("pdf.not_confirmed", kind=failure.kind, error=type(error).__name__)
            is_unclear = failure.kind is FailureKind.UNCLEAR
            return (screens.pdf_maybe_sent if is_unclear else screens.pdf_not_sent)(context.t, again)
    is_repeated_tap = context.is_tap and was_just_sent(context, action)
    if earlier is not None and not is_repeated_tap:
        told = replace(earlier, told_at=context.services.clock())
        await send(context, screens.pdf_already_sent(context.t, action), link=action.link, reply_to=earlier.message_id)
        if key := pdf_key(context, action):
            context.services.recent.pdfs.set(key, told)
    return await _invoice_again(context, action) if action.again else None


def pdf_key(context: Context, action: SendPdf) -> tuple[int, str, str, str] | None:
    """Return the key of a PDF in ``Recent.pdfs``; None if the chat has no such link."""
    link = context.chat.link(action.link)
    return (context.chat.chat_id, link.account_id, action.number, context.language) if link else None


def was_just_sent(context: Context, action: SendPdf) -> bool:
    """Return whether the chat got this PDF some seconds ago: the tap is one of several, which may have piled up."""
    key = pdf_key(context, action)
    earlier = context.services.recent.pdfs.get(key) if key and not action.anew else None
    return earlier is not None and context.services.clock() - earlier.told_at < _REPEATED_TAP


async def _invoice_again(context: Context, action: SendPdf) -> Screen:
    """Return the invoice, to replace the screen of a failure; if the portal fails, only confirm the PDF."""
    try:
        return await invoice_detail(context, ShowInvoice(action.link, action.number))
    except PortalError:
        return screens.pdf_sent(context.t, action)


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


async def _send_document(context: Context, reader: Reader, action: SendPdf) -> SentPdf | None:
    """Send the PDF. Returns: the message that has it already, if the chat got the same PDF before; else None."""
    services = context.services
    key = pdf_key(context, action)
    earlier = services.recent.pdfs.get(key) if key and not action.anew else None
    if services.documents.locked():
        services.give_back_slot()
    thread_id = context.thread_id
    while True:
        opened = documents.open_pdf(
            context.bot,
            services.database,
            context.papers,
            reader,
            action.number,
            context.t,
            services.large_document,
            is_credit_note=action.is_credit_note,
        )
        async with services.documents, opened as pdf:
            # The link may have been revoked while the portal created the PDF.
            await context.reload()
            context.link(action.link)
            if earlier is not None and (pdf.etag is None or pdf.etag == earlier.etag):
                return earlier
            now = services.clock()
            caption = render(screens.saved_pdf(context.t)) if context.saved else None
            try:
                sent = await documents.send(
                    context.bot, context.chat.chat_id, pdf, caption=caption, thread_id=thread_id
                )
            except TelegramError as error:
                if classify(error).kind is not FailureKind.REFUSED:
                    raise
                if thread_id is not None and context.is_private:
                    thread_id = None  # the topic was closed or deleted
                elif pdf.known is not None:  # Telegram may have deleted the upload: send the bytes
                    await documents.delete_upload(services.database, pdf)
                else:
                    raise
            else:
                if key:
                    services.recent.pdfs.set(key, SentPdf(sent.message_id, pdf.etag, now))
                await documents.save_upload(context.bot, services.database, pdf, sent)
                return None


@asynccontextmanager
async def _progress_line(context: Context, action: SendPdf) -> AsyncIterator[None]:
    """Send a line that says what is happening while the body takes long, and delete it afterwards."""
    line: asyncio.Task[int] | None = None

    def begin() -> None:
        nonlocal line
        line = asyncio.create_task(send(context, screens.pdf_in_progress(context.t, action)))

    timer = asyncio.get_running_loop().call_later(_SLOW_PDF_SECONDS, begin)
    try:
        yield
    finally:
        timer.cancel()
        if line is not None:
            context.run_in_background(_remove(context, line))


async def _remove(context: Context, line: asyncio.Task[int]) -> None:
    """Delete the line once it was sent: a call in progress may have delivered it already."""
    with suppress(TelegramError):
        await delete(context, await line)


@asynccontextmanager
async def _upload_indicator(context: Context) -> AsyncIterator[None]:
    """Show "sending a document" in the chat while the body runs; ignore Telegram's errors."""

    async def repeat() -> None:
        while True:
            with suppress(TelegramError):
                await context.bot.send_chat_action(
                    context.chat.chat_id, ChatAction.UPLOAD_DOCUMENT, message_thread_id=context.thread_id
                )
            await asyncio.sleep(_ACTION_SECONDS)
            context.services.give_back_slot()  # a slow PDF does not hold up other chats

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
