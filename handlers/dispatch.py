"""Dispatch each action to its view, and each failure to its screen."""

import datetime
from collections.abc import Sequence
from contextlib import nullcontext

import structlog
from msgspec.structs import replace

from handlers import actions, text_actions
from handlers.actions import AccountAction, Action
from handlers.context import Context, LinkGone
from handlers.features import is_offered
from handlers.screens import failures
from handlers.screens.linking import confirm_address
from handlers.screens.notices import access_ended
from handlers.screens.screen import Screen
from handlers.telegram.reply import send, show
from handlers.telegram.typing_indicator import typing_indicator
from handlers.text_actions import retry_of
from handlers.views.home import not_linked
from handlers.views.saved_answers import ANSWERABLE, from_saved_answers
from handlers.views.seen_notices import record_seen
from handlers.views.table import VIEWS
from portal.breaker import Caller, caller
from portal.errors import Meaning, PortalAway, PortalError, meaning_of
from services.access import BACKGROUND_CONFIRM_AGE, BLOCKING_CONFIRM_AGE, EndedLink
from storage import chats
from storage.tables import Awaited

log = structlog.get_logger()

_CHAT_ACTIONS = (
    actions.Start,
    actions.ShowAccounts,
    actions.ShowNotices,
    actions.ShowMyData,
    actions.Revoke,
    actions.TalkToPerson,
    text_actions.GiveRevokeCode,
)
"""Actions that show a chat's accounts or act on other chats, without being about one account."""
_CANCELLABLE_TEXTS = {Awaited.ORDER_SEARCH, Awaited.INVOICE_SEARCH, Awaited.COPY_EMAIL}
"""Awaited texts that another action cancels."""
_ASKING_ACTIONS = (actions.AskSearch, actions.AskCopy, text_actions.GiveCopyEmail, text_actions.Leave)


_WITHOUT_TYPING = (
    actions.SendPdf,
    actions.StartLinking,
    actions.ResendCode,
    actions.ConfirmAddress,
    actions.CompareCode,
    text_actions.GiveEmail,
    text_actions.GiveCode,
    text_actions.GiveCopyEmail,
    text_actions.GiveCopyCode,
    text_actions.GiveRevokeCode,
)
"""A PDF shows an indicator of its own; of an address or a code, nothing tells how long it was worked on."""


class ActionFailed(Exception):
    """An action failed unexpectedly; ``__cause__`` is the error."""

    def __init__(self, action: Action) -> None:
        super().__init__(type(action).__name__)
        self.action = action


async def perform(context: Context, action: Action, *, lead: str = "") -> None:
    """Run the view of an action, and show its screen.

    Args:
        lead: a sentence to show before the screen, in the same message; after it where the view answers itself.

    Raises:
        ActionFailed: an unexpected error; the error handler offers a retry.
    """
    try:
        async with nullcontext() if isinstance(action, _WITHOUT_TYPING) else typing_indicator(context):
            screen = await screen_for(context, action)
        if screen is None and lead:
            screen = Screen(facts=(lead,))
        elif screen is not None and lead:
            screen = replace(screen, lead=lead)
        if screen is not None:
            await show(context, screen, link=_shown_link(context, action))
        await note_told(context)
    except LinkGone:
        await show(context, not_linked(context))
    except Exception as error:
        raise ActionFailed(action) from error


async def screen_for(context: Context, action: Action) -> Screen | None:
    """Return the screen of an action or of its failure; None if the view has answered itself."""
    if isinstance(action, actions.CompareCode):
        if not _is_first_tap(context):
            return None
        is_long = not action.code.isdigit()
        action = code_action(context, "" if is_long else action.code, action.code if is_long else "")
    await _cancel_awaited_text(context, action)
    if not is_offered(action, context.features):
        return failures.not_offered(context.t, context.services.company.name, context.chat.current)
    try:
        if isinstance(action, AccountAction):
            return await _account_screen(context, action)
        if isinstance(action, _CHAT_ACTIONS) and (refusal := await _chat_refusal(context, action)):
            return refusal
        screen = await VIEWS[type(action)](context, action)
        if isinstance(screen, Action):
            return await screen_for(context, screen)
    except LinkGone:
        current = context.chat.current
        return failures.link_gone(context.t, current) if current else not_linked(context)
    except PortalError as error:
        return await _without_portal(context, action, error)
    record_seen(context, action)
    return screen


def code_action(context: Context, code: str, long_code: str) -> Action:
    """Return the action that compares a code with the one that the chat awaits, which costs an attempt."""
    awaiting = context.awaiting
    if awaiting is not None and awaiting.what is Awaited.REVOKE_CODE:
        return text_actions.GiveRevokeCode(code, long_code)
    if awaiting is not None and awaiting.what is Awaited.COPY_CODE and awaiting.link_id is not None:
        return text_actions.GiveCopyCode(awaiting.link_id, code, long_code)
    return text_actions.GiveCode(code, long_code)


def _is_first_tap(context: Context) -> bool:
    """Return whether the tapped button is tapped for the first time: taps that piled up must cost one attempt."""
    update = context.incoming
    message = update.callback_query.message if update and update.callback_query else None
    if update is None or message is None:
        return True
    return context.services.recent.is_first_tap(context.chat.chat_id, message.message_id, update.update_id)


