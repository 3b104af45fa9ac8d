"""Mails codes after the chat has its answer, and closes codes that could not be mailed."""

import asyncio
import datetime
import secrets
from collections.abc import Callable
from dataclasses import replace
from math import ceil

import structlog

from mail.errors import MailError
from mail.mailer import Letter, Mailer
from portal.client import Portal
from portal.errors import PortalError
from portal.models import Contact
from services.clock import Clock
from services.codes import format_code
from services.company import Company
from services.linking.code_results import CodeRequested
from services.linking.code_retries import CodeRetries, OnLate
from services.mailing.copy_letters import copy_code_letter
from services.mailing.letters import code_letter, revoke_code_letter
from services.mailing.mailbox_alerts import MailboxAlerts
from services.mailing.sending import Pause
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

_UNCERTAIN_ATTEMPTS = 3
"""How often a mail is sent whose reply was lost after the content."""

_RANDOM = secrets.SystemRandom()

log = structlog.get_logger()


class CodeDelivery:
    """Mails codes. A code is accepted only while its mail is being sent, and after the mail server accepted it.

    Args:
        pause: Waits before the next attempt; returns False as soon as the process stops.
    """

    def __init__(
        self,
        database: Database,
        portal: Portal,
        mailer: Mailer,
        clock: Clock,
        alerts: MailboxAlerts,
        security: SecurityLog,
        *,
        company: Company,
        pause: Pause,
    ) -> None:
        self._database = database
        self._portal = portal
        self._mailer = mailer
        self._clock = clock
        self._alerts = alerts
        self._security = security
        self._company = company
        self._pause = pause

    async def deliver(self, request: CodeRequested, on_late: OnLate, *, first_name: str, language: Language) -> None:
        """Mail the code, if the portal knows the address; try again while the code is valid.

        The mail server is checked in both cases, so that failures do not reveal whether the address is known. A failure
        for this address alone is handled as if the portal did not know it, and is not told.

        Args:
            on_late: Called when the mail server cannot be used, and is tried again.
            first_name: The person's first name in Telegram, which the mail shows.
            language: The language of the mail, where the portal has none for the contact.

        Raises:
            PortalError, MailError: No mail was sent; the code is closed, and the person may request another one.
        """
        until = self._clock() + datetime.timedelta(minutes=request.minutes)
        retries = CodeRetries(self._database, self._clock, self._pause, request.code_id, until, on_late)
        await asyncio.sleep(_RANDOM.uniform(*_DELAY_SECONDS))
        while True:
            try:
                contacts, _ = await asyncio.gather(self._find_contacts_or_none(request.email), self._mailer.ready())
                await retries.end()
                break
            except PortalError:
                await self._close_unsent(request, "portal")
                raise
            except MailError as error:
                if await retries.again(error):
                    continue
                if retries.is_replaced:
                    return
                await self._close_unsent(request, "mail")
                raise
        language = (Language(contacts[0].language) if contacts and contacts[0].language else None) or language
        if not request.is_mailed:
            return
        if not contacts:
            await self._send_nothing(request)
            return

        def letter(minutes: int) -> Letter:
            made = code_letter(
                contacts[0].email, language, code=format_code(request.code), first_name=first_name,
                company=self._company, minutes=minutes,
            )  # fmt: skip
            return replace(made, is_for_stranger=True)

        try:
            await self._send(request, letter, until, None)
        except MailError as error:
            log.error("mail.refused" if error.is_permanent else "mail.not_sent", error=str(error))
            self._security.record(SecurityEvent.CODE_NOT_SENT, cause="refused", email=request.email)

    async def _send_nothing(self, request: CodeRequested) -> None:
        """Take as long as ``_send``, and make the same database writes."""
        await self._allow(request, None)
        await self._mailer.take_turn()
        await self._allow(request, None)

    async def _send(
        self,
        request: CodeRequested,
        letter: Callable[[int], Letter],
        until: datetime.datetime,
        on_late: OnLate | None,
    ) -> None:
        """Send the letter, again while it fails, and accept the code from then on.

        Between certain failures the code is not accepted. A mail that may have been sent is sent again, with the same
        Message-ID, and the code is accepted meanwhile.

        Args:
            letter: Makes the letter, for a code with so many minutes left.

        Raises:
            MailError: The mail was certainly not sent; the code is not accepted.
        """
        retries = CodeRetries(self._database, self._clock, self._pause, request.code_id, until, on_late)
        message_id, uncertain = secrets.token_hex(16), 0
        while True:
            now = self._clock()
            if not uncertain:
                await self._allow(request, min(until, now + _ACCEPTED_WHILE_SENDING))
            minutes = max(1, ceil((until - now) / datetime.timedelta(minutes=1)))
            try:
                await self._mailer.send(replace(letter(minutes), message_id=message_id))
            except MailError as error:
                uncertain += error.is_uncertain
                await self._allow(request, until if uncertain else None)
                if uncertain < _UNCERTAIN_ATTEMPTS and await retries.again(error):
                    continue
                if uncertain:
                    log.warning("mail.uncertain", error=str(error))
                elif not retries.is_replaced:
                    raise
                return
            await self._allow(request, until)
            await retries.end()
            return

    async def _allow(self, request: CodeRequested, until: datetime.datetime | None) -> None:
        async with self._database.write() as session:
            await codes.allow(session, request.code_id, until)

    async def deliver_copy_code(
        self, request: CodeRequested, on_late: OnLate, *, account: str, asked_by: str, language: Language
    ) -> None:
        """Mail the code that confirms a bookkeeper's address; try again while it is valid, for two hours at most.

        Args:
            asked_by: As ``copy_code_letter``.

        Raises:
            MailError: The code was not sent; it is closed.
        """

        def letter(minutes: int) -> Letter:
            return copy_code_letter(
                request.email, language, code=format_code(request.code), account=account, asked_by=asked_by,
                company=self._company, hours=ceil(minutes / 60),
            )  # fmt: skip

        await self._deliver_to_person(request, letter, on_late)

    async def deliver_revoke_code(self, request: CodeRequested, on_late: OnLate, *, language: Language) -> None:
        """Mail the code that confirms the revocation of an older chat; try again while it is valid.

        Raises:
            MailError: As ``deliver_copy_code``.
        """

        def letter(minutes: int) -> Letter:
            return revoke_code_letter(
                request.email, language, code=format_code(request.code), company=self._company, minutes=minutes
            )

        await self._deliver_to_person(request, letter, on_late)

    async def _deliver_to_person(
        self, request: CodeRequested, letter: Callable[[int], Letter], on_late: OnLate
    ) -> None:
        """Mail a code to an address that the person chose or proved: the chat may show a failure."""
        until = self._clock() + datetime.timedelta(minutes=request.minutes)
        try:
            await self._send(request, letter, until, on_late)
        except MailError:
            await self._close_unsent(request, "mail")
            raise

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
