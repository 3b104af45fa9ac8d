"""From what was asked to what is shown: every action meets one view, and every failure its words."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from handlers import account, actions, invoices, link, orders, search, settings
from handlers.actions import AccountAction, Action
from handlers.context import Context, LinkGone
from handlers.reply import show
from handlers.screens import trouble
from handlers.screens.screen import Screen
from portal.errors import Forbidden, NotFound, NotReady, PortalBroken, PortalError, PortalUnavailable
from storage import chats
from storage.tables import Awaited

log = structlog.get_logger()

View = Callable[[Context, Any], Awaitable[Screen | None]]
"""Answers one kind of action; ``None`` where it has answered by itself."""

VIEWS: dict[type[Action], View] = {
    actions.Start: link.start,
    actions.StartLinking: link.start_linking,
    actions.GiveEmail: link.give_email,
    actions.ResendCode: link.resend_code,
    actions.GiveCode: link.give_code,
    actions.FinishLinking: link.finish_linking,
    actions.ListOrders: orders.order_list,
    actions.ShowOrder: orders.order_detail,
    actions.ListInvoices: invoices.invoice_list,
    actions.ShowInvoice: invoices.invoice_detail,
    actions.SendPdf: invoices.send_pdf,
    actions.OpenNumber: search.open_number,
    actions.AskSearch: search.ask_search,
    actions.ShowAccounts: account.accounts,
    actions.ChooseAccount: account.choose_account,
    actions.ShowNotices: account.notices,
    actions.Wish: account.wish,
    actions.Revoke: account.revoke,
    actions.Unlink: account.unlink,
    actions.ShowMyData: account.my_data,
    actions.Forget: account.forget,
    actions.ChooseLanguage: settings.language,
    actions.ShowSettings: settings.settings,
    actions.ShowPortal: settings.portal,
    actions.ShowHelp: settings.help_page,
    actions.ShowPrivacy: settings.privacy,
}

_SEARCHES = {Awaited.ORDER_SEARCH, Awaited.INVOICE_SEARCH}


async def perform(context: Context, action: Action) -> None:
    """Does what was asked, and shows the screen."""
    screen = await screen_for(context, action)
    if screen is not None:
        await show(context, screen)


async def screen_for(context: Context, action: Action) -> Screen | None:
    """The screen an action leads to, also where it leads to trouble."""
    await _end_search(context, action)
    try:
        return await VIEWS[type(action)](context, action)
    except LinkGone:
        current = context.chat.current
        return trouble.link_gone(context.t, current) if current else not_linked(context)
    except PortalError as error:
        return _portal_trouble(context, action, error)


def not_linked(context: Context) -> Screen:
    """What was asked for needs a link."""
    return trouble.not_linked(context.t, context.services.company)


def retry_of(action: Action) -> Action:
    """What a "try again" button asks for: the same, and to put right the screen that told of the failure."""
    return replace(action, again=True) if isinstance(action, actions.SendPdf) else action


def _portal_trouble(context: Context, action: Action, error: PortalError) -> Screen:
    t, company = context.t, context.services.company
    retry = retry_of(action)
    current = context.chat.link(action.link) if isinstance(action, AccountAction) else None
    match error:
        case NotReady():
            return trouble.not_ready(t, retry, context.now)
        case PortalBroken():
            log.error("portal.broken", reason=str(error))
            return trouble.portal_broken(t, retry, context.now)
        case PortalUnavailable():
            log.warning("portal.unavailable", reason=str(error))
            return trouble.portal_down(t, retry, context.now)
        case Forbidden() if current:
            return trouble.forbidden(t, current.account_name, company)
        case NotFound() if current and (number := getattr(action, "number", "")):
            return trouble.not_found(t, current, number)
        case NotFound() if current:
            return trouble.account_gone(t, current.account_name)
    log.error("portal.refused", reason=str(error))
    return trouble.refused(t, company)


async def _end_search(context: Context, action: Action) -> None:
    """Whoever goes on to something else is not searching any more."""
    awaiting = context.chat.awaiting
    if awaiting is None or awaiting.what not in _SEARCHES or isinstance(action, actions.AskSearch):
        return
    async with context.services.database.write() as session:
        await chats.move_awaiting(session, context.chat.chat_id, awaiting, None)
