"""Linking: a chat proves a mailbox with a code, and may then act as that mailbox's contacts on their accounts.

What a stranger sees is the same, in the same time, for an address the portal knows and one it does not: the portal is
asked and the mail is sent by ``deliver``, after the answer.
"""

import asyncio
import datetime
import secrets
from dataclasses import dataclass, field
from math import ceil

import structlog

from mail.errors import MailError, MailUnavailable
from mail.mailer import Letter, Mailer
from portal.client import Portal
from portal.errors import PortalError
from portal.models import Contact
from services.clock import Clock
from services.letters import code_letter, copy_code_letter, linked_letter
from services.understanding import normal_email
from storage import chats, codes, wishes
from storage.chats import Awaiting, NewLink
from storage.codes import StoredCode
from storage.database import Database, Session
from storage.tables import Awaited, CodeState
from texts.language import Language

CODE_MINUTES = 10
ATTEMPTS = 5
RESEND_AFTER = datetime.timedelta(seconds=60)
ASKS_AN_HOUR = 5
_HOUR = datetime.timedelta(hours=1)
_MAIL_PAUSES = (0.0, 1.0, 3.0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """A code is stored; ``deliver`` mails it where there is somebody to mail it to."""

    chat_id: int
    code_id: int
    email: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TooSoon:
    """Another code may be asked for in so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class TooOften:
    """No more codes before this time."""

    until: datetime.datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """The code was right: ``finish`` makes the links."""


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code was another one; ``left`` attempts remain, and at 0 it is burnt."""

    left: int


@dataclass(frozen=True, slots=True)
class CodeExpired:
    """There is no code any more that could be right."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The accounts that the proven address opens, in the portal's order."""

    email: str = field(repr=False)
    language: Language | None
    links: tuple[NewLink, ...] = field(repr=False)
    is_new: bool


class Linking:
    """Asks for codes, checks them, makes and tells of links."""

    def __init__(
        self, database: Database, portal: Portal, mailer: Mailer, clock: Clock, *, company: str, support: str
    ) -> None:
        self._database = database
        self._portal = portal
        self._mailer = mailer
        self._clock = clock
        self._company = company
        self._support = support

    async def await_email(self, chat_id: int) -> None:
        """The next text is an address."""
        now = self._clock()
        async with self._database.write() as session:
            await chats.set_awaiting(session, chat_id, Awaiting(Awaited.EMAIL, now + _HOUR), now)

    async def ask(self, chat_id: int, email: str, *, for_link: int | None = None) -> CodeAsked | TooSoon | TooOften:
        """Stores a new code for an address (normal form), unless the chat or the address asked too often.

        ``for_link`` asks for a bookkeeper's copy of that link's invoices, else for linking.
        """
        now = self._clock()
        code = f"{secrets.randbelow(1_000_000):06}"
        async with self._database.write() as session:
            await chats.ensure(session, chat_id, now)
            asked = await codes.asked_since(session, chat_id, email, now - _HOUR)
            # Another address is no second asking: whoever mistyped theirs need not wait.
            if asked.by_email and now - asked.by_email[-1] < RESEND_AFTER:
                return TooSoon(ceil((asked.by_email[-1] + RESEND_AFTER - now).total_seconds()))
            for times in asked.by_chat, asked.by_email:
                if len(times) >= ASKS_AN_HOUR:
                    return TooOften(times[-ASKS_AN_HOUR] + _HOUR)
            expires_at = now + datetime.timedelta(minutes=CODE_MINUTES)
            code_id = await codes.replace(
                session, chat_id, email, code, now=now, expires_at=expires_at, for_link=for_link
            )
            what = Awaited.CODE if for_link is None else Awaited.COPY_CODE
            await chats.set_awaiting(session, chat_id, Awaiting(what, now + _HOUR, for_link), now)
        return CodeAsked(chat_id, code_id, email, code)

    async def ask_again(self, chat_id: int) -> CodeAsked | TooSoon | TooOften | None:
        """A new code for the address that was given last; ``None`` where none is remembered."""
        async with self._database.read() as session:
            known = await codes.latest(session, chat_id, *CodeState)
        return await self.ask(chat_id, known.email) if known else None

    async def deliver(self, asked: CodeAsked, *, first_name: str, language: Language) -> None:
        """Mails the code, if the portal knows the address.

        The mail server is tried either way, so that what fails fails the same for a known and an unknown address.

        Raises:
            PortalError, MailError: nothing was sent; the code does not count, and the person may try again.
        """
        try:
            contacts, _ = await asyncio.gather(self._contacts(asked.email), self._mailer.ready())
        except (PortalError, MailError):
            async with self._database.write() as session:
                await codes.discount(session, asked.code_id)
            raise
        if not contacts:
            return
        spoken = Language(contacts[0].language) if contacts[0].language else language
        letter = code_letter(
            contacts[0].email, spoken, code=asked.code, first_name=first_name, company=self._company,
            minutes=CODE_MINUTES,
        )  # fmt: skip
        await self._post(letter)

    async def deliver_copy_code(self, asked: CodeAsked, *, account: str, language: Language) -> None:
        """Mails the code that a bookkeeper's address is confirmed with. Raises ``MailError`` where it did not go."""
        letter = copy_code_letter(
            asked.email, language, code=asked.code, account=account, company=self._company, minutes=CODE_MINUTES
        )
        try:
            await self._mailer.send(letter)
        except MailError:
            async with self._database.write() as session:
                await codes.discount(session, asked.code_id)
            raise

    async def check(self, chat_id: int, code: str, *, for_link: int | None = None) -> Proven | WrongCode | CodeExpired:
        """Takes one attempt at the chat's live code."""
        now = self._clock()
        async with self._database.write() as session:
            known = await codes.latest(session, chat_id, CodeState.LIVE, for_link=for_link)
            if known is None:
                return await self._still_proven(session, chat_id, code)
            if known.expires_at <= now:
                return CodeExpired()
            left = await codes.take_attempt(session, known.code_id, ATTEMPTS)
            if left is None:
                return CodeExpired()
            if codes.is_right(session, known, chat_id, code):
                return (
                    Proven()
                    if await codes.move(session, known.code_id, CodeState.LIVE, CodeState.PROVEN)
                    else CodeExpired()
                )
            if left == 0:
                await codes.move(session, known.code_id, CodeState.LIVE, CodeState.CLOSED)
            return WrongCode(left)

    async def finish(self, chat_id: int, first_name: str) -> Linked | CodeExpired:
        """Links the chat to every account of every contact with the proven address.

        Raises:
            PortalError: nothing was linked; the proof stays good until the code would have expired.
        """
        proven = await self._proven(chat_id)
        if proven is None:
            return CodeExpired()
        contacts = await self._contacts(proven.email)
        if not contacts:  # a stranger's address, and a guess in a million
            return CodeExpired()
        links = tuple(
            NewLink(contact.contact_id, account.account_id, account.name, frozenset(account.access), proven.email)
            for contact in contacts
            for account in contact.accounts
        )
        now = self._clock()
        async with self._database.write() as session:
            if not await codes.move(session, proven.code_id, CodeState.PROVEN, CodeState.CLOSED):
                return CodeExpired()
            await codes.close_all(session, chat_id)
            is_new = chat_id not in await chats.chats_of_email(session, proven.email)
            await chats.set_awaiting(session, chat_id, None, now)
            await chats.add_links(session, chat_id, first_name, links, now)
        language = Language(contacts[0].language) if contacts[0].language else None
        return Linked(contacts[0].email, language, links, is_new)

    async def purge(self, limit: int) -> int:
        """Forgets codes, and the addresses with them, that no limit counts any more, so many at the most; how many."""
        async with self._database.write() as session:
            return await codes.purge(session, self._clock() - _HOUR, limit)

    async def tell_contact(self, linked: Linked, *, first_name: str, language: Language) -> None:
        """Mails the contact that a chat was linked. A mail that fails is logged: the link stands either way."""
        spoken = linked.language or language
        letter = linked_letter(
            linked.email, spoken, first_name=first_name, company=self._company, support=self._support
        )
        await self._post(letter)

    async def finish_copy(self, chat_id: int, link_id: int, language: Language) -> str | None:
        """Makes the proven address the link's bookkeeper's; the address, or ``None`` where there is no proof."""
        async with self._database.write() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN, for_link=link_id)
            if proven is None:
                return None
            await codes.close_all(session, chat_id)
            await chats.set_awaiting(session, chat_id, None, self._clock())
            await wishes.set_copy(session, link_id, proven.email, language, self._clock())
        return proven.email

    async def _still_proven(self, session: Session, chat_id: int, code: str) -> Proven | CodeExpired:
        """A right code typed once more, because the portal did not answer the first time."""
        proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        if proven and proven.expires_at > self._clock() and codes.is_right(session, proven, chat_id, code):
            return Proven()
        return CodeExpired()

    async def _proven(self, chat_id: int) -> StoredCode | None:
        async with self._database.read() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        return proven if proven and proven.expires_at > self._clock() else None

    async def _contacts(self, email: str) -> tuple[Contact, ...]:
        """The portal's contacts with exactly this address: what is mailed goes to the address the portal keeps."""
        found = await self._portal.find_contacts(email)
        return tuple(contact for contact in found if normal_email(contact.email) == email)

    async def _post(self, letter: Letter) -> None:
        """Sends a mail, again after a pause where it certainly did not go.

        A failure is the operator's to see and nobody else's: told in the chat, it would tell a stranger that the portal
        knows the address.
        """
        for last, pause in enumerate(_MAIL_PAUSES, start=1):
            await asyncio.sleep(pause)
            try:
                await self._mailer.send(letter)
            except MailUnavailable as error:
                if error.written:  # it may have arrived: a second code mail would only confuse
                    log.warning("mail.uncertain", error=str(error))
                    return
                if last == len(_MAIL_PAUSES):
                    log.error("mail.not_sent", error=str(error))
            except MailError as error:
                log.error("mail.refused", error=str(error))
                return
            else:
                return
