"""Notices on their way into chats, by the handlers' screens and renderer."""

import asyncio
import datetime
from collections.abc import Awaitable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from telegram import LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import ExtBot

from handlers.screens import notices as screens
from handlers.screens.notices import Told
from handlers.screens.screen import Screen
from handlers.telegram import documents
from handlers.telegram.outcome import NotDone
from handlers.telegram.render import Message, render
from portal.client import Portal, Reader
from portal.errors import Forbidden as PortalForbidden
from portal.errors import NotFound, PortalError, PortalUnavailable, TooLarge
from portal.models import Contact, Part
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.notices.delivery import Blocked, Cancelled, Later, Outcome, Retry, SendFunc, Sent, Uncertain, Unsent
from services.notices.feed_reader import REMINDERS, wish_for
from services.notices.reminders import reminding_time
from storage import chats
from storage.chats import ChatState, LinkState
from storage.database import Database
from storage.notices import delivery_preferences, reminders
from storage.notices.delivery_preferences import DeliveryPreferences
from storage.notices.outbox import Claimed
from storage.tables import Kind
from texts.catalogue import Texts, texts_in
from texts.language import Language

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_ORDERS = (Kind.ORDER_CREATED, Kind.ORDER_ENDING)
_ABOUT_ENDED_LINKS = (Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED, Kind.ADDRESS_CHANGED, Kind.ACCESS_ENDED)
_CAPTION_LIMIT = 1024
_PDF_ATTEMPTS = 4
_REFUSED_PAUSE = datetime.timedelta(minutes=10)

log = structlog.get_logger()

PaperT = TypeVar("PaperT")


class _Unsendable(Exception):
    """Rendering came to an end without a message; ``outcome`` says what that means for the delivery."""

    def __init__(self, outcome: Unsent) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


