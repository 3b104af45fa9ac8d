"""From what was asked to what is shown: every action meets one view, and every failure its words."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from handlers import actions
from handlers.actions import AccountAction, Action
from handlers.context import Context, LinkGone
from handlers.screens import trouble
from handlers.screens.notices import access_ended
from handlers.screens.screen import Screen
from handlers.telegram.reply import send, show
from handlers.views import account, invoices, linking, notices, orders, search, settings
from portal.errors import Forbidden, NotFound, NotReady, PortalBroken, PortalError, PortalUnavailable
from services.access import CONFIRM_BEFORE, CONFIRM_BESIDE
from storage import chats
from storage.tables import Awaited

log = structlog.get_logger()

View = Callable[[Context, Any], Awaitable[Screen | None]]
"""Answers one kind of action; ``None`` where it has answered by itself."""

VIEWS: dict[type[Action], View] = {
    actions.Start: linking.start,
    actions.StartLinking: linking.start_linking,
    actions.GiveEmail: linking.give_email,
    actions.ResendCode: linking.resend_code,
    actions.GiveCode: linking.give_code,
    actions.FinishLinking: linking.finish_linking,
    actions.ConfirmAddress: linking.confirm_address,
    actions.ListOrders: orders.order_list,
    actions.ShowOrder: orders.order_detail,
    actions.ListInvoices: invoices.invoice_list,
    actions.ShowInvoice: invoices.invoice_detail,
    actions.SendPdf: invoices.send_pdf,
    actions.OpenNumber: search.open_number,
    actions.AskSearch: search.ask_search,
    actions.ShowAccounts: account.accounts,
    actions.ChooseAccount: account.choose_account,
    actions.AnswerNoticeOffer: account.answer_notice_offer,
    actions.ShowNotices: notices.notices,
    actions.ShowSubscriptions: notices.of_account,
    actions.SetSubscription: notices.set_subscription,
    actions.AttachPdf: notices.attach_pdf,
    actions.ShowQuiet: notices.quiet_hours,
    actions.ChooseZone: notices.zone,
    actions.Snooze: notices.snooze,
    actions.MuteInvoice: notices.mute,
    actions.ShowCopy: notices.show_copy,
    actions.AskCopy: notices.ask_copy,
    actions.GiveCopyEmail: notices.give_copy_email,
    actions.GiveCopyCode: notices.give_copy_code,
    actions.StopCopy: notices.stop_copy,
    actions.Revoke: account.revoke,
    actions.GiveRevokeCode: account.give_revoke_code,
    actions.Unlink: account.unlink,
    actions.ShowMyData: account.my_data,
    actions.Forget: account.forget,
    actions.ChooseLanguage: settings.language,
    actions.ShowSettings: settings.settings,
    actions.ShowPortal: settings.portal,
    actions.ShowHelp: settings.help_page,
    actions.ShowPrivacy: settings.privacy,
}

_OF_LINKED_CHATS = (
    actions.Start,
    actions.ShowAccounts,
    actions.ShowNotices,
    actions.ShowMyData,
    actions.Revoke,
    actions.GiveRevokeCode,
)
"""What shows a chat's accounts, or acts on other chats, without being about one account."""
_QUESTIONS = {Awaited.ORDER_SEARCH, Awaited.INVOICE_SEARCH, Awaited.COPY_EMAIL}
_ASKING = (actions.AskSearch, actions.AskCopy, actions.GiveCopyEmail)


class ActionFailed(Exception):
    """What was asked could not be done; its cause says why."""

    def __init__(self, action: Action) -> None:
        super().__init__(type(action).__name__)
        self.action = action


async def perform(context: Context, action: Action) -> None:
    """Does what was asked, and shows the screen.

    Raises:
        ActionFailed: something unexpected; the error handler offers to try the action again.
    """
    try:
        screen = await screen_for(context, action)
        if screen is not None:
            await show(context, screen, link=action.link if isinstance(action, AccountAction) else None)
    except LinkGone:
        await show(context, not_linked(context))
    except Exception as error:
        raise ActionFailed(action) from error


