"""The PDF of an invoice, which a chat gets once, however often its button is tapped."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from msgspec.structs import replace
from telegram.constants import ChatAction
from telegram.error import TelegramError

from handlers.actions import SendPdf, ShowInvoice
from handlers.context import Context
from handlers.screens import invoices as screens
from handlers.screens.screen import Screen
from handlers.telegram import documents
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.render import render
from handlers.telegram.reply import delete, repeated, send
from handlers.views.invoices import invoice_detail
from portal.client import Reader
from portal.errors import PortalError, TooLarge
from services.recent import PdfKey
from services.retention import SENT_PDFS_KEPT
from storage.papers import sent_pdfs, uploaded_pdfs
from storage.papers.sent_pdfs import SentPdf
from storage.replica_locks import number_of
from storage.tables import Document

log = structlog.get_logger()

_REPEATED_TAP = datetime.timedelta(seconds=15)
"""A tap for a PDF that was sent more recently is a repeated one."""
_SLOW_PDF_SECONDS = 5.0
"""After so long, a line says that the PDF is being prepared, until it comes."""
_ACTION_SECONDS = 4.5  # Telegram shows a chat action for 5 s


async def send_pdf(context: Context, action: SendPdf) -> Screen | None:
    """Send the PDF as a document: Telegram's copy if the portal says that it is unchanged, else new bytes.

    Nothing is done while another replica is sending it to this chat.
    """
    reader, key = context.reader(action.link), pdf_key(context, action)
    if key in context.services.recent.pdfs and not action.anew:
        return await _send_and_tell(context, reader, action, key)
    locks = context.services.locks
    number = number_of(f"pdf {context.chat.chat_id} {reader.account_id} {action.number} {reader.language}")
    if not await locks.try_lock(number):
        return None
    try:
        return await _send_and_tell(context, reader, action, key)
    finally:
        await locks.unlock(number)


async def _send_and_tell(context: Context, reader: Reader, action: SendPdf, key: PdfKey) -> Screen | None:
    async with _upload_indicator(context), _progress_line(context, action):
        try:
            # Each attempt loads the PDF again, so that none waits with a PDF in memory.
            attempt = partial(_send_document, context, reader, action, key)
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
        await _remember(context, action, key, told)
    return await _invoice_again(context, action) if action.again else None


def pdf_key(context: Context, action: SendPdf) -> PdfKey:
    """Return the key of a PDF in ``Recent.pdfs``.

    Raises:
        LinkGone: the chat has no such link.
    """
    return context.chat.chat_id, context.link(action.link).account_id, action.number, context.language


def was_just_sent(context: Context, action: SendPdf) -> bool:
    """Return whether the chat got this PDF some seconds ago: the tap is one of several, which may have piled up.

    A tap that asks for it once more is one of several only if the PDF itself came some seconds ago.
    """
    if context.chat.link(action.link) is None:
        return False
    earlier = context.services.recent.pdfs.get(pdf_key(context, action))
    if earlier is None:
        return False
    return context.services.clock() - (earlier.sent_at if action.anew else earlier.told_at) < _REPEATED_TAP


async def _earlier(context: Context, reader: Reader, action: SendPdf, key: PdfKey) -> SentPdf | None:
    """Return the PDF that the chat was sent before; the database has what other processes sent."""
    services = context.services
    found = services.recent.pdfs.get(key)
    if found is None:
        now = services.clock()
        async with services.database.read() as session:
            found = await sent_pdfs.find(
                session, action.link, action.number, reader.language, now - SENT_PDFS_KEPT, now
            )
        if found is not None:
            services.recent.pdfs.set(key, found)
    return found


async def _remember(
    context: Context, action: SendPdf, key: PdfKey, sent: SentPdf, upload: Document | None = None
) -> None:
    """Remember that a PDF was sent or told of, here and for other processes; store its upload, if it is a new one."""
    context.services.recent.pdfs.set(key, sent)
    async with context.services.database.write() as session:
        await sent_pdfs.save(session, action.link, action.number, context.language.shipped, sent)
        if upload is not None:
            await uploaded_pdfs.save(session, upload)


async def _invoice_again(context: Context, action: SendPdf) -> Screen:
    """Return the invoice, to replace the screen of a failure; if the portal fails, only confirm the PDF."""
    try:
        return await invoice_detail(context, ShowInvoice(action.link, action.number))
    except PortalError:
        return screens.pdf_sent(context.t, action)


async def _send_document(context: Context, reader: Reader, action: SendPdf, key: PdfKey) -> SentPdf | None:
    """Send the PDF. Returns: the message that has it already, if the chat got the same PDF before; else None."""
    services = context.services
    earlier = await _earlier(context, reader, action, key)
    if action.anew and earlier is not None:
        if context.is_tap and was_just_sent(context, action):
            return earlier
        earlier = None
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
                upload = documents.new_upload(context.bot, pdf, sent)
                await _remember(context, action, key, SentPdf(sent.message_id, pdf.etag, now, now), upload)
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