class TelegramCarrier:
    """Notices into chats, each in the chat's current language, with access checked at that moment."""

    is_paced = True

    def __init__(
        self,
        bot: ExtBot[None],
        database: Database,
        portal: Portal,
        access: Access,
        clock: Clock,
        company: Company,
    ) -> None:
        self._bot = bot
        self._database = database
        self._portal = portal
        self._access = access
        self._clock = clock
        self._company = company

    async def render(self, batch: Sequence[Claimed]) -> SendFunc | Unsent:
        """See ``Carrier``."""
        try:
            return await self._render(batch)
        except _Unsendable as end:
            return end.outcome
        except (NotFound, PortalForbidden) as error:
            return Cancelled(type(error).__name__)
        except PortalUnavailable as error:
            after = datetime.timedelta(seconds=error.retry_after) if error.retry_after else None
            return Retry(f"portal: {error}", after)
        except PortalError as error:
            return Retry(f"portal: {error}", _REFUSED_PAUSE)

    async def may_leave(self, batch: Sequence[Claimed]) -> bool:
        """See ``Carrier``. What tells of an ended link leaves without one."""
        linked = [each.link_id for each in batch if each.kind not in _ABOUT_ENDED_LINKS]
        return not linked or await self._access.still_linked(linked)

    async def _render(self, batch: Sequence[Claimed]) -> SendFunc:
        first = batch[0]
        async with self._database.read() as session:
            chat = await chats.load(session, first.recipient)
            preferences = await delivery_preferences.load(session, first.recipient)
        t = texts_in(Language(chat.language) if chat.language else self._company.language)
        if preferences.blocked_at is not None:
            raise _Unsendable(Blocked())
        if first.kind is Kind.LINK_UNUSED and chat.link(first.link_id):
            screen = screens.unused_link(t, first.account_name, first.link_id)
            return self._message(chat.chat_id, render(screen))
        if first.kind in _ABOUT_ENDED_LINKS:
            screen = screens.end_notice(t, first.kind, first.account_name, self._company.name)
            return self._message(chat.chat_id, render(screen))
        zone = ZoneInfo(preferences.timezone) if preferences.timezone else self._company.zone
        if first.kind is Kind.COPY_STOPPED:
            return self._copy_stopped(t, chat, first, preferences, zone)
        wanted = [each for each in batch if self._is_wanted(chat, each)]
        if not wanted:
            raise _Unsendable(Cancelled("no longer wished for"))
        if first.kind in REMINDERS:  # a reminder has a time of its own, and is told by itself
            return await self._reminder(t, chat, wanted[0], preferences, zone)
        self._keep_quiet(preferences, zone, is_summed_up=True)
        if len(wanted) > 1:
            return await self._summary(t, chat, wanted)
        return await self._single(t, chat, wanted[0])

    @staticmethod
    def _is_wanted(chat: ChatState, claimed: Claimed) -> bool:
        link = chat.link(claimed.link_id)
        if link is None:
            return False
        # A reminder put off was asked for by itself.
        return claimed.kind is Kind.REMINDER_LATER or wish_for(claimed.kind) in (link.subscriptions or ())

    def _keep_quiet(self, preferences: DeliveryPreferences, zone: ZoneInfo, *, is_summed_up: bool) -> None:
        if preferences.quiet is None:
            return
        until = preferences.quiet.until(self._clock().astimezone(zone))
        if until is not None:
            raise _Unsendable(Later(until, is_postponed=is_summed_up))

    def _copy_stopped(
        self, t: Texts, chat: ChatState, claimed: Claimed, preferences: DeliveryPreferences, zone: ZoneInfo
    ) -> SendFunc:
        """It asks the portal nothing, and waits for the end of quiet hours by itself: a summary is about numbers."""
        link = chat.link(claimed.link_id)
        if link is None:
            raise _Unsendable(Cancelled("no longer linked"))
        self._keep_quiet(preferences, zone, is_summed_up=False)
        return self._message(chat.chat_id, render(screens.copy_stopped(t, link.account_name, link.link_id)))

    async def _summary(self, t: Texts, chat: ChatState, batch: Sequence[Claimed]) -> SendFunc:
        """Several that waited: told by their numbers, where the contact may still see that part of the account."""
        told: list[Told] = []
        contacts: dict[str, Contact | None] = {}
        for each in batch:
            link = chat.link(each.link_id)
            if link is None or each.number is None:
                continue
            if link.contact_id not in contacts:
                contacts[link.contact_id] = await self._access.contact(link.contact_id)
            if await self._is_admitted(contacts[link.contact_id], link, each.kind):
                told.append(Told(each.kind, each.number, link.link_id))
        if not told:
            raise _Unsendable(Cancelled("no longer allowed"))
        return self._message(chat.chat_id, render(screens.summary(t, told)))

    async def _is_admitted(self, contact: Contact | None, link: LinkState, kind: Kind) -> bool:
        """Whether a link may still be told; one that has ended, or that nobody used for long, is told of that once."""
        if self._access.is_idle(link):
            await self._access.tell_unused(link)
            return False
        return await self._access.ended_by(contact, link.link_id) is None and _may_see(contact, link, kind)

    async def _read(self, claimed: Claimed, link: LinkState, paper: Awaitable[PaperT]) -> PaperT:
        """An order or an invoice, read while the portal is asked whether the link still holds."""
        contact, read = await asyncio.gather(self._access.contact(link.contact_id), paper, return_exceptions=True)
        if isinstance(contact, BaseException):
            raise contact
        if not await self._is_admitted(contact, link, claimed.kind):
            raise _Unsendable(Cancelled("no longer allowed"))
        if isinstance(read, BaseException):
            raise read
        return read

    async def _single(self, t: Texts, chat: ChatState, claimed: Claimed) -> SendFunc:
        link, reader, number = self._about(chat, claimed)
        if claimed.kind in _ORDERS:
            order = await self._read(claimed, link, self._portal.order(reader, number))
            screen = screens.order_notice(t, claimed.kind, link.account_name, order, link.link_id)
            return self._message(chat.chat_id, render(screen))
        invoice = await self._read(claimed, link, self._portal.invoice(reader, number))
        screen = screens.invoice_notice(t, claimed.kind, link.account_name, invoice, link.link_id, self._today())
        if claimed.kind is Kind.INVOICE_ISSUED and link.attaches_pdf:
            return await self._with_pdf(t, chat.chat_id, reader, claimed, screen)
        return self._message(chat.chat_id, render(screen))

    async def _reminder(
        self, t: Texts, chat: ChatState, claimed: Claimed, preferences: DeliveryPreferences, zone: ZoneInfo
    ) -> SendFunc:
        link, reader, number = self._about(chat, claimed)
        invoice = await self._read(claimed, link, self._portal.invoice(reader, number))
        if not invoice.is_unpaid:
            raise _Unsendable(Cancelled("paid"))
        await self._is_time(claimed, link, invoice.due_date, zone)
        self._keep_quiet(preferences, zone, is_summed_up=False)
        screen = screens.invoice_notice(t, claimed.kind, link.account_name, invoice, link.link_id, self._today())
        return self._message(chat.chat_id, render(screen))

    @staticmethod
    def _about(chat: ChatState, claimed: Claimed) -> tuple[LinkState, Reader, str]:
        link = chat.link(claimed.link_id)
        if link is None or claimed.number is None:
            raise _Unsendable(Cancelled("no longer linked"))
        return link, Reader(link.contact_id, link.account_id), claimed.number

    def _today(self) -> datetime.date:
        return self._clock().astimezone(self._company.zone).date()

    async def _is_time(self, claimed: Claimed, link: LinkState, due_date: datetime.date | None, zone: ZoneInfo) -> None:
        """Whether a reminder's time has come; before it waits, and after it is none any more."""
        async with self._database.read() as session:
            if await reminders.is_muted(session, link.link_id, claimed.number or ""):
                raise _Unsendable(Cancelled("muted"))
        if claimed.kind is Kind.REMINDER_LATER:
            return
        if due_date is None:
            raise _Unsendable(Cancelled("no due date"))
        at = reminding_time(claimed.kind, due_date, zone)
        if at < claimed.occurred_at:
            raise _Unsendable(Cancelled("issued after its time"))
        if self._clock() < at:
            raise _Unsendable(Later(at))
        if claimed.kind is Kind.REMINDER_BEFORE and self._clock() >= reminding_time(Kind.REMINDER_DUE, due_date, zone):
            raise _Unsendable(Cancelled("overtaken"))

    async def _with_pdf(self, t: Texts, chat_id: int, reader: Reader, claimed: Claimed, screen: Screen) -> SendFunc:
        message, number = render(screen), claimed.number or ""
        try:
            limit = documents.NOTICE_LIMIT
            prepared = await documents.prepare(self._bot, self._database, self._portal, reader, number, t, limit=limit)
        except TooLarge:
            return self._message(chat_id, message)
        except PortalUnavailable:
            # The news does not wait for ever for a document that the portal cannot make; a button asks for it later.
            if claimed.attempts < _PDF_ATTEMPTS:
                raise
            return self._message(chat_id, message)
        if len(message.html) > _CAPTION_LIMIT:
            return self._message(chat_id, message)

        async def send() -> Outcome:
            try:
                sent = await documents.send(self._bot, chat_id, prepared, caption=message)
            except BadRequest as error:
                if prepared.known is None:
                    return await self._outcome(chat_id, error)
                await documents.forget(self._database, prepared)
                return Retry("file_id refused")
            except TelegramError as error:
                return await self._outcome(chat_id, error)
            await documents.remember(self._bot, self._database, prepared, sent)
            return Sent()

        return send

    def _message(self, chat_id: int, message: Message) -> SendFunc:
        async def send() -> Outcome:
            try:
                await self._bot.send_message(
                    chat_id,
                    message.html,
                    parse_mode=ParseMode.HTML,
                    link_preview_options=_NO_PREVIEW,
                    api_kwargs=message.reply_markup,
                )
            except TelegramError as error:
                return await self._outcome(chat_id, error)
            return Sent()

        return send

    async def _outcome(self, chat_id: int, error: TelegramError) -> Outcome:
        """What a failed call means for the delivery."""
        match error:
            case RetryAfter():
                wait = error.retry_after
                pause = wait if isinstance(wait, datetime.timedelta) else datetime.timedelta(seconds=wait)
                return Retry("429", pause, halts=True)
            case Forbidden():
                async with self._database.write() as session:
                    await delivery_preferences.set_blocked(session, chat_id, self._clock())
                return Blocked()
            case ChatMigrated():
                async with self._database.write() as session:
                    await chats.migrate(session, chat_id, error.new_chat_id)
                return Retry("migrated")
            case BadRequest() if "chat not found" in error.message.lower():
                return Blocked()
            case BadRequest():
                log.error("delivery.refused", reason=error.message)
                return Cancelled("Telegram refused it")
            case InvalidToken():
                return Retry("InvalidToken", _REFUSED_PAUSE)
            case _ if isinstance(error, NotDone):
                return Retry(type(error).__name__)
            case NetworkError():
                return Uncertain(type(error).__name__)
        return Retry(type(error).__name__)


def _may_see(contact: Contact | None, link: LinkState, kind: Kind) -> bool:
    part = Part.ORDERS if kind in _ORDERS else Part.INVOICES
    if contact is None:
        return False
    if contact.unread_accounts and all(account.account_id != link.account_id for account in contact.accounts):
        return True  # the account could not be read, and the paper itself was
    return any(account.account_id == link.account_id and part in account.access for account in contact.accounts)
