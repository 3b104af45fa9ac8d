"""Mails codes after the chat has its answer, and closes codes that could not be mailed."""

import asyncio
import datetime
import secrets
from dataclasses import replace

import structlog

from mail.errors import MailError
from mail.mailer import Letter, Mailer
from portal.client import Portal
from portal.errors import PortalError
from portal.models import Contact
from services.clock import Clock
from services.codes import format_code
from services.linking.code_results import CodeRequested
from services.mailing.letters import code_letter, copy_code_letter, revoke_code_letter
from services.mailing.mailbox_alerts import MailboxAlerts
from services.mailing.sending import send_with_retries
from services.security import SecurityEvent, SecurityLog
from services.understanding.addresses import emails_in
from storage.database import Database
from storage.linking import codes, proofs
from texts.language import Language

_DELAY_SECONDS = (0.1, 0.4)
"""Range of the random pause before an address is looked up, in seconds: the processor time of a mail must not show in
the time of any answer (side channel)."""
_ACCEPTED_WHILE_SENDING = datetime.timedelta(minutes=3)
"""How long a code is accepted while its mail is being sent: if the process dies meanwhile, no longer than this."""

_RANDOM = secrets.SystemRandom()

log = structlog.get_logger()


class CodeDelivery:
    """Mails codes. A code is accepted only while its mail is being sent, and after the mail server accepted it."""

    def __init__(
        self,
        database: Database,
        portal: Portal,
        mailer: Mailer,
        clock: Clock,
        alerts: MailboxAlerts,
        security: SecurityLog,
        *,
        company: str,
    ) -> None:
        self._database = database
        self._portal = portal
        self._mailer = mailer
        self._clock = clock
        self._alerts = alerts
        self._security = security
        self._company = company

    async def deliver(self, request: CodeRequested, *, first_name: str, language: Language) -> None:
        """Mail the code, if the portal knows the address.

        The mail server is checked in both cases, so that failures do not reveal whether the address is known. A failure
        for this address alone is handled as if the portal did not know it.

        Args:
            first_name: The person's first name in Telegram, which the mail shows.
            language: The language of the mail, where the portal has none for the contact.

        Raises:
            PortalError, MailError: No mail was sent; the code is closed, and the person may request another one.
        """
        await asyncio.sleep(_RANDOM.uniform(*_DELAY_SECONDS))
        try:
            contacts, _ = await asyncio.gather(self._find_contacts_or_none(request.email), self._mailer.ready())
        except (PortalError, MailError) as error:
            cause = "mail" if isinstance(error, MailError) else "portal"
            await self._close_unsent(request, cause)
            raise
        language = (Language(contacts[0].language) if contacts and contacts[0].language else None) or language
        if request.is_mailed:
            letter = contacts and code_letter(
                contacts[0].email, language, code=format_code(request.code), first_name=first_name,
                company=self._company, minutes=request.minutes,
            )  # fmt: skip
            await self._mail_code(request, replace(letter, is_for_stranger=True) if letter else None)

    async def _mail_code(self, request: CodeRequested, letter: Letter | None) -> None:
        """Send the letter and accept the code. Without a letter, take as long and make the same database writes."""
        now = self._clock()
        async with self._database.write() as session:
            await codes.allow(session, request.code_id, now + _ACCEPTED_WHILE_SENDING if letter else None)
        if letter is None:
            await self._mailer.take_turn()
        sent = letter is not None and await send_with_retries(self._mailer, letter)
        if letter is not None and not sent:
            self._security.record(SecurityEvent.CODE_NOT_SENT, cause="refused", email=request.email)
        until = now + datetime.timedelta(minutes=request.minutes) if sent else None
        async with self._database.write() as session:
            await codes.allow(session, request.code_id, until)

    async def deliver_copy_code(self, request: CodeRequested, *, account: str, language: Language) -> None:
        """Mail the code that confirms a bookkeeper's address.

        Raises:
            MailError: The code was not sent, or possibly not; it is closed.
        """
        letter = copy_code_letter(
            request.email, language, code=format_code(request.code), account=account, company=self._company,
            minutes=request.minutes,
        )  # fmt: skip
        await self._deliver_to_person(request, letter)

    async def deliver_revoke_code(self, request: CodeRequested, *, language: Language) -> None:
        """Mail the code that confirms the revocation of an older chat.

        Raises:
            MailError: As ``deliver_copy_code``.
        """
        letter = revoke_code_letter(
            request.email, language, code=format_code(request.code), company=self._company, minutes=request.minutes
        )
        await self._deliver_to_person(request, letter)

    async def _deliver_to_person(self, request: CodeRequested, letter: Letter) -> None:
        """Mail a code to an address that the person chose or proved: the chat may show a failure."""
        until = self._clock() + datetime.timedelta(minutes=request.minutes)
        async with self._database.write() as session:
            await codes.allow(session, request.code_id, min(until, self._clock() + _ACCEPTED_WHILE_SENDING))
        try:
            await self._mailer.send(letter)
        except MailError:
            await self._close_unsent(request, "mail")
            raise
        async with self._database.write() as session:
            await codes.allow(session, request.code_id, until)

    async def _close_unsent(self, request: CodeRequested, cause: str) -> None:
        self._security.record(SecurityEvent.CODE_NOT_SENT, cause=cause, chat_id=request.chat_id, email=request.email)
        async with self._database.write() as session:
            await codes.fail(session, request.code_id)

    async def warn_owner(self, email: str, language: Language) -> None:
        """Warn the owner of an address by mail of unusual requests, if the portal knows the address.

        A warning that could not be sent does not count towards the limit of one a day.

        Args:
            language: The language of the mail, where the portal has none for the contact.
        """
        try:
            contacts = await find_contacts(self._portal, email)
            if not contacts:
                return
            their_language = Language(contacts[0].language) if contacts[0].language else language
            if await self._alerts.send_unusual_requests(contacts[0].email, their_language):
                self._security.record(SecurityEvent.OWNER_WARNED, email=email)
                return
        except PortalError as error:
            log.warning("linking.owner_not_warned", error=type(error).__name__)
        async with self._database.write() as session:
            await proofs.take_warning_back(session, email)

    async def _find_contacts_or_none(self, email: str) -> tuple[Contact, ...]:
        """Return the contacts with the address; none also where the portal fails for this address only.

        Otherwise a contact with an invalid record could be distinguished from an unknown address.

        Raises:
            PortalError: The portal also fails for a random address.
        """
        try:
            return await find_contacts(self._portal, email)
        except PortalError as failure:
            random_address = f"{secrets.token_hex(8)}@{email.rpartition('@')[2]}"
            try:
                await self._portal.find_contacts(random_address)
            except PortalError:
                raise failure from None
        try:
            return await find_contacts(self._portal, email)
        except PortalError as failure:
            log.error("linking.contact_unreadable", error=type(failure).__name__, reason=str(failure))
            return ()


async def find_contacts(portal: Portal, email: str) -> tuple[Contact, ...]:
    """Return the contacts with this address, each with its one address, which mail goes to, as the portal spells it."""
    found = []
    for contact in await portal.find_contacts(email):
        addresses = emails_in(contact.email)
        if email in addresses:
            found.append(contact.model_copy(update={"email": addresses[email]}))
        elif not addresses:
            log.warning("linking.address_unusable")  # without the address
    return tuple(found)