async def screen_for(context: Context, action: Action) -> Screen | None:
    """The screen an action leads to, also where it leads to trouble."""
    await _end_question(context, action)
    try:
        if isinstance(action, AccountAction):
            return await _account_screen(context, action)
        if isinstance(action, _OF_LINKED_CHATS) and (refused := await _confirm_chat(context, action)):
            return refused
        return await VIEWS[type(action)](context, action)
    except LinkGone:
        current = context.chat.current
        return trouble.link_gone(context.t, current) if current else not_linked(context)
    except PortalError as error:
        return _portal_trouble(context, action, error)


async def _account_screen(context: Context, action: AccountAction) -> Screen | None:
    """Shows something of an account, if the link still holds before the view runs and once it has run."""
    if ended := await confirm_access(context):
        return ended
    link = context.link(action.link)
    if context.services.access.is_idle(link) and not isinstance(action, actions.ConfirmAddress):
        return trouble.confirm_address(context.t, link)
    screen = await VIEWS[type(action)](context, action)
    # The portal took its time, and the link may have been removed meanwhile, by whomever.
    await context.reload()
    context.link(action.link)
    return screen


async def _confirm_chat(context: Context, action: Action) -> Screen | None:
    """What a linked chat is shown in place of its accounts and of the other chats, where its links no longer hold."""
    try:
        if ended := await confirm_access(context):
            return ended
    except PortalError:
        if isinstance(action, actions.Revoke | actions.GiveRevokeCode):
            raise
    current = context.chat.current
    if current is not None and all(context.services.access.is_idle(link) for link in context.chat.links):
        return trouble.confirm_address(context.t, current)
    return None


async def confirm_access(context: Context) -> Screen | None:
    """Asks the portal whether the chat's links still hold, at most daily; a link that does not is removed.

    Returns:
        What the person is told where a link was removed, else ``None``.

    Raises:
        PortalError: the links were confirmed more than a day ago, and the portal does not answer.
    """
    access, chat = context.services.access, context.chat
    if not access.is_due(chat, CONFIRM_BEFORE):
        if access.is_due(chat, CONFIRM_BESIDE):
            context.afterwards(_confirm_beside(context))
        return None
    ended = await access.confirm_chat(chat)
    await context.reload()
    if not ended:
        return None
    told = [(each.kind, each.link.account_name) for each in ended]
    return access_ended(context.t, told, context.services.company.name)


async def _confirm_beside(context: Context) -> None:
    """Confirms links beside an answer. A portal that does not answer is asked again at the next one."""
    try:
        ended = await context.services.access.confirm_chat(context.chat)
    except PortalError as error:
        log.warning("access.not_confirmed", error=type(error).__name__)
        return
    if ended:
        told = [(each.kind, each.link.account_name) for each in ended]
        await send(context, access_ended(context.t, told, context.services.company.name))


def not_linked(context: Context) -> Screen:
    """What was asked for needs a link."""
    return trouble.not_linked(context.t, context.services.company.name)


def retry_of(action: Action) -> Action:
    """What a "try again" button asks for: the same, and to put right the screen that told of the failure."""
    return replace(action, again=True) if isinstance(action, actions.SendPdf) else action


def _portal_trouble(context: Context, action: Action, error: PortalError) -> Screen:
    t, company = context.t, context.services.company.name
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


async def _end_question(context: Context, action: Action) -> None:
    """Whoever goes on to something else does not answer that question any more."""
    awaiting = context.chat.awaiting
    if awaiting is None or awaiting.what not in _QUESTIONS or isinstance(action, _ASKING):
        return
    async with context.services.database.write() as session:
        await chats.move_awaiting(session, context.chat.chat_id, awaiting, None)
