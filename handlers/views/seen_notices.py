"""Record which notices a person knows of, so that those are not repeated."""

import structlog

from handlers.actions import (
    Action,
    ConfirmAddress,
    MuteInvoice,
    SendPdf,
    SetSubscription,
    ShowCopy,
    ShowInvoice,
    ShowOrder,
    ShowSubscriptions,
    Snooze,
    StartLinking,
)
from handlers.context import Context
from services.notices.event_recorder import subscription_for
from storage.notices import repetitions
from storage.notices.repetitions import SeenNotices
from storage.tables import Kind

_ABOUT_ORDERS = (Kind.ORDER_CREATED, Kind.ORDER_ENDING)
_ABOUT_INVOICES = (
    Kind.INVOICE_ISSUED,
    Kind.INVOICE_PAID,
    Kind.INVOICE_CANCELLED,
    Kind.REMINDER_BEFORE,
    Kind.REMINDER_DUE,
    Kind.REMINDER_LATER,
)
_ABOUT_ENDED_LINKS = (Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED, Kind.ADDRESS_CHANGED, Kind.ACCESS_ENDED)

log = structlog.get_logger()


def record_seen(context: Context, action: Action) -> None:
    """Record that a person opened an order or invoice, or tapped a button of a notice.

    Call it when the action has its screen. Notices are recorded in the background, where one may be repeated.
    """
    if isinstance(action, ShowInvoice | SendPdf | ShowOrder):
        account_id = context.link(action.link).account_id
        context.services.recent.opened.set((context.chat.chat_id, account_id, action.number), True)
        if not isinstance(action, ShowOrder):
            context.services.recent.last_invoice.set(context.chat.chat_id, (account_id, action.number))
    if not context.chat.has_unclear_notice:
        return
    seen = _seen_by(context, action)
    if seen is not None:
        context.run_in_background(_record(context, seen))


def _seen_by(context: Context, action: Action) -> SeenNotices | None:
    """Return the notices that a person who requested this action knows of; None for no notice."""
    match action:
        case ShowOrder(link=link, number=number):
            return SeenNotices(_ABOUT_ORDERS, context.link(link).account_id, number)
        case (
            ShowInvoice(link=link, number=number)
            | SendPdf(link=link, number=number)
            | Snooze(link=link, number=number)
            | MuteInvoice(link=link, number=number)
        ):
            return SeenNotices(_ABOUT_INVOICES, context.link(link).account_id, number)
        case SetSubscription(link=link, subscription=subscription, of_notice=True):
            kinds = [kind for kind in (*_ABOUT_ORDERS, *_ABOUT_INVOICES) if subscription_for(kind) == subscription]
            return SeenNotices(kinds, context.link(link).account_id)
        case ShowSubscriptions(of_notice=True):
            return SeenNotices((*_ABOUT_ORDERS, *_ABOUT_INVOICES), postponed_only=True)
        case ShowCopy(link=link):
            return SeenNotices(
                [Kind.COPY_STOPPED, Kind.COPY_PAUSED, Kind.COPY_WITHOUT_PDF, Kind.COPY_SEALED],
                context.link(link).account_id,
            )
        case ConfirmAddress(link=link):
            return SeenNotices([Kind.LINK_UNUSED], context.link(link).account_id)
        case StartLinking():
            return SeenNotices(_ABOUT_ENDED_LINKS)
    return None


async def _record(context: Context, seen: SeenNotices) -> None:
    async with context.services.database.write() as session:
        cancelled = await repetitions.record_seen(session, context.chat.chat_id, seen, context.services.clock())
    if cancelled:
        log.info("delivery.seen", count=cancelled)
