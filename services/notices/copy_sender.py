"""Mails copies of new invoices to bookkeepers."""

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from mail.errors import MailError, MailMisconfigured
from mail.mailer import Attachment, Letter, Mailer
from portal.client import Portal, Reader
from portal.errors import PortalAway, PortalError, PortalUnavailable, TooLarge
from portal.models import Invoice
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.invoices import SMALL_PDF_BYTES, file_name, payment_lines
from services.mailing.letters import Unsubscribe, invoice_letter
from services.notices.copies import make_stop_token
from services.notices.delivery.outcomes import (
    Blocked,
    Cancelled,
    NotSent,
    Outcome,
    Retry,
    SendFunc,
    Sent,
    Uncertain,
    after_portal_error,
)
from storage import chats
from storage.database import Database
from storage.notices import bookkeeper_copies
from storage.notices.bookkeeper_copies import BookkeeperCopy
from storage.notices.outbox import ClaimedDelivery
from texts.catalogue import texts_in
from texts.language import Language

_PDF_WAIT = datetime.timedelta(hours=1)
"""How long a copy waits for its PDF before it is mailed without one."""
_PDF_LIMIT = 50 * 1024 * 1024

log = structlog.get_logger()


class CopySender:
    """Mails each new invoice once to a bookkeeper, with its PDF and an unsubscribe header.

    Args:
        large_document: Lock that the process holds while it has a large PDF in memory.
        public_url: Base URL for unsubscribe links; empty where the bot has none, then readers unsubscribe by mail.
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
        mail_from: str,
    ) -> None:
        self._database = database
        self._portal = portal
        self._mailer = mailer
        self._access = access
        self._large_document = large_document
        self._clock = clock
        self._company = company
        self._public_url = public_url
        self._mail_from = mail_from

    async def is_still_wanted(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """See ``Sender``. False if the copy was stopped or its link removed."""
        async with self._database.read() as session:
            return await bookkeeper_copies.find(session, batch[0].recipient) is not None

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
        if copy is None or claimed.number is None:
            return Cancelled("no longer wished for")
        link = chat.link(copy.link_id) if chat else None
        if link is None or self._access.is_idle(link):
            return Cancelled("not used for too long")
        language = Language(copy.language)
        reader = Reader(copy.contact_id, copy.account_id, language)
        contact = await self._access.contact(copy.contact_id)
        if await self._access.unlink_if_ended(contact, copy.link_id) is not None:
            return Cancelled("no longer allowed")
        invoice = await self._portal.invoice(reader, claimed.number)
        if invoice.is_cancelled:
            return Cancelled("invoice cancelled")
        try:
            pdf = await self._load_pdf(reader, invoice, language, SMALL_PDF_BYTES)
        except TooLarge:
            pdf = None  # read by send(), one large PDF at a time
        except PortalError as error:
            if isinstance(error, PortalAway) or self._clock() - claimed.occurred_at < _PDF_WAIT:
                # The invoice is there, so a PDF that is not may come, too.
                raise error if isinstance(error, PortalUnavailable) else PortalUnavailable(str(error)) from None
            log.warning("copy.without_pdf", reason=str(error))
            return partial(self._send, self._letter(claimed, copy, language, invoice, None))
        letter = partial(self._letter, claimed, copy, language, invoice)

        async def send() -> Outcome:
            if pdf is not None:
                return await self._send(letter(pdf))
            async with self._large_document:
                try:
                    large = await self._load_pdf(reader, invoice, language, _PDF_LIMIT)
                except PortalError as error:
                    return after_portal_error(error, reported=self._clock() - claimed.occurred_at)
                return await self._send(letter(large))

        return send

    async def _load_pdf(self, reader: Reader, invoice: Invoice, language: Language, limit: int) -> bytes:
        pdf = await self._portal.invoice_pdf(reader, invoice.number, language=language, limit=limit)
        if pdf is None:
            raise PortalUnavailable("no document")
        return pdf.content

    def _letter(
        self, claimed: ClaimedDelivery, copy: BookkeeperCopy, language: Language, invoice: Invoice, pdf: bytes | None
    ) -> Letter:
        today = self._clock().astimezone(self._company.zone).date()
        name = file_name(texts_in(language), invoice.number)
        letter = invoice_letter(
            copy.email,
            language,
            number=invoice.number,
            facts=lambda t: payment_lines(t, invoice, today),
            pdf=Attachment(name, pdf, "application/pdf") if pdf is not None else None,
            company=self._company.name,
            account=copy.account_name,
            unsubscribe=self._unsubscribe(copy),
            is_repetition=claimed.is_repetition,
            is_credit_note=invoice.is_credit_note,
            is_cancelled=invoice.is_cancelled,
        )
        # The repetition has the same Message-ID, by which servers and readers recognise it.
        message_id = self._database.vault.hash("message-id", f"{claimed.event_id}:{claimed.recipient}")
        return replace(letter, message_id=message_id)

    async def _send(self, letter: Letter) -> Outcome:
        try:
            await self._mailer.send(letter)
        except MailError as error:
            if isinstance(error, MailMisconfigured):
                log.error("mail.misconfigured", reason=str(error))
            return _after_mail_error(error)
        return Sent()

    def _unsubscribe(self, copy: BookkeeperCopy) -> Unsubscribe:
        token = make_stop_token(self._database.vault, copy)
        if self._public_url:
            return Unsubscribe(url=f"{self._public_url}/unsubscribe/{token}")
        return Unsubscribe(mailto=f"mailto:{self._mail_from}?subject=stop%20{token}")


def _after_mail_error(error: MailError) -> Uncertain | Blocked | Retry:
    if error.is_uncertain:
        return Uncertain("mail")
    if error.is_permanent:
        return Blocked()
    after = datetime.timedelta(seconds=error.retry_after) if error.retry_after else None
    return Retry("mail", after, is_outage=error.is_outage)
