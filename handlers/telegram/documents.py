"""Load invoice PDFs from the portal and send them to chats, by Telegram's ``file_id`` while they are unchanged."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct
from telegram import InputFile, Message
from telegram.constants import ParseMode
from telegram.ext import ExtBot

from handlers.telegram.render import Message as Rendered
from portal.client import Papers, Reader
from portal.errors import NotReady, TooLarge
from services.invoices import SMALL_PDF_BYTES, file_name
from storage.database import Database
from storage.papers import uploaded_pdfs
from storage.tables import Document
from texts.catalogue import Texts

UPLOAD_LIMIT = 50 * 1024 * 1024
"""Bytes that a bot may upload (Bot API, "Sending files")."""
NOTICE_LIMIT = 4 * 1024 * 1024
"""Bytes of the largest PDF that is attached to a notice; a larger one has a button."""
UPLOAD_SECONDS = 60.0
READY_SECONDS = 45.0
"""How long a person waits at most for a PDF that the portal says to be still making."""
_USUAL_PAUSE_SECONDS = 3.0
_LEAST_PAUSE_SECONDS = 0.5


class LoadedPdf(Struct, frozen=True):
    """A PDF that can be sent: ``new`` bytes or, if it is unchanged, the ``known`` upload.

    ``etag`` is the portal's; None if the portal sends none.
    """

    account_id: str
    number: str
    language: str
    etag: str | None
    new: InputFile | None
    known: Document | None


@asynccontextmanager
async def open_pdf(
    bot: ExtBot[None],
    database: Database,
    portal: Papers,
    reader: Reader,
    number: str,
    t: Texts,
    large_document: asyncio.Lock,
    *,
    is_credit_note: bool,
) -> AsyncIterator[LoadedPdf]:
    """Load a PDF of up to ``UPLOAD_LIMIT`` bytes, and yield it.

    A PDF over ``SMALL_PDF_BYTES`` is requested again under the lock ``large_document``, which is held until the body
    ends: twenty PDFs of 50 MB at once would take 1 GB of memory.

    Raises:
        PortalError: as ``Portal.invoice_pdf``; ``TooLarge`` if the PDF is over ``UPLOAD_LIMIT``.
    """
    try:
        small = await _load_when_ready(bot, database, portal, reader, number, t, is_credit_note=is_credit_note)
    except TooLarge:
        small = None
    if small is not None:
        yield small
        return
    async with large_document:
        yield await load_pdf(
            bot, database, portal, reader, number, t, limit=UPLOAD_LIMIT, is_credit_note=is_credit_note
        )


async def _load_when_ready(
    bot: ExtBot[None],
    database: Database,
    portal: Papers,
    reader: Reader,
    number: str,
    t: Texts,
    *,
    is_credit_note: bool,
) -> LoadedPdf:
    """Load a small PDF; ask again for up to ``READY_SECONDS`` while the portal is still making it."""
    ends = time.monotonic() + READY_SECONDS
    while True:
        try:
            return await load_pdf(
                bot, database, portal, reader, number, t, limit=SMALL_PDF_BYTES, is_credit_note=is_credit_note
            )
        except NotReady as error:
            pause = _USUAL_PAUSE_SECONDS if error.retry_after is None else max(error.retry_after, _LEAST_PAUSE_SECONDS)
            if time.monotonic() + pause > ends:
                raise
            await asyncio.sleep(pause)


async def load_pdf(
    bot: ExtBot[None],
    database: Database,
    portal: Papers,
    reader: Reader,
    number: str,
    t: Texts,
    *,
    limit: int,
    is_credit_note: bool = False,
) -> LoadedPdf:
    """Request a PDF from the portal once, which also checks that the reader may still see it.

    Args:
        limit: the largest permitted size in bytes.
        is_credit_note: decides the name of new bytes.

    Raises:
        PortalError: as ``Portal.invoice_pdf``; ``TooLarge`` if the PDF is over the limit.
    """
    async with database.read() as session:
        known = await uploaded_pdfs.find(session, bot.id, reader.account_id, number, t.language.shipped)
    known_etag = known.etag if known else None
    pdf = await portal.invoice_pdf(reader, number, language=t.language.shipped, known_etag=known_etag, limit=limit)
    new = (
        InputFile(pdf.content, filename=file_name(t, number, is_credit_note=is_credit_note), attach=False)
        if pdf
        else None
    )
    etag = pdf.etag if pdf else known_etag
    return LoadedPdf(reader.account_id, number, t.language.shipped, etag, new, None if pdf else known)


async def send(
    bot: ExtBot[None],
    chat_id: int,
    pdf: LoadedPdf,
    *,
    caption: Rendered | None = None,
    thread_id: int | None = None,
) -> Message:
    """Send a PDF; a caption comes with its keyboard. ``thread_id`` is the topic to send it to, or None.

    Raises:
        TelegramError: a ``BadRequest`` may mean that Telegram no longer has the known upload; then ``delete_upload``.
    """
    document = pdf.new or (pdf.known.file_id if pdf.known else "")
    return await send_file(bot, chat_id, document, caption=caption, thread_id=thread_id, seconds=UPLOAD_SECONDS)


async def send_file(
    bot: ExtBot[None],
    chat_id: int,
    file: InputFile | str,
    *,
    caption: Rendered | None = None,
    thread_id: int | None = None,
    is_picture: bool = False,
    seconds: float,
) -> Message:
    """Send a new file, or one that Telegram knows by its ``file_id``, as a document or as a picture.

    Args:
        caption: as for ``send``.
        seconds: how long writing it may take, and waiting for the answer.

    Raises:
        TelegramError: as ``send``.
    """
    send_it = bot.send_photo if is_picture else bot.send_document
    return await send_it(
        chat_id,
        file,
        message_thread_id=thread_id,
        caption=caption.html if caption else None,
        parse_mode=ParseMode.HTML if caption else None,
        write_timeout=seconds,
        read_timeout=seconds,
        api_kwargs=caption.reply_markup if caption else None,
    )


def new_upload(bot: ExtBot[None], pdf: LoadedPdf, sent: Message) -> Document | None:
    """Return the ``file_id`` of a sent PDF, to be stored; None if it was known, or the portal sent no ETag."""
    if pdf.new is None or not pdf.etag or sent.document is None:
        return None
    return Document(
        bot_id=bot.id,
        account_id=pdf.account_id,
        number=pdf.number,
        language=pdf.language,
        file_id=sent.document.file_id,
        etag=pdf.etag,
    )


async def delete_upload(database: Database, pdf: LoadedPdf) -> None:
    """Delete the stored ``file_id`` of a known upload that Telegram no longer has."""
    if pdf.known is None:
        return
    async with database.write() as session:
        await uploaded_pdfs.delete_upload(session, pdf.known)
