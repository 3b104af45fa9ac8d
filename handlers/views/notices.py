"""Settings of notices: subscriptions, PDF, quiet hours, the bookkeeper's copy, snoozed and muted reminders."""

import datetime
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from handlers.actions import (
    AnswerNoticeOffer,
    AskCopy,
    AttachPdf,
    ChooseZone,
    MuteInvoice,
    SetSubscription,
    ShowCopy,
    ShowNotices,
    ShowQuiet,
    ShowSubscriptions,
    Snooze,
    StopCopy,
)
from handlers.alerts import notify_chats
from handlers.context import Context
from handlers.screens import failures
from handlers.screens import notice_settings as screens
from handlers.screens import notices as notice_screens
from handlers.screens.linking import notice_answer, refusal_reason
from handlers.screens.screen import Screen
from handlers.text_actions import GiveCopyCode, GiveCopyEmail
from handlers.views.linking import show_and_mail, warn_owner
from portal.errors import PortalError
from services.linking.code_limits import TooOften, TooSoon
from services.linking.code_results import AddressProven, CodeRequested, Purpose
from services.notices.event_recorder import REMINDER_SUBSCRIPTION, REMINDERS, SUBSCRIPTIONS
from services.notices.reminders import reminder_time_on
from services.security import SecurityEvent
from storage import chats
from storage.chats import Awaiting, LinkState
from storage.linking import links
from storage.notices import (
    bookkeeper_copies,
    cancellation,
    delivery_preferences,
    outbox,
    outbox_report,
    subscriptions,
)
from storage.notices.delivery_preferences import Quiet
from storage.notices.plan import mutes, sweeps
from storage.tables import Awaited, Kind

log = structlog.get_logger()

_ANSWER_TIME = datetime.timedelta(hours=1)
_SENT_COPIES = 10


async def notices(context: Context, _action: ShowNotices) -> Screen:
    """Show the notices of the only account, or ask for the account."""
    own = context.chat.links
    if not own:
        return failures.not_linked(context.t, context.services.company.name)
    if len(own) == 1:
        return screens.subscriptions(context.t, own[0], has_others=False)
    return screens.choose_account(context.t, own)


async def show_subscriptions(context: Context, action: ShowSubscriptions) -> Screen:
    """Show the notices of one account."""
    return screens.subscriptions(context.t, context.link(action.link), has_others=len(context.chat.links) > 1)


async def answer_notice_offer(context: Context, action: AnswerNoticeOffer) -> Screen:
    """Store the answer at linking, for this account and for each one that has no answer yet."""
    link = context.link(action.link)
    chosen = [link.link_id, *(each.link_id for each in context.chat.links if each.subscriptions is None)]
    async with context.services.database.write() as session:
        await subscriptions.set_subscriptions(
            session, context.chat.chat_id, chosen, {Kind.INVOICE_ISSUED}, on=action.yes
        )
    await context.reload()
    return notice_answer(context.t, context.link(action.link), yes=action.yes)


async def set_subscription(context: Context, action: SetSubscription) -> Screen:
    """Turn a kind of notice on or off, from the settings or from a notice."""
    link = context.link(action.link)
    if action.subscription not in SUBSCRIPTIONS:
        return await show_subscriptions(context, ShowSubscriptions(action.link))
    async with context.services.database.write() as session:
        await subscriptions.set_subscriptions(
            session, context.chat.chat_id, [action.link], {action.subscription}, on=action.on
        )
        await sweeps.follow(session, [action.link], context.services.clock())
    planned = await _planned(context, action) if action.on else ""
    await context.reload()
    if not action.of_notice:
        has_others = len(context.chat.links) > 1
        return screens.subscriptions(context.t, context.link(action.link), has_others=has_others, planned=planned)
    if action.on:
        return notice_screens.notice_turned_on(context.t, action.subscription, action.link, link.account_name, planned)
    return notice_screens.notice_stopped(context.t, action.subscription, action.link, link.account_name)


