"""Mails copies of new invoices to bookkeepers."""

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

import structlog

from mail.errors import MailError, MailMisconfigured, MailRefused, Refusal
from mail.mailer import Attachment, Letter, Mailer
from portal.client import Portal, Reader
from portal.errors import NotReady, PortalAway, PortalError, PortalUnavailable, TooLarge
from portal.models import Invoice
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.features import Feature
from services.invoices import SMALL_PDF_BYTES, file_name, payment_lines
from services.mailing.copy_letters import MissingPdf, Unsubscribe, invoice_letter
from services.notices.copies import StopRequest, make_stop_token, pause, token_vault
from services.notices.delivery.outcomes import (
    Blocked,
    Cancelled,
    Deferred,
    NotSent,
    Outcome,
    Retry,
    SendFunc,
    Sent,
    Uncertain,
    after_portal_error,
)
from services.notices.delivery.sealed_links import outcome_without_key
from storage import chats
from storage.database import Database
from storage.health.errors import is_database_error
from storage.linking import access
from storage.notices import bookkeeper_copies, feed
from storage.notices.bookkeeper_copies import BookkeeperCopy, MailedBefore
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import ClaimedDelivery
from storage.tables import Channel, Kind
from storage.vault import Vault
from texts.catalogue import texts_in
from texts.language import Language

_PDF_LIMIT = 18 * 1024 * 1024
"""Octets. Base64 makes 25 MB of them, the most that large mail services take."""
_PDF_ATTEMPTS = 6
"""Attempts, over about five minutes, before a mail goes without a PDF that the portal cannot make."""
_NOT_READY_ATTEMPTS = 10
"""The same while the portal says that it still makes it: about half an hour."""
_OTHER_COPY_PAUSE = datetime.timedelta(seconds=60)
_REFUSED_US_PAUSE = datetime.timedelta(hours=1)
_LEAST_ATTEMPTS = 24
_TRIED_FOR = datetime.timedelta(days=2)
"""How long, and how often at the least, one address is tried that refuses for now, or refuses us."""

log = structlog.get_logger()


