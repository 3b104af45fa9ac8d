"""Codes on their way to a mailbox: mailed after the answer, and closed where they did not go."""

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
from services.codes import shown_code
from services.linking.code_results import CodeRequested
from services.mailing.letters import code_letter, copy_code_letter, revoke_code_letter
from services.mailing.mailbox_alerts import MailboxAlerts
from services.mailing.posting import post
from services.security import SecurityEvent, SecurityLog
from services.understanding import normal_email
from storage.database import Database
from storage.linking import codes, proofs
from texts.language import Language

_DELAY = (0.1, 0.4)
"""Seconds before an address is looked up, by chance: what a mail costs in processor time then falls on no answer that
the asker could time."""
_MAILING = datetime.timedelta(minutes=3)
"""How long a code opens while its mail is on the way: a process that dies meanwhile leaves it closed."""

_CHANCE = secrets.SystemRandom()

log = structlog.get_logger()


class CodeDelivery:
    """Mails codes. Only a code whose mail was accepted opens anything."""

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

    async def deliver(self, asked: CodeRequested, *, first_name: str, language: Language) -> None:
        """Mails the code, if the portal knows the address.

        The mail server is tried either way, so that what fails fails the same for a known and an unknown address; and
        whatever fails for this address alone is answered as if the portal did not know it.

        Raises:
            PortalError, MailError: nothing was sent to anybody; the code is closed, and the person may ask again.
        """
        await asyncio.sleep(_CHANCE.uniform(*_DELAY))
        try:
            contacts, _ = await asyncio.gather(self._contacts_or_none(asked.email), self._mailer.ready())
        except (PortalError, MailError) as error:
            cause = "mail" if isinstance(error, MailError) else "portal"
            await self._not_sent(asked, cause)
            raise
        language = (Language(contacts[0].language) if contacts and contacts[0].language else None) or language
        if asked.is_mailed:
            letter = contacts and code_letter(
                contacts[0].email, language, code=shown_code(asked.code), first_name=first_name,
                company=self._company, minutes=asked.minutes,
            )  # fmt: skip
            await self._mail_code(asked, replace(letter, is_for_stranger=True) if letter else None)

    async def _mail_code(self, asked: CodeRequested, letter: Letter | None) -> None:
        """Opens the code while its mail is on the way and once it is sent. Without a letter it writes as much."""
        now = self._clock()
        async with self._database.write() as session:
            await codes.allow(session, asked.code_id, now + _MAILING if letter else None)
        if letter is None:
            await self._mailer.take_turn()
        sent = letter is not None and await post(self._mailer, letter)
        if letter is not None and not sent:
            self._security.record(SecurityEvent.CODE_NOT_SENT, cause="refused", email=asked.email)
        until = now + datetime.timedelta(minutes=asked.minutes) if sent else None
        async with self._database.write() as session:
            await codes.allow(session, asked.code_id, until)

    async def deliver_copy_code(self, asked: CodeRequested, *, account: str, language: Language) -> None:
        """Mails the code that a bookkeeper's address is confirmed with. Raises ``MailError`` where it did not go."""
        letter = copy_code_letter(
            asked.email, language, code=shown_code(asked.code), account=account, company=self._company,
            minutes=asked.minutes,
        )  # fmt: skip
        await self._deliver_to_person(asked, letter)

    async def deliver_revoke_code(self, asked: CodeRequested, *, language: Language) -> None:
        """Mails the code that the revocation of an older chat needs. Raises ``MailError`` where it did not go."""
        letter = revoke_code_letter(
            asked.email, language, code=shown_code(asked.code), company=self._company, minutes=asked.minutes
        )
        await self._deliver_to_person(asked, letter)

    async def _deliver_to_person(self, asked: CodeRequested, letter: Letter) -> None:
        """To an address that the person named or proved: a failure is no secret, and is told."""
        until = self._clock() + datetime.timedelta(minutes=asked.minutes)
        async with self._database.write() as session:
            await codes.allow(session, asked.code_id, min(until, self._clock() + _MAILING))
        try:
            await self._mailer.send(letter)
        except MailError:
            await self._not_sent(asked, "mail")
            raise
        async with self._database.write() as session:
            await codes.allow(session, asked.code_id, until)

    async def _not_sent(self, asked: CodeRequested, cause: str) -> None:
        self._security.record(SecurityEvent.CODE_NOT_SENT, cause=cause, chat_id=asked.chat_id, email=asked.email)
        async with self._database.write() as session:
            await codes.fail(session, asked.code_id)

    async def warn_owner(self, email: str, language: Language) -> None:
        """Tells the owner of an address, where the portal knows one, of unusual requests.

        Where that fails, the next reason to warn them does: a warning that nobody got does not count as today's.
        """
        try:
            contacts = await contacts_of(self._portal, email)
            if not contacts:
                return
            spoken = Language(contacts[0].language) if contacts[0].language else language
            if await self._alerts.unusual_requests(contacts[0].email, spoken):
                self._security.record(SecurityEvent.OWNER_WARNED, email=email)
                return
        except PortalError as error:
            log.warning("linking.owner_not_warned", error=type(error).__name__)
        async with self._database.write() as session:
            await proofs.take_warning_back(session, email)

    async def _contacts_or_none(self, email: str) -> tuple[Contact, ...]:
        """The contacts; none also where the portal fails at this address and not at one that nobody has.

        Else a contact whose record is broken would be told apart from an address that the portal does not know.

        Raises:
            PortalError: the portal fails at any address.
        """
        try:
            return await contacts_of(self._portal, email)
        except PortalError as failure:
            nobody = f"{secrets.token_hex(8)}@{email.rpartition('@')[2]}"
            try:
                await self._portal.find_contacts(nobody)
            except PortalError:
                raise failure from None
        try:
            return await contacts_of(self._portal, email)
        except PortalError as failure:
            log.error("linking.contact_unreadable", error=type(failure).__name__, reason=str(failure))
            return ()


async def contacts_of(portal: Portal, email: str) -> tuple[Contact, ...]:
    """The portal's contacts with exactly this address: what is mailed goes to the address that the portal keeps."""
    found = await portal.find_contacts(email)
    return tuple(contact for contact in found if normal_email(contact.email) == email)
