"""Inline mode: ``@bot 212380`` in any chat offers that invoice's PDF to the person who types it.

An offer shows nothing but number and date, and only to this person. A PDF that Telegram does not have yet is not
offered: a button leads to the private chat, which opens the invoice there.
"""

from collections.abc import Sequence

import structlog
from msgspec import Struct
from telegram import InlineQuery, InlineQueryResultCachedDocument, InlineQueryResultsButton, Update
from telegram.error import TelegramError

from handlers.context import Context
from handlers.dispatch import confirm_access, note_told
from handlers.telegram import documents
from handlers.telegram.failures import classify
from handlers.telegram.reply import send
from handlers.text_input import log_foreign_context
from portal.client import Reader
from portal.errors import PortalError
from portal.models import Invoice, Part
from services import papers
from services.invoices import SMALL_PDF_BYTES
from services.papers import Hit
from services.security import SecurityEvent
from services.understanding.numbers import number_in
from services.understanding.payloads import paper_payload
from storage import chats
from storage.chats import LinkState
from storage.papers import uploaded_pdfs
from storage.privacy import consents
from storage.tables import ConsentPurpose
from texts.catalogue import message_id

_MOST_RESULTS = 10
_LEAST_CHARACTERS = 3
"""Of a number that is looked up: a client sends what is typed so far."""
_INVOICES, _LINK, _ACCOUNT, _PRIVACY = "factures", "lier", "compte", "confidentialite"
"""Commands as start parameters."""

log = structlog.get_logger()


class _Offer(Struct, frozen=True):
    """What an inline query is answered with: results, else a button to the private chat. ``cause`` is for the log."""

    cause: str
    text: str
    start: str
    results: tuple[InlineQueryResultCachedDocument, ...] = ()


async def on_inline(update: Update, context: Context) -> None:
    """Answer an inline query from the accounts of the person who types it."""
    query = update.inline_query
    if query is None or not context.services.has_inline_mode:
        log_foreign_context(context)
        return
    context.chat = await context.services.chat_cache.load(query.from_user.id)
    try:
        offer = await _offer(context, query.query)
    except PortalError as error:
        log.warning("inline.portal_failed", error=type(error).__name__, reason=str(error))
        offer = _Offer("portal", context.t("inline.away"), _INVOICES)
    if offer.cause != "no_number":  # what is typed so far: a line for each character would say nothing
        context.services.security.record(SecurityEvent.INLINE_OFFERED, cause=offer.cause, chat_id=context.chat.chat_id)
    if offer.results and await _answered(query, offer.results):
        return
    # Also where Telegram refuses the results: it may have deleted an upload.
    await _answered(query, (), InlineQueryResultsButton(offer.text, start_parameter=offer.start))


async def _answered(
    query: InlineQuery,
    results: Sequence[InlineQueryResultCachedDocument],
    button: InlineQueryResultsButton | None = None,
) -> bool:
    """Answer a query. Returns: False if Telegram refuses the answer: the query may be too old."""
    try:
        await query.answer(results, cache_time=0, is_personal=True, button=button)
    except TelegramError as error:
        log.info("inline.not_answered", kind=classify(error).kind, error=type(error).__name__)
        return False
    return True


async def _offer(context: Context, text: str) -> _Offer:
    """Return what a query is answered with.

    Raises:
        PortalError: the portal does not answer.
    """
    t, chat_id = context.t, context.chat.chat_id
    if context.chat.current is None:
        return _Offer("not_linked", t("inline.link"), _LINK)
    if ended := await confirm_access(context):
        await send(context, ended, to=chat_id)
        await note_told(context)
        return _Offer("access_ended", t("inline.ask_chat"), _ACCOUNT)
    async with context.services.database.read() as session:
        is_allowed = await consents.last_word(session, chat_id, ConsentPurpose.INLINE)
    if is_allowed is False:
        return _Offer("withdrawn", t("inline.off"), _PRIVACY)
    usable = [link for link in context.chat.links if not context.services.access.is_idle(link)]
    if not usable:
        return _Offer("idle", t("inline.ask_chat"), _ACCOUNT)
    typed = number_in(text)
    if typed is None or not typed.has_digit or len(typed.text) < _LEAST_CHARACTERS:
        return _Offer("no_number", t("inline.type_number"), _INVOICES)
    links = [link for link in usable if Part.INVOICES in link.access]
    hits = await papers.find_exactly(context.services.portal, links, typed.text, context.language, (Part.INVOICES,))
    made = [await _result(context, hit, at) for at, hit in enumerate(hits[:_MOST_RESULTS])]
    # A link may have been removed while the portal answered.
    await context.reload()
    own = [(hit, result) for hit, result in zip(hits, made, strict=False) if context.chat.link(hit.link_id)]
    if not own:
        return _Offer("not_found", t("inline.not_found", number=typed.text), _INVOICES)
    results = tuple(result for _, result in own if result is not None)
    if results and is_allowed is None:
        await _record_consent(context)
    number, cause = own[0][0].number, "pdf" if results else "button"
    start = paper_payload(Part.INVOICES, number) or _INVOICES
    return _Offer(cause, t("inline.open", number=number), start, results)


async def _record_consent(context: Context) -> None:
    """Record the first request that is answered with a PDF as consent: the person typed it."""
    now, chat_id = context.services.clock(), context.chat.chat_id
    async with context.services.database.write() as session:
        await chats.ensure(session, chat_id, now)
        await consents.record(
            session, chat_id, [ConsentPurpose.INLINE], consents.WHOLE_CHAT,
            context.wording(message_id("inline.type_number")), now, is_given=True,
        )  # fmt: skip


async def _result(context: Context, hit: Hit, at: int) -> InlineQueryResultCachedDocument | None:
    """Return the result of an invoice; None where Telegram does not have its present PDF.

    Args:
        at: the place in the list, which is the id of the result.
    """
    link = context.chat.link(hit.link_id)
    if link is None or not isinstance(hit.paper, Invoice):
        return None
    file_id = await _file_id(context, link, hit.number)
    if file_id is None:
        return None
    title = context.t("inline.result", number=hit.number, date=context.t.formats.long_date(hit.paper.date))
    return InlineQueryResultCachedDocument(str(at), title, file_id)


async def _file_id(context: Context, link: LinkState, number: str) -> str | None:
    """Return the ``file_id`` of an upload that the portal says to be the present PDF; None if there is none."""
    services = context.services
    async with services.database.read() as session:
        known = await uploaded_pdfs.find(session, context.bot.id, link.account_id, number, context.language)
    if known is None:
        return None
    reader = Reader(link.contact_id, link.account_id, context.language.shipped)
    try:
        async with services.documents:
            pdf = await documents.load_pdf(
                context.bot, services.database, services.portal, reader, number, context.t, limit=SMALL_PDF_BYTES
            )
    except PortalError:
        return None
    return pdf.known.file_id if pdf.known else None