class CopySender:
    """Mails each new invoice once to a bookkeeper, with its PDF and an unsubscribe header.

    Args:
        large_document: Lock that the process holds while it has a large PDF in memory.
        public_url: Base URL for unsubscribe links; empty where the bot has none, then readers unsubscribe by mail.
        stop_address: The address where mails that ask to stop are acted on; empty where there is none.
        reads_replies: Whether replies to that address are read, and stop the copies.
    """

    is_paced = False

    def __init__(
        self,
        database: Database,
        portal: Portal,
        mailer: Mailer,
        access: Access,
        large_document: asyncio.Lock,
        clock: Clock,
        company: Company,
        *,
        public_url: str,
        stop_address: str,
        reads_replies: bool,
    ) -> None:
        self._database = database
        self._portal = portal
        self._mailer = mailer
        self._access = access
        self._large_document = large_document
        self._clock = clock
        self._company = company
        self._public_url = public_url
        self._stop_address = stop_address
        self._reads_replies = reads_replies
        self._token_vault: Vault | None = None

    async def is_still_wanted(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """See ``Sender``. False if the copy was stopped or paused, or its link removed."""
        async with self._database.read() as session:
            copy = await bookkeeper_copies.find(session, batch[0].recipient)
        return copy is not None and copy.paused_at is None

    async def is_reachable(self) -> bool:
        """See ``Sender``."""
        try:
            await self._mailer.ready()
        except MailError as error:
            return not error.is_outage
        return True

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent:
        """See ``Sender``. A batch has one delivery: only quiet hours of chats make larger ones."""
        claimed = batch[0]
        async with self._database.read() as session:
            copy = await bookkeeper_copies.find(session, claimed.recipient)
            chat = await chats.load(session, copy.chat_id) if copy else None
            mailed = await bookkeeper_copies.mailed_before(session, claimed, copy.email) if copy else MailedBefore.NO
            is_sealed = copy is None and await bookkeeper_copies.is_sealed(session, claimed.recipient)
        if is_sealed or (copy and chat and copy.link_id in chat.sealed_links):
            await self._tell_of_sealed_copy(claimed)
            return outcome_without_key(claimed, self._clock())
        if Feature.COPIES not in self._company.features:
            return Cancelled("copies are switched off")
        if copy is None or copy.paused_at is not None or claimed.number is None:
            return Cancelled("no longer wished for")
        if mailed is MailedBefore.YES:
            return Cancelled(bookkeeper_copies.ALREADY_MAILED)
        if mailed is MailedBefore.WAITING:
            return Deferred(self._clock() + _OTHER_COPY_PAUSE)
        link = chat.link(copy.link_id) if chat else None
        if link is None or self._access.is_idle(link):
            return Cancelled("not used for too long")
        reader = Reader(copy.contact_id, copy.account_id, Language.stored(copy.language).shipped)
        contact = await self._access.contact(copy.contact_id)
        if await self._access.unlink_if_ended(contact, copy.link_id) is not None:
            return Cancelled("no longer allowed")
        invoice = await self._portal.invoice(reader, claimed.number)
        if invoice.is_cancelled and not claimed.is_repetition:
            return Cancelled("invoice cancelled")
        load = partial(self._load_pdf, claimed, reader, invoice, Language.stored(copy.language).shipped)
        pdf = await load(SMALL_PDF_BYTES)

        async def send() -> Outcome:
            if pdf is not MissingPdf.TOO_LARGE:
                return await self._send(claimed, copy, invoice, pdf)
            async with self._large_document:  # one large PDF at a time
                try:
                    large = await load(_PDF_LIMIT)
                except PortalError as error:
                    return after_portal_error(error, reported=self._clock() - claimed.occurred_at)
                return await self._send(claimed, copy, invoice, large)

        return send

    async def _load_pdf(
        self, claimed: ClaimedDelivery, reader: Reader, invoice: Invoice, language: Language, limit: int
    ) -> bytes | MissingPdf:
        """Return the PDF, or why the mail goes without it.

        Raises:
            PortalUnavailable: There is none yet; try again later.
        """
        try:
            pdf = await self._portal.invoice_pdf(reader, invoice.number, language=language, limit=limit)
        except TooLarge:
            return MissingPdf.TOO_LARGE
        except PortalAway:
            raise
        except PortalError as error:
            if claimed.attempts >= (_NOT_READY_ATTEMPTS if isinstance(error, NotReady) else _PDF_ATTEMPTS):
                log.warning("copy.pdf_not_made", error=type(error).__name__, attempts=claimed.attempts)
                return MissingPdf.NOT_MADE
            if isinstance(error, PortalUnavailable):
                raise
            raise PortalUnavailable("no document") from None
        if pdf is None:
            raise PortalUnavailable("no document")
        return pdf.content

    async def _letter(
        self, claimed: ClaimedDelivery, copy: BookkeeperCopy, invoice: Invoice, pdf: bytes | MissingPdf
    ) -> Letter:
        if self._token_vault is None:
            self._token_vault = await token_vault(self._database, self._clock())
        today, language = self._clock().astimezone(self._company.zone).date(), Language.stored(copy.language)
        name = file_name(texts_in(language), invoice.number, is_credit_note=invoice.is_credit_note)
        letter = invoice_letter(
            copy.email,
            language,
            number=invoice.number,
            facts=lambda t: payment_lines(t, invoice, today),
            pdf=pdf if isinstance(pdf, MissingPdf) else Attachment(name, pdf, "application/pdf"),
            portal_page=invoice.url or "",
            company=self._company,
            account=copy.account_name,
            unsubscribe=self._unsubscribe(self._token_vault, copy),
            is_repetition=claimed.is_repetition,
            is_credit_note=invoice.is_credit_note,
            is_cancelled=invoice.is_cancelled,
        )
        # The repetition has the same Message-ID, by which servers and readers recognise it.
        message_id = self._database.vault.hash("message-id", f"{claimed.event_id}:{claimed.recipient}")
        return replace(letter, message_id=message_id)

    async def _send(
        self, claimed: ClaimedDelivery, copy: BookkeeperCopy, invoice: Invoice, pdf: bytes | MissingPdf
    ) -> Outcome:
        letter = await self._letter(claimed, copy, invoice, pdf)
        try:
            await self._mailer.send(letter)
        except MailRefused as error:
            if error.about is Refusal.SIZE and not isinstance(pdf, MissingPdf):
                return await self._send(claimed, copy, invoice, MissingPdf.TOO_LARGE)
            return await self._after_refusal(claimed, copy, error)
        except MailError as error:
            if isinstance(error, MailMisconfigured):
                log.error("mail.misconfigured", reason=str(error))
            if not (error.is_outage or error.is_uncertain) and self._is_given_up(claimed):
                return await self._pause(claimed, copy)
            return _after_mail_error(error)
        if not isinstance(pdf, MissingPdf):
            return Sent()
        await self._report_missing_pdf(claimed, copy)
        return Sent(pdf)

    async def _after_refusal(self, claimed: ClaimedDelivery, copy: BookkeeperCopy, error: MailRefused) -> Outcome:
        """Pause the copies to an address that takes no mail. What concerns us is the operator's: try again later."""
        # Without a PDF no letter is large: a mailbox that is full was meant.
        if error.about is not Refusal.OURS or self._is_given_up(claimed):
            return await self._pause(claimed, copy)
        log.error("mail.refused_us", reason=str(error), about=error.about)
        return Retry("mail refused us", _REFUSED_US_PAUSE)

    def _is_given_up(self, claimed: ClaimedDelivery) -> bool:
        """Return whether a mail was tried for so long that the address counts as one that takes none."""
        return claimed.attempts >= _LEAST_ATTEMPTS and self._clock() - claimed.occurred_at > _TRIED_FOR

    async def _pause(self, claimed: ClaimedDelivery, copy: BookkeeperCopy) -> Outcome:
        try:
            paused = await pause(
                self._database, StopRequest(copy.account_id, copy.email), claimed.number, self._clock()
            )
        except Exception as error:
            if not is_database_error(error):
                raise
            return Retry(f"database: {type(error).__name__}")
        log.warning("copy.paused", count=paused)
        return Blocked()

    async def _report_missing_pdf(self, claimed: ClaimedDelivery, copy: BookkeeperCopy) -> None:
        """Queue a notice to the chat that a mail went without its PDF; the mail is sent, whatever comes of this."""
        event_id, now = f"{Kind.COPY_WITHOUT_PDF}:{claimed.delivery_id}", self._clock()
        try:
            async with self._database.write() as session:
                if not await feed.known_events(session, [event_id]):
                    notice = NewNotice(event_id, Kind.COPY_WITHOUT_PDF, copy.account_id, claimed.number, now)
                    delivery = NewDelivery(Channel.TELEGRAM, copy.chat_id, copy.link_id, now)
                    await feed.record(session, notice, [delivery])
        except Exception as error:
            if not is_database_error(error):
                raise
            log.warning("copy.missing_pdf_not_told", error=type(error).__name__)

    async def _tell_of_sealed_copy(self, claimed: ClaimedDelivery) -> None:
        """Tell the chat once, and as soon as a key opens its link, that no key opens the address of its copy."""
        event_id, now = f"{Kind.COPY_SEALED}:{claimed.recipient}", self._clock()
        async with self._database.write() as session:
            found = await access.links_to_confirm(session, link_ids=[claimed.link_id])
            if found and not await feed.known_events(session, [event_id]):
                notice = NewNotice(event_id, Kind.COPY_SEALED, claimed.account_id, None, now)
                delivery = NewDelivery(Channel.TELEGRAM, found[0].chat_id, claimed.link_id, now)
                await feed.record(session, notice, [delivery])

    def _unsubscribe(self, vault: Vault, copy: BookkeeperCopy) -> Unsubscribe:
        token = make_stop_token(vault, copy)
        url = f"{self._public_url}/unsubscribe/{token}" if self._public_url else ""
        if not self._stop_address and url:
            return Unsubscribe(url)
        # Without either setting, copies that were set up before go on, and somebody reads what comes to the sender.
        address = quote(self._stop_address or self._company.mail_address, safe="@")
        mailto = f"mailto:{address}?subject=stop%20{token}"
        reply_to = self._stop_address if self._reads_replies else ""
        return Unsubscribe(url, mailto, reply_to, is_by_hand=not self._stop_address)


def _after_mail_error(error: MailError) -> Uncertain | Retry:
    if error.is_uncertain:
        return Uncertain("mail")
    after = datetime.timedelta(seconds=error.retry_after) if error.retry_after else None
    return Retry("mail", after, is_outage=error.is_outage)
