"""Send notices to chats, with the handlers' screens and renderer."""

import asyncio
import datetime
from collections.abc import Sequence
from functools import partial
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from telegram.error import TelegramError
from telegram.ext import ExtBot

from handlers.features import is_subscription_offered
from handlers.rich_support import RichSupport
from handlers.screens import notices as screens
from handlers.screens.notice_summary import summary
from handlers.screens.offered import with_offered_buttons
from handlers.screens.privacy import policy_changed
from handlers.screens.screen import Screen
from handlers.telegram import documents
from handlers.telegram.announcement_notice import announcement_screen
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.messages import send_text
from handlers.telegram.notice_outcomes import is_outage, outcome_of, stored_if_possible
from handlers.telegram.notice_papers import ABOUT_ORDERS, LeftOut, read_paper, reader_of, summary_lines, true_notices
from handlers.telegram.notice_recipients import NoticeRecipient, NoticeRecipients, NotRendered, check_quiet_hours
from handlers.telegram.render import render
from handlers.telegram.rich_messages import deliver, render_for
from portal.client import Portal, Reader
from portal.errors import PortalError, PortalUnavailable, TooLarge
from portal.models import Contact, Invoice, Order, Part
from services.access import Access, may_see
from services.clock import Clock
from services.company import Company
from services.notices.delivery.outcomes import (
    Blocked,
    Cancelled,
    NotSent,
    Outcome,
    PartlyRendered,
    Retry,
    SendFunc,
    Sent,
)
from services.notices.delivery.sealed_links import outcome_without_key
from services.notices.event_recorder import REMINDERS, subscription_for
from services.notices.paper_check import check_paper
from services.notices.reminder_check import check_reminder
from storage.chats import ChatState, LinkState
from storage.database import Database
from storage.notices.delivery_preferences import DeliveryPreferences
from storage.notices.outbox import ClaimedDelivery
from storage.papers import uploaded_pdfs
from storage.tables import Kind
from texts.catalogue import Texts, texts_in
from texts.language import Language

_ABOUT_ENDED_LINKS = (Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED, Kind.ADDRESS_CHANGED, Kind.ACCESS_ENDED)
_ABOUT_COPIES = (Kind.COPY_STOPPED, Kind.COPY_PAUSED, Kind.COPY_WITHOUT_PDF, Kind.COPY_SEALED)
_CAPTION_LIMIT = 1024
_PDF_ATTEMPTS = 4