async def _account_screen(context: Context, action: AccountAction) -> Screen | None:
    """Run a view about an account, and check that the link is valid before and after it.

    Where another link of the chat has ended, a message of its own says so before the answer.
    """
    if ended := await confirm_access(context):
        if context.chat.link(action.link) is None:
            return ended
        await send(context, ended)  # about another account: the request is answered below
    link = context.link(action.link)
    if context.services.access.is_idle(link) and not isinstance(action, actions.ConfirmAddress):
        return confirm_address(context.t, link)
    screen = await VIEWS[type(action)](context, action)
    # The link may have been removed while the view waited for the portal.
    await context.reload()
    context.link(action.link)
    record_seen(context, action)
    return await screen_for(context, screen) if isinstance(screen, Action) else screen


async def _chat_refusal(context: Context, action: Action) -> Screen | None:
    """Return the screen that refuses an action about all accounts because all links ended or are idle.

    Where only some ended, a message says so before the answer.

    Returns:
        None for an action that is permitted.
    """
    try:
        if ended := await confirm_access(context):
            if context.chat.current is None:
                return ended
            await send(context, ended)
    except PortalError:
        if isinstance(action, actions.Revoke | text_actions.GiveRevokeCode):
            raise
    current = context.chat.current
    if isinstance(action, actions.TalkToPerson):
        return None  # the mailbox may be lost; the staff are not told of an account that is to be confirmed
    if current is not None and all(context.services.access.is_idle(link) for link in context.chat.links):
        return confirm_address(context.t, current)
    return None


async def confirm_access(context: Context) -> Screen | None:
    """Confirm the chat's links with the portal, at most daily, and remove those that ended.

    Returns:
        The screen that says which links ended, or None if none did.

    Raises:
        PortalError: the links were confirmed more than a day ago, and the portal does not answer.
    """
    access, chat = context.services.access, context.chat
    if not access.needs_confirmation(chat, BLOCKING_CONFIRM_AGE):
        if access.needs_confirmation(chat, BACKGROUND_CONFIRM_AGE):
            context.run_in_background(_confirm_in_background(context))
        return None
    ended = await access.confirm_chat(chat)
    context.untold += ended
    await context.reload()
    return _ended_screen(context, ended) if ended else None


async def note_told(context: Context) -> None:
    """Note that the chat was told of the links that ``confirm_access`` found to have ended."""
    if context.untold:
        await context.services.access.mark_told(context.untold)
        context.untold = []


def _shown_link(context: Context, action: Action) -> int | None:
    """Return the link that must still exist when an answer is sent again; None for one that says that it ended."""
    link = action.link if isinstance(action, AccountAction) else None
    return None if any(each.link.link_id == link for each in context.untold) else link


async def _confirm_in_background(context: Context) -> None:
    """Confirm the chat's links; after a failure of the portal, its next update confirms them."""
    caller.set(Caller.BACKGROUND)  # of this task only
    try:
        ended = await context.services.access.confirm_chat(context.chat)
    except PortalError as error:
        if not isinstance(error, PortalAway):
            log.warning("access.not_confirmed", error=type(error).__name__)
        return
    if ended:
        await send(context, _ended_screen(context, ended))
        await context.services.access.mark_told(ended)


def _ended_screen(context: Context, ended: Sequence[EndedLink]) -> Screen:
    reasons = [(each.kind, each.link.account_name) for each in ended]
    company = context.services.company
    return access_ended(context.t, reasons, company.name, company.support)


async def _without_portal(context: Context, action: Action, error: PortalError) -> Screen | None:
    """Return the screen of saved answers if the portal does not answer, or else that of the failure."""
    failure = _portal_failure(context, action, error)
    if meaning_of(error) is Meaning.AWAY and isinstance(action, ANSWERABLE):
        try:
            return await from_saved_answers(context, action, VIEWS[type(action)], retry_of(action), error)
        except LinkGone:
            return not_linked(context)
        except PortalError:
            pass  # nothing was saved that answers it
    return failure


def _portal_failure(context: Context, action: Action, error: PortalError) -> Screen:
    """Return the screen for an error of the portal, and log it if an operator may have to act."""
    t, company = context.t, context.services.company.name
    retry = retry_of(action)
    current = context.chat.link(action.link) if isinstance(action, AccountAction) else None
    if isinstance(error, PortalAway):
        tried_at = context.now - datetime.timedelta(seconds=error.tried_ago)
        return failures.portal_away(t, retry, context.now, tried_at)
    match meaning_of(error):
        case Meaning.NOT_YET:
            return failures.not_ready(t, retry, context.now)
        case Meaning.NONSENSE:
            log.error("portal.broken", reason=str(error))
            return failures.portal_broken(t, retry, context.now)
        case Meaning.AWAY:
            log.warning("portal.unavailable", reason=str(error))
            return failures.portal_down(t, retry, context.now)
        case Meaning.FORBIDDEN if current:
            return failures.forbidden(t, current.account_name, company)
        case Meaning.GONE if current and (number := getattr(action, "number", "")):
            return failures.not_found(t, current, number)
        case Meaning.GONE if current:
            return failures.account_gone(t, current.account_name)
    log.error("portal.refused", reason=str(error))
    return failures.refused(t, company)


async def _cancel_awaited_text(context: Context, action: Action) -> None:
    """Stop awaiting a search text or a bookkeeper's address when another action comes."""
    awaiting = context.chat.awaiting
    if awaiting is None or awaiting.what not in _CANCELLABLE_TEXTS or isinstance(action, _ASKING_ACTIONS):
        return
    async with context.services.database.write() as session:
        await chats.move_awaiting(session, context.chat.chat_id, awaiting, None)
