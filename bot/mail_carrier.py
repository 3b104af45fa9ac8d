"""New invoices on their way to bookkeepers, by mail."""

import datetime
from collections.abc import Sequence

import structlog

from bot.company import Company
from handlers import documents
from handlers.screens.invoices import payment
from mail.errors import MailMisconfigured, MailRefused, MailUnavailable
from mail.mailer import Attachment, Mailer
from portal.client import Portal, Reader
from portal.errors import Forbidden as PortalForbidden
from portal.errors import NotFound, PortalError, PortalRefused, TooLarge
from services.access import Access
from services.clock import Clock
from services.copies import stop_token
from services.delivery import Blocked, Cancelled, Outcome, Ready, Retry, Sent, Uncertain, Unsent
from services.letters import Stop, invoice_letter
from storage import chats, wishes
from storage.database import Database
from storage.outbox import Claimed
from storage.wishes import CopyTo
from texts.catalogue import texts_in
from texts.language import Language

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
        self._clock = clock
        self._company = company
        self._public_url = public_url
        self._mail_from = mail_from

    async def may_leave(self, parcel: Sequence[Claimed]) -> bool:
        """See ``Carrier``: the copy must not have been stopped, nor its link removed, meanwhile."""
        async with self._database.read() as session:
            return await wishes.copy(session, parcel[0].recipient) is not None

    async def render(self, parcel: Sequence[Claimed]) -> Ready | Unsent:
        """See ``Carrier``. A parcel to a bookkeeper is one delivery: quiet hours are for chats."""
        claimed = parcel[0]
        async with self._database.read() as session:
            copy = await wishes.copy(session, claimed.recipient)
            chat = await chats.load(session, copy.chat_id) if copy else None
        if copy is None or claimed.number is None:
            return Cancelled("no longer wished for")
        link = chat.link(copy.link_id) if chat else None
        if link is None or self._access.is_idle(link):
            return Cancelled("not used for too long")
        reader = Reader(copy.contact_id, copy.account_id)
        language = Language(copy.language)
        limit = documents.UPLOAD_LIMIT
        try:
            contact = await self._access.contact(copy.contact_id)
            if await self._access.ended_by(contact, copy.link_id) is not None:
                return Cancelled("no longer allowed")
            invoice = await self._portal.invoice(reader, claimed.number)
            pdf = await self._portal.invoice_pdf(reader, claimed.number, language=language, limit=limit)
        except (NotFound, PortalForbidden, TooLarge) as error:
            return Cancelled(type(error).__name__)
        except PortalRefused as error:
            return Retry(f"portal: {error}", _REFUSED_PAUSE)
        except PortalError as error:
            return Retry(f"portal: {error}")
        if pdf is None:
            return Retry("portal: no document")
        today = self._clock().astimezone(self._company.zone).date()
        name = documents.file_name(texts_in(language), claimed.number)
        letter = invoice_letter(
            copy.email,
            language,
            number=claimed.number,
            facts=lambda t: payment(t, invoice, today),
            pdf=Attachment(name, pdf.content, "application/pdf"),
            company=self._company.name,
            account=copy.account_name,
            stop=self._stop(copy),
        )

        async def send() -> Outcome:
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

        return send

    def _stop(self, copy: CopyTo) -> Stop:
        token = stop_token(self._database.vault, copy)
        if self._public_url:
            return Stop(url=f"{self._public_url}/unsubscribe/{token}")
        return Stop(mailto=f"mailto:{self._mail_from}?subject=stop%20{token}")