async def _planned(context: Context, action: SetSubscription) -> str:
    """Plan the reminders or order endings that were turned on. Returns: a sentence about them; empty for others."""
    if action.subscription not in (REMINDER_SUBSCRIPTION, Kind.ORDER_ENDING):
        return ""
    is_about_invoices = action.subscription == REMINDER_SUBSCRIPTION
    try:
        swept = await context.services.planner.sweep_link(action.link)
    except PortalError:
        return screens.not_planned_yet(context.t, is_about_invoices=is_about_invoices)
    if is_about_invoices:
        return screens.planned_reminders(context.t, swept.invoices) if swept.invoices else ""
    return screens.planned_endings(context.t, swept.orders) if swept.orders else ""


async def attach_pdf(context: Context, action: AttachPdf) -> Screen:
    """Set whether notices of new invoices have the PDF attached."""
    context.link(action.link)
    async with context.services.database.write() as session:
        await subscriptions.set_attaches_pdf(session, context.chat.chat_id, action.link, on=action.on)
    await context.reload()
    return await show_subscriptions(context, ShowSubscriptions(action.link))


async def quiet_hours(context: Context, action: ShowQuiet) -> Screen:
    """Show the quiet hours, after setting them or turning them off if the action says so."""
    if action.start == screens.ASK_HOUR:
        return screens.quiet_start(context.t)
    if action.end == screens.ASK_HOUR and 0 <= action.start < 24 * 60:
        return screens.quiet_end(context.t, action.start)
    is_choice = 0 <= action.start < 24 * 60 and 0 <= action.end < 24 * 60 and action.start != action.end
    async with context.services.database.write() as session:
        await chats.ensure(session, context.chat.chat_id, context.services.clock())
        if is_choice:
            await delivery_preferences.set_quiet(session, context.chat.chat_id, Quiet(action.start, action.end))
        elif action.start == -1:
            await delivery_preferences.set_quiet(session, context.chat.chat_id, None)
            await outbox.release_postponed(session, context.chat.chat_id, context.services.clock())
        preferences = await delivery_preferences.load(session, context.chat.chat_id)
    return screens.quiet_hours(context.t, preferences.quiet, preferences.timezone or context.services.company.zone.key)


async def zone(context: Context, action: ChooseZone) -> Screen:
    """Set one of the offered time zones; for any other value ask for one."""
    company_zone = context.services.company.zone.key
    if action.zone not in (*screens.ZONES, company_zone):
        async with context.services.database.read() as session:
            preferences = await delivery_preferences.load(session, context.chat.chat_id)
        return screens.zones(context.t, preferences.timezone or company_zone, company_zone)
    async with context.services.database.write() as session:
        await chats.ensure(session, context.chat.chat_id, context.services.clock())
        await delivery_preferences.set_timezone(session, context.chat.chat_id, action.zone)
        await sweeps.request_for_chat(session, context.chat.chat_id, context.services.clock())
    return await quiet_hours(context, ShowQuiet())


async def snooze(context: Context, action: Snooze) -> Screen:
    """Remind of an invoice again, at the hour of reminders of a later day."""
    link = context.link(action.link)
    # Buttons can be forged: store nothing about an invoice that does not exist.
    invoice = await context.services.portal.invoice(context.reader(action.link), action.number)
    if not invoice.is_unpaid:
        return notice_screens.nothing_due(context.t, invoice, action.link)
    now = context.services.clock()
    async with context.services.database.write() as session:
        preferences = await delivery_preferences.load(session, context.chat.chat_id)
        zone = ZoneInfo(preferences.timezone) if preferences.timezone else context.services.company.zone
        days = action.days if action.days in notice_screens.SNOOZE_DAYS else notice_screens.SNOOZE_DAYS[0]
        date = now.astimezone(zone).date() + datetime.timedelta(days=days)
        due_at = reminder_time_on(date, zone)
        await mutes.snooze(session, link.link_id, action.number, date, due_at, now)
    return notice_screens.snoozed(context.t, action.number, action.link, date)


async def mute(context: Context, action: MuteInvoice) -> Screen:
    """Stop the reminders of one invoice, and cancel those that wait."""
    invoice = await context.services.portal.invoice(context.reader(action.link), action.number)
    now = context.services.clock()
    async with context.services.database.write() as session:
        await mutes.mute(session, action.link, action.number, now)
        await cancellation.cancel_for_number(session, REMINDERS, action.number, now, "muted", link_id=action.link)
    if not invoice.is_unpaid:
        return notice_screens.nothing_due(context.t, invoice, action.link)
    return notice_screens.muted(context.t, action.number, action.link)


