"""Linking, as a conversation: an address, a code, the accounts."""

import structlog
from telegram import Update

from handlers.actions import FinishLinking, GiveCode, GiveEmail, ResendCode, Start, StartLinking
from handlers.context import Context
from handlers.reply import delete, edit, send, send_to_edit
from handlers.screens import linking
from handlers.screens.screen import Screen
from mail.errors import MailError
from portal.errors import PortalError
from services.linking import CodeAsked, CodeExpired, Proven, TooOften, TooSoon, WrongCode
from storage import chats, codes
from storage.tables import CodeState

log = structlog.get_logger()


async def start(context: Context, _action: Start) -> Screen:
    """The first screen: what this is, or what can be read."""
    if context.chat.current is None:
        return linking.welcome(context.t, context.services.company)
    return linking.home(context.t, context.chat.current)


async def start_linking(context: Context, _action: StartLinking) -> Screen:
    """Asks for an address."""
    await context.services.linking.await_email(context.chat.chat_id)
    return linking.ask_email(context.t, context.services.company, is_another=context.chat.current is not None)


async def give_email(context: Context, action: GiveEmail) -> Screen | None:
    """Stores a code; mails it after the answer, so that no answer takes longer for an address the portal knows."""
    asked = await context.services.linking.ask(context.chat.chat_id, action.email)
    return await _code_asked(context, asked)


async def resend_code(context: Context, _action: ResendCode) -> Screen | None:
    """Another code to the same address."""
    asked = await context.services.linking.ask_again(context.chat.chat_id)
    if asked is None:
        return await start_linking(context, StartLinking())
    return await _code_asked(context, asked, again=True)


async def _code_asked(context: Context, asked: CodeAsked | TooSoon | TooOften, *, again: bool = False) -> Screen | None:
    match asked:
        case TooSoon(seconds):
            return linking.too_soon(context.t, seconds)
        case TooOften(until):
            return linking.too_often(context.t, context.local(until))
        case CodeAsked():
            screen = linking.code_sent(context.t, asked.email, context.services.company, again=again)
            message_id = await _shown(context, screen)
            context.afterwards(_deliver(context, asked, message_id))
    return None


async def _shown(context: Context, screen: Screen) -> int:
    """Shows a screen and tells which message it became: what follows may have to take it back."""
    query = context.incoming.callback_query if context.incoming else None
    if query and query.message and await edit(context, query.message.message_id, screen):
        return query.message.message_id
    return await send_to_edit(context, screen)


async def _deliver(context: Context, asked: CodeAsked, message_id: int) -> None:
    try:
        await context.services.linking.deliver(asked, first_name=context.first_name, language=context.language)
    except (PortalError, MailError) as error:
        log.error("linking.code_not_sent", error=type(error).__name__, reason=str(error))
        screen = linking.code_not_sent(context.t, context.now)
        if not await edit(context, message_id, screen):
            await send(context, screen)


async def give_code(context: Context, action: GiveCode) -> Screen:
    """Takes an attempt at the code."""
    match await context.services.linking.check(context.chat.chat_id, action.code):
        case WrongCode(left):
            return linking.wrong_code(context.t, left)
        case Proven():
            _delete_typed(context, context.incoming)
            return await finish_linking(context, FinishLinking())
        case CodeExpired():
            return linking.expired_code(context.t)


def _delete_typed(context: Context, update: Update | None) -> None:
    """A code that was used has no business in a conversation."""
    if update and update.effective_message and not update.callback_query:
        context.afterwards(delete(context, update.effective_message.message_id))


async def finish_linking(context: Context, _action: FinishLinking) -> Screen:
    """Makes the links. A portal that is down costs the person one tap, not a new code."""
    chat_id = context.chat.chat_id
    try:
        linked = await context.services.linking.finish(chat_id, context.first_name)
    except PortalError as error:
        log.warning("linking.portal_failed", error=type(error).__name__, reason=str(error))
        async with context.services.database.read() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        if proven is None:
            return linking.expired_code(context.t)
        return linking.proof_kept(context.t, context.local(proven.expires_at), context.now)
    if isinstance(linked, CodeExpired):
        return linking.expired_code(context.t)
    if linked.is_new and linked.links:
        telling = context.services.linking.tell_contact(
            linked, first_name=context.first_name, language=context.language
        )
        context.afterwards(telling)
    if not linked.links:
        return linking.no_account(context.t, context.services.company)
    if context.chat.language is None:  # a notice has no update to read a language from
        async with context.services.database.write() as session:
            await chats.set_language(session, chat_id, context.language, context.services.clock())
    await context.reload()
    made = {(link.contact_id, link.account_id) for link in linked.links}
    return linking.linked(
        context.t, tuple(link for link in context.chat.links if (link.contact_id, link.account_id) in made)
    )