class TelegramNoticeSender:
    """Sends notices to chats, in the chat's current language, after a new check of access."""

    is_paced = True

    def __init__(
        self, bot: ExtBot[None], database: Database, portal: Portal, access: Access, clock: Clock, company: Company,
        rich_support: RichSupport,
    ) -> None:  # fmt: skip
        self._bot = bot
        self._database = database
        self._recipients = NoticeRecipients(database)
        self._portal = portal
        self._access = access
        self._clock = clock
        self._company = company
        self._rich_support = rich_support

    async def render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | NotSent | PartlyRendered:
        """See ``Sender``."""
        try:
            return await self._render(batch)
        except NotRendered as end:
            return end.outcome

    async def is_still_wanted(self, batch: Sequence[ClaimedDelivery]) -> bool:
        """See ``Sender``. A notice about an ended link, or about no link, needs none."""
        linked = [each.link_id for each in batch if each.link_id and each.kind not in _ABOUT_ENDED_LINKS]
        return not linked or await self._access.still_linked(linked)

    async def is_reachable(self) -> bool:
        """See ``Sender``."""
        try:
            await self._bot.get_me()
        except TelegramError as error:
            return not is_outage(error)
        return True

    async def _render(self, batch: Sequence[ClaimedDelivery]) -> SendFunc | PartlyRendered:
        first = batch[0]
        recipient = await self._recipients.load(first.recipient)
        chat, preferences = recipient.chat, recipient.preferences
        t = texts_in(Language.stored(chat.language) if chat.language else self._company.language)
        if preferences.blocked_at is not None:
            raise NotRendered(Blocked())
        if first.kind is Kind.LINK_UNUSED and chat.link(first.link_id):
            return self._message(t, first, screens.idle_link(t, first.account_name, first.link_id))
        if first.kind in _ABOUT_ENDED_LINKS:
            ended = [(first.kind, first.account_name)]
            screen = screens.access_ended(t, ended, self._company.name, self._company.support)
            return self._message(t, first, screen)
        if all(each.link_id in chat.sealed_links for each in batch):
            raise NotRendered(outcome_without_key(first, self._clock()))
        zone = ZoneInfo(preferences.timezone) if preferences.timezone else self._company.zone
        if first.kind is Kind.POLICY_CHANGED:
            if not chat.links or first.day is None:
                raise NotRendered(Cancelled("no longer linked"))
            check_quiet_hours(preferences, self._clock().astimezone(zone), is_summarised=False)
            return self._message(t, first, policy_changed(t, self._company.name, first.day))
        if first.kind in _ABOUT_COPIES:
            return self._about_copy(t, chat, first, preferences, zone)
        if len(batch) > 1:
            check_quiet_hours(preferences, self._clock().astimezone(zone), is_summarised=True)
            return await self._summary(t, recipient, batch)
        if not self._is_subscribed(chat, first):
            raise NotRendered(Cancelled("no longer wished for"))
        if first.kind is Kind.COMPANY_NEWS:
            check_quiet_hours(preferences, self._clock().astimezone(zone), is_summarised=False)
            screen = await announcement_screen(self._database, t, first, self._company.language)
            return self._message(t, first, screen)
        if first.kind in REMINDERS:  # a reminder has a time of its own, and is not summarised
            return await self._reminder(t, recipient, first, zone)
        check_quiet_hours(preferences, self._clock().astimezone(zone), is_summarised=True)
        return await self._single(t, recipient, first)

    def _is_subscribed(self, chat: ChatState, claimed: ClaimedDelivery) -> bool:
        link, subscription = chat.link(claimed.link_id), subscription_for(claimed.kind)
        if link is None or not is_subscription_offered(subscription, self._company.features):
            return False
        # The person requested a postponed reminder separately.
        return claimed.kind is Kind.REMINDER_LATER or subscription in (link.subscriptions or ())

    def _about_copy(
        self, t: Texts, chat: ChatState, claimed: ClaimedDelivery, preferences: DeliveryPreferences, zone: ZoneInfo
    ) -> SendFunc:
        """Render without the portal; after quiet hours it is not summarised, because it is about no paper."""
        link = chat.link(claimed.link_id)
        if link is None:
            raise NotRendered(Cancelled("no longer linked"))
        check_quiet_hours(preferences, self._clock().astimezone(zone), is_summarised=False)
        screen = screens.about_copy(t, claimed.kind, link.account_name, claimed.number, link.link_id)
        return self._message(t, claimed, screen)

    async def _summary(self, t: Texts, recipient: NoticeRecipient, batch: Sequence[ClaimedDelivery]) -> PartlyRendered:
        """Summarise postponed notices, each as it would be told alone; a single one that is left is told in full."""
        chat, now = recipient.chat, self._clock()
        allowed: list[tuple[LinkState, ClaimedDelivery]] = []
        left_out: list[LeftOut] = []
        contacts: dict[str, Contact | None] = {}
        for each in batch:
            link = chat.link(each.link_id)
            if each.link_id in chat.sealed_links:
                left_out.append((each, outcome_without_key(each, now)))
                continue
            if link is None or each.number is None or not self._is_subscribed(chat, each):
                left_out.append((each, Cancelled("no longer wished for")))
                continue
            if link.contact_id not in contacts:
                contacts[link.contact_id] = await self._access.contact(link.contact_id)
            if await self._may_notify(contacts[link.contact_id], recipient, link, each.kind):
                allowed.append((link, each))
            else:
                left_out.append((each, Cancelled("no longer allowed")))
        told, obsolete = await true_notices(self._portal, t, allowed, self._company.zone, now)
        left_out += obsolete
        if len(told) < 2:
            return PartlyRendered(await self._in_full(t, *told[0]) if told else None, left_out)
        lines = summary_lines(told, has_accounts=len(chat.links) > 1)
        screen = screens.marked(t, summary(t, lines), [each.is_repetition for _, each, _ in told])
        return PartlyRendered(self._text(chat.chat_id, screen, wants_tables=chat.wants_tables), left_out)

    async def _may_notify(
        self, contact: Contact | None, recipient: NoticeRecipient, link: LinkState, kind: Kind
    ) -> bool:
        """Return whether a link may still get notices; if it ended or is idle, notify the chat of that once."""
        if self._access.is_idle(link):
            await self._access.notify_idle_link(link)
            return False
        read = recipient.links.get(link.link_id)
        has_ended = await self._access.unlink_if_ended(contact, link.link_id, read=read) is not None
        part = Part.ORDERS if kind in ABOUT_ORDERS else Part.INVOICES
        return not has_ended and may_see(contact, link.account_id, part)

    async def _read(
        self, t: Texts, claimed: ClaimedDelivery, recipient: NoticeRecipient, link: LinkState
    ) -> Invoice | Order:
        """Return an order or an invoice, read in parallel with the check that the link is still valid."""
        paper = read_paper(self._portal, reader_of(t, link), claimed)
        contact, read = await asyncio.gather(self._access.contact(link.contact_id), paper, return_exceptions=True)
        if isinstance(contact, BaseException):
            raise contact
        if not await self._may_notify(contact, recipient, link, claimed.kind):
            raise NotRendered(Cancelled("no longer allowed"))
        if isinstance(read, BaseException):
            raise read
        return read

    async def _single(self, t: Texts, recipient: NoticeRecipient, claimed: ClaimedDelivery) -> SendFunc:
        link = self._link(recipient.chat, claimed)
        paper = await self._read(t, claimed, recipient, link)
        if (obsolete := check_paper(claimed, paper, self._company.zone)) is not None:
            raise NotRendered(obsolete)
        return await self._in_full(t, link, claimed, paper)

    async def _in_full(self, t: Texts, link: LinkState, claimed: ClaimedDelivery, paper: Invoice | Order) -> SendFunc:
        if isinstance(paper, Order):
            screen = screens.order_notice(t, claimed.kind, link.account_name, paper, link.link_id)
            return self._message(t, claimed, screen)
        screen = screens.invoice_notice(t, claimed.kind, link.account_name, paper, link.link_id, self._today())
        if claimed.kind is Kind.INVOICE_ISSUED and link.attaches_pdf:
            return await self._message_with_pdf(t, reader_of(t, link), claimed, paper, screen)
        return self._message(t, claimed, screen)

    async def _reminder(
        self, t: Texts, recipient: NoticeRecipient, claimed: ClaimedDelivery, zone: ZoneInfo
    ) -> SendFunc:
        link = self._link(recipient.chat, claimed)
        invoice = await self._read(t, claimed, recipient, link)
        if isinstance(invoice, Order) or not invoice.is_unpaid:
            raise NotRendered(Cancelled("paid"))
        if not_now := await check_reminder(self._database, self._clock(), claimed, link, invoice.due_date, zone):
            raise NotRendered(not_now)
        check_quiet_hours(recipient.preferences, self._clock().astimezone(zone), is_summarised=False)
        return await self._in_full(t, link, claimed, invoice)

    @staticmethod
    def _link(chat: ChatState, claimed: ClaimedDelivery) -> LinkState:
        link = chat.link(claimed.link_id)
        if link is None or claimed.number is None:
            raise NotRendered(Cancelled("no longer linked"))
        return link

    def _today(self) -> datetime.date:
        return self._clock().astimezone(self._company.zone).date()

    async def _message_with_pdf(
        self, t: Texts, reader: Reader, claimed: ClaimedDelivery, invoice: Invoice, screen: Screen
    ) -> SendFunc:
        chat_id, number, limit = claimed.recipient, invoice.number, documents.NOTICE_LIMIT
        bare = with_offered_buttons(screens.without_pdf_button(screen), self._company.features)
        message = render(screens.marked(t, bare, [claimed.is_repetition]), is_notice=True)
        as_text, is_credit_note = self._message(t, claimed, screen), invoice.is_credit_note
        try:
            pdf = await documents.load_pdf(
                self._bot, self._database, self._portal, reader, number, t, limit=limit, is_credit_note=is_credit_note
            )
        except TooLarge:
            return as_text
        except PortalError as error:
            # After some attempts, send the notice without a document that the portal cannot make.
            if claimed.attempts < _PDF_ATTEMPTS:
                raise error if isinstance(error, PortalUnavailable) else PortalUnavailable(str(error)) from None
            return self._message(t, claimed, replace(screen, facts=(*screen.facts, t("pdf.not_attached"))))
        if len(message.html) > _CAPTION_LIMIT:
            return as_text

        async def send() -> Outcome:
            try:
                sent = await documents.send(self._bot, chat_id, pdf, caption=message)
            except TelegramError as error:
                if pdf.known is None or classify(error).kind is not FailureKind.REFUSED:
                    return await outcome_of(self._database, chat_id, error, self._clock())
                async with stored_if_possible(self._database) as session:
                    await uploaded_pdfs.delete_upload(session, pdf.known)
                return Retry("file_id refused")
            if (upload := documents.new_upload(self._bot, pdf, sent)) is not None:
                async with stored_if_possible(self._database) as session:
                    await uploaded_pdfs.save(session, upload)
            return Sent()

        return send

    def _message(self, t: Texts, claimed: ClaimedDelivery, shown: Screen) -> SendFunc:
        return self._text(claimed.recipient, screens.marked(t, shown, [claimed.is_repetition]))

    def _text(self, chat_id: int, screen: Screen, *, wants_tables: bool = False) -> SendFunc:
        screen = with_offered_buttons(screen, self._company.features)
        rendered = render_for(self._rich_support, screen, wants_tables=wants_tables, is_notice=True)

        async def send() -> Outcome:
            try:
                await deliver(self._rich_support, rendered, partial(send_text, self._bot, chat_id))
            except TelegramError as error:
                return await outcome_of(self._database, chat_id, error, self._clock())
            return Sent()

        return send
