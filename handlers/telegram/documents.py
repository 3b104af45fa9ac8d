"""Invoice PDFs on their way into a chat: from the portal, or Telegram's own copy while it is unchanged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from telegram import InputFile, Message
from telegram.constants import ParseMode
from telegram.ext import ExtBot

from handlers.telegram.render import Message as Rendered
from portal.client import Portal, Reader
from portal.errors import TooLarge
from services.invoices import SMALL_PDF, file_name
from storage import uploaded_pdfs
from storage.database import Database
from storage.tables import Document
from texts.catalogue import Texts

UPLOAD_LIMIT = 50 * 1024 * 1024
"""Bytes that a bot may upload (Bot API, "Sending files")."""
NOTICE_LIMIT = 4 * 1024 * 1024
"""A larger PDF is not attached to a notice: a button asks for it."""
UPLOAD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PDF ready to be sent: new bytes, or the upload that Telegram still has."""

    account_id: str
    number: str
    language: str
    etag: str | None
    new: InputFile | None
    known: Document | None


@asynccontextmanager
async def prepared(
    bot: ExtBot[None],
    database: Database,
    portal: Portal,
    reader: Reader,
    number: str,
    t: Texts,
    large: asyncio.Lock,
) -> AsyncIterator[Prepared]:
    """A PDF ready to be sent, of any size that Telegram takes.

    A large one is asked for again under the lock, which is held until it is sent: twenty of 50 MB at once would take a
    gigabyte of memory.

    Raises:
        PortalError: as ``Portal.invoice_pdf``; ``TooLarge`` over what a bot may upload.
    """
    try:
        small = await prepare(bot, database, portal, reader, number, t, limit=SMALL_PDF)
    except TooLarge:
        small = None
    if small is not None:
        yield small
        return
    async with large:
        yield await prepare(bot, database, portal, reader, number, t, limit=UPLOAD_LIMIT)


async def prepare(
    bot: ExtBot[None], database: Database, portal: Portal, reader: Reader, number: str, t: Texts, *, limit: int
) -> Prepared:
    """Asks the portal for the PDF, in one round trip, which also checks that the reader may still see it.

    Args:
        limit: the most bytes.

    Raises:
        PortalError: as ``Portal.invoice_pdf``; ``TooLarge`` over the limit.
    """
    async with database.read() as session:
        known = await uploaded_pdfs.find(session, bot.id, reader.account_id, number, t.language)
    known_etag = known.etag if known else None
    pdf = await portal.invoice_pdf(reader, number, language=t.language, known_etag=known_etag, limit=limit)
    new = InputFile(pdf.content, filename=file_name(t, number), attach=False) if pdf else None
    etag = pdf.etag if pdf else known_etag
    return Prepared(reader.account_id, number, t.language, etag, new, None if pdf else known)


async def send(
    bot: ExtBot[None],
    chat_id: int,
    prepared: Prepared,
    *,
    caption: Rendered | None = None,
) -> Message:
    """Send it, with a caption and its keyboard if one is given.

    Raises:
        BadRequest: among other reasons, Telegram no longer has a known upload: ``forget`` it.
    """
    document = prepared.new or (prepared.known.file_id if prepared.known else "")
    return await bot.send_document(
        chat_id,
        document,
        caption=caption.html if caption else None,
        parse_mode=ParseMode.HTML if caption else None,
        write_timeout=UPLOAD_SECONDS,
        read_timeout=UPLOAD_SECONDS,
        api_kwargs=caption.reply_markup if caption else None,
    )


async def remember(bot: ExtBot[None], database: Database, prepared: Prepared, sent: Message) -> None:
    """Keeps what Telegram calls a new upload, where the portal says by what to know it again."""
    if prepared.new is None or not prepared.etag or sent.document is None:
        return
    document = Document(
        bot_id=bot.id,
        account_id=prepared.account_id,
        number=prepared.number,
        language=prepared.language,
        file_id=sent.document.file_id,
        etag=prepared.etag,
    )
    async with database.write() as session:
        await uploaded_pdfs.save(session, document)


async def forget(database: Database, prepared: Prepared) -> None:
    """Forgets an upload that Telegram keeps no more."""
    if prepared.known is None:
        return
    async with database.write() as session:
        await uploaded_pdfs.delete_upload(session, prepared.known)
