"""Settings of notices: subscriptions, PDF, quiet hours, the bookkeeper's copy, snoozed and muted reminders."""

import datetime
from zoneinfo import ZoneInfo

import structlog

from handlers.actions import (
    AnswerNoticeOffer,
    AttachPdf,
    ChooseZone,
    MuteInvoice,
    SetSubscription,
    ShowNotices,
    ShowQuiet,
    ShowSubscriptions,
    Snooze,
)
from handlers.context import Context
from handlers.screens import notice_settings as screens, notices as notice_screens
from handlers.screens.linking import notice_answer
from handlers.screens.screen import Screen
from handlers.views.home import not_linked
from portal.errors import PortalError
from services.notices.event_recorder import REMINDER_SUBSCRIPTION, REMINDERS, SUBSCRIPTIONS
from services.notices.reminders import reminder_time_on
from storage import chats
from storage.notices import (
    cancellation,
    delivery_preferences,
    subscriptions,
)
from storage.notices.delivery_preferences import Quiet
from storage.notices.plan import mutes, sweeps
from storage.privacy import consents
from storage.tables import Kind
from texts.catalogue import message_id

log = structlog.get_logger()

_ANSWER_TIME = datetime.timedelta(hours=1)
_SENT_COPIES = 10


async def notices(context: Context, _action: ShowNotices) -> Screen:
    """Show the notices of the only account, or ask for the account."""
    own = context.chat.links
    if not own:
        return not_linked(context)
    if len(own) == 1:
        return screens.subscriptions(context.t, own[0], context.features, has_others=False)
    return screens.choose_account(context.t, own)


async def show_subscriptions(context: Context, action: ShowSubscriptions) -> Screen:
    """Show the notices of one account."""
    return screens.subscriptions(
        context.t, context.link(action.link), context.features, has_others=len(context.chat.links) > 1
    )


async def answer_notice_offer(context: Context, action: AnswerNoticeOffer) -> Screen:
    """Store the answer at linking, for this account and for each one that has no answer yet."""
    link = context.link(action.link)
    chosen = sorted({link.link_id, *(each.link_id for each in context.chat.links if each.subscriptions is None)})
    async with context.services.database.write() as session:
        await subscriptions.set_subscriptions(
            session, context.chat.chat_id, chosen, {Kind.INVOICE_ISSUED}, on=action.yes
        )
        await consents.record(
            session, context.chat.chat_id, [Kind.INVOICE_ISSUED], chosen,
            context.wording(message_id("link.ask_wish")), context.services.clock(), is_given=action.yes,
        )  # fmt: skip
    await context.reload()
    return notice_answer(context.t, context.link(action.link), yes=action.yes, accounts=len(chosen))


async def set_subscription(context: Context, action: SetSubscription) -> Screen:
    """Turn a kind of notice on or off, from the settings or from a notice."""
    link = context.link(action.link)
    if action.subscription not in SUBSCRIPTIONS:
        return await show_subscriptions(context, ShowSubscriptions(action.link))
    async with context.services.database.write() as session:
        await subscriptions.set_subscriptions(
            session, context.chat.chat_id, [action.link], {action.subscription}, on=action.on
        )
        await consents.record(
            session, context.chat.chat_id, [action.subscription], [action.link],
            context.wording(screens.SUBSCRIPTION_NAMES[action.subscription]), context.services.clock(),
            is_given=action.on,
        )  # fmt: skip
        await sweeps.follow(session, [action.link], context.services.clock())
    planned = await _planned(context, action) if action.on else ""
    await context.reload()
    if not action.of_notice:
        has_others = len(context.chat.links) > 1
        return screens.subscriptions(
            context.t, context.link(action.link), context.features, has_others=has_others, planned=planned
        )
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
            await delivery_preferences.release_postponed(session, context.chat.chat_id, context.services.clock())
        preferences = await delivery_preferences.load(session, context.chat.chat_id)
    zone = preferences.timezone or context.services.company.zone.key
    return screens.quiet_hours(context.t, preferences.quiet, zone, context.features)


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