async def show_copy(context: Context, action: ShowCopy) -> Screen:
    """Show the bookkeeper's copy of one account."""
    link = context.link(action.link)
    async with context.services.database.read() as session:
        copy = await bookkeeper_copies.find_by_link(session, link.link_id)
        sent = await outbox_report.sent_to_copy(session, copy.copy_id, _SENT_COPIES) if copy else []
    local = [(number, context.local(at).date()) for number, at in sent]
    return screens.bookkeeper_copy(context.t, link, copy.email if copy else None, local)


async def ask_copy(context: Context, action: AskCopy) -> Screen:
    """Ask for the bookkeeper's address."""
    context.link(action.link)
    now = context.services.clock()
    async with context.services.database.write() as session:
        awaiting = Awaiting(Awaited.COPY_EMAIL, now + _ANSWER_TIME, action.link)
        await chats.set_awaiting(session, context.chat.chat_id, awaiting, now)
    return screens.ask_copy(context.t, action.link)


async def give_copy_email(context: Context, action: GiveCopyEmail) -> Screen | None:
    """Mail a code to the bookkeeper, who has to agree before invoices are sent there."""
    link = context.link(action.link)
    t = context.t
    purpose = Purpose(for_link=link.link_id)
    asked = await context.services.linking.request_code(context.chat.chat_id, action.email, purpose)
    match asked:
        case TooSoon(seconds):
            return screens.copy_failed(t, t.plural("link.too_soon", seconds), link.link_id)
        case TooOften(until):
            reason = t("link.too_often", time=t.formats.time(context.local(until)))
            return screens.copy_failed(t, reason, link.link_id)
        case CodeRequested():
            delivery = context.services.code_delivery
            mail = delivery.deliver_copy_code(asked, account=link.account_name, language=context.language)
            screen = screens.copy_code_sent(t, asked, link.link_id)
            failed = partial(screens.copy_failed, t, t("copy.code_not_sent"), link.link_id)
            await show_and_mail(context, asked, screen, mail, failed)
    return None


async def give_copy_code(context: Context, action: GiveCopyCode) -> Screen:
    """Check the code that the bookkeeper got, and start the copies if it is right."""
    link = context.link(action.link)
    chat_id, t = context.chat.chat_id, context.t
    purpose = Purpose(for_link=link.link_id)
    checked = await context.services.linking.check_code(chat_id, action.code, action.long_code, purpose)
    warn_owner(context, checked)
    if not isinstance(checked, AddressProven):
        until = context.local(checked.until) if isinstance(checked, TooOften) else None
        return screens.copy_failed(t, refusal_reason(t, checked, until), link.link_id)
    await context.services.linking.finish_copy(chat_id, link.link_id, context.language)
    context.run_in_background(_notify_of_copy_change(context, link, stopped=False))
    return await show_copy(context, ShowCopy(link.link_id))


async def stop_copy(context: Context, action: StopCopy) -> Screen:
    """Stop the bookkeeper's copies of one account."""
    link = context.link(action.link)
    async with context.services.database.write() as session:
        is_stopped = await bookkeeper_copies.stop(session, link.link_id)
    if is_stopped:
        context.services.security.record(SecurityEvent.COPY_STOPPED, cause="customer", chat_id=context.chat.chat_id)
        context.run_in_background(_notify_of_copy_change(context, link, stopped=True))
    return await show_copy(context, ShowCopy(link.link_id))


async def _notify_of_copy_change(context: Context, link: LinkState, *, stopped: bool) -> None:
    """Notify the address of the link, and the other chats linked through it."""
    async with context.services.database.read() as session:
        email = (await links.emails(session, context.chat.chat_id)).get(link.link_id)
        linked = await links.chats_of_email(session, email) if email else []
    if email is None:
        return
    name = link.account_name
    others = [each for each in linked if each != context.chat.chat_id]
    await notify_chats(context, others, lambda t: notice_screens.copy_changed(t, name, stopped=stopped), email=email)
    await context.services.alerts.send_copy_changed(email, context.language, account=name, stopped=stopped)
