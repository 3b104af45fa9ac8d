"""New invoices on their way to bookkeepers, by mail."""

import asyncio
import datetime
from collections.abc import Sequence
from functools import partial

import structlog

from mail.errors import MailMisconfigured, MailRefused, MailUnavailable
from mail.mailer import Attachment, Letter, Mailer
from portal.client import Portal, Reader
from portal.errors import Forbidden as PortalForbidden
from portal.errors import NotFound, PortalError, PortalRefused, PortalUnavailable, TooLarge
from portal.models import Invoice
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.invoices import SMALL_PDF, file_name, payment
from services.mailing.letters import Stop, invoice_letter
from services.notices.copies import stop_token
from services.notices.delivery import Blocked, Cancelled, Outcome, Retry, SendFunc, Sent, Uncertain, Unsent
from storage import chats
from storage.database import Database
from storage.notices import bookkeeper_copies
from storage.notices.bookkeeper_copies import BookkeeperCopy
from storage.notices.outbox import Claimed
from texts.catalogue import texts_in
from texts.language import Language

_PDF_LIMIT = 50 * 1024 * 1024
_REFUSED_PAUSE = datetime.timedelta(minutes=10)

log = structlog.get_logger()


class MailCarrier:
    """New invoices to bookkeepers, each once, with its PDF and the way to stop."""

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

    async def may_leave(self, batch: Sequence[Claimed]) -> bool:
        """See ``Carrier``: the copy must not have been stopped, nor its link removed, meanwhile."""
        async with self._database.read() as session:
            return await bookkeeper_copies.find(session, batch[0].recipient) is not None

    async def render(self, batch: Sequence[Claimed]) -> SendFunc | Unsent:
        """See ``Carrier``. A batch to a bookkeeper is one delivery: quiet hours are for chats."""
        claimed = batch[0]
        async with self._database.read() as session:
            copy = await bookkeeper_copies.find(session, claimed.recipient)
            chat = await chats.load(session, copy.chat_id) if copy else None
        if copy is None or claimed.number is None:
            return Cancelled("no longer wished for")
        link = chat.link(copy.link_id) if chat else None
        if link is None or self._access.is_idle(link):
            return Cancelled("not used for too long")
        reader = Reader(copy.contact_id, copy.account_id)
        language = Language(copy.language)
        try:
            contact = await self._access.contact(copy.contact_id)
            if await self._access.ended_by(contact, copy.link_id) is not None:
                return Cancelled("no longer allowed")
            invoice = await self._portal.invoice(reader, claimed.number)
            pdf = await self._pdf(reader, invoice, language, SMALL_PDF)
        except TooLarge:
            pdf = None  # fetched when it is sent, one large one at a time
        except PortalError as error:
            return _unsent(error)
        letter = partial(self._letter, copy, language, invoice)

        async def send() -> Outcome:
            if pdf is not None:
                return await self._send(letter(pdf))
            async with self._large_document:
                try:
                    large = await self._pdf(reader, invoice, language, _PDF_LIMIT)
                except PortalError as error:
                    return _unsent(error)
                return await self._send(letter(large))

        return send

    async def _pdf(self, reader: Reader, invoice: Invoice, language: Language, limit: int) -> bytes:
        pdf = await self._portal.invoice_pdf(reader, invoice.number, language=language, limit=limit)
        if pdf is None:
            raise PortalUnavailable("no document")
        return pdf.content

    def _letter(self, copy: BookkeeperCopy, language: Language, invoice: Invoice, pdf: bytes) -> Letter:
        today = self._clock().astimezone(self._company.zone).date()
        name = file_name(texts_in(language), invoice.number)
        return invoice_letter(
            copy.email,
            language,
            number=invoice.number,
            facts=lambda t: payment(t, invoice, today),
            pdf=Attachment(name, pdf, "application/pdf"),
            company=self._company.name,
            account=copy.account_name,
            stop=self._stop(copy),
        )

    async def _send(self, letter: Letter) -> Outcome:
        try:
            await self._mailer.send(letter)
        except MailUnavailable as error:
            return Uncertain("mail") if error.written else Retry("mail")
        except MailRefused:
            return Blocked()
        except MailMisconfigured as error:
            log.error("mail.misconfigured", reason=str(error))
            return Retry("mail", _REFUSED_PAUSE)
        return Sent()

    def _stop(self, copy: BookkeeperCopy) -> Stop:
        token = stop_token(self._database.vault, copy)
        if self._public_url:
            return Stop(url=f"{self._public_url}/unsubscribe/{token}")
        return Stop(mailto=f"mailto:{self._mail_from}?subject=stop%20{token}")


def _unsent(error: PortalError) -> Cancelled | Retry:
    """What a portal's failure means for a copy."""
    if isinstance(error, NotFound | PortalForbidden | TooLarge):
        return Cancelled(type(error).__name__)
    return Retry(f"portal: {error}", _REFUSED_PAUSE if isinstance(error, PortalRefused) else None)
