"""Linking, as a conversation: an address, a code, the accounts."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from handlers.actions import ConfirmAddress, FinishLinking, GiveCode, GiveEmail, ResendCode, Start, StartLinking
from handlers.alerts import tell_chats
from handlers.context import Context
from handlers.screens import account, linking
from handlers.screens.screen import Screen
from handlers.telegram.reply import delete, edit, send
from mail.errors import MailError
from portal.errors import PortalError
from services.linking.code_limits import TooOften, TooSoon
from services.linking.code_results import AddressProven, Checked, CodeExpired, CodeRequested, Linked, WrongCode
from storage import chats
from storage.linking import codes, links
from storage.tables import CodeState

log = structlog.get_logger()


async def start(context: Context, _action: Start) -> Screen:
    """The first screen: what this is, or what can be read."""
    if context.chat.current is None:
        return linking.welcome(context.t, context.services.company.name)
    return linking.home(context.t, context.chat.current)


async def start_linking(context: Context, _action: StartLinking) -> Screen:
    """Asks for an address."""
    await context.services.linking.await_email(context.chat.chat_id)
    return linking.ask_email(context.t, context.services.company.name, is_another=context.chat.current is not None)


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


async def _code_asked(
    context: Context, asked: CodeRequested | TooSoon | TooOften, *, again: bool = False
) -> Screen | None:
    match asked:
        case TooSoon(seconds):
            return linking.too_soon(context.t, seconds)
        case TooOften(until):
            return linking.too_often(context.t, context.local(until))
        case CodeRequested():
            delivery = context.services.code_delivery
            mail = delivery.deliver(asked, first_name=context.first_name, language=context.language)
            screen = linking.code_sent(context.t, asked, context.services.company.name, again=again)
            await answer_then_mail(context, asked, screen, mail, lambda: linking.code_not_sent(context.t, context.now))
    return None


async def answer_then_mail(
    context: Context,
    asked: CodeRequested,
    screen: Screen,
    mail: Coroutine[Any, Any, None],
    failed: Callable[[], Screen],
) -> None:
    """Answers that a code was asked for, and mails it beside the answer: how long that takes tells nobody anything.

    Args:
        failed: what takes the answer's place where the code could not be mailed.
    """
    try:
        message_id = await _shown(context, screen)
    except BaseException:
        mail.close()
        raise
    context.afterwards(_deliver(context, asked, message_id, mail, failed))


async def confirm_address(context: Context, action: ConfirmAddress) -> Screen | None:
    """Mails a code to the address that an unused link was made through."""
    link = context.link(action.link)
    async with context.services.database.read() as session:
        email = (await links.emails(session, context.chat.chat_id)).get(link.link_id)
    if email is None:
        return await start_linking(context, StartLinking())
    return await _code_asked(context, await context.services.linking.ask(context.chat.chat_id, email))


async def _shown(context: Context, screen: Screen) -> int:
    """Shows a screen and tells which message it became: what follows may have to take it back."""
    query = context.incoming.callback_query if context.incoming else None
    if query and query.message and await edit(context, query.message.message_id, screen):
        return query.message.message_id
    return await send(context, screen)


async def _deliver(
    context: Context,
    asked: CodeRequested,
    message_id: int,
    mail: Coroutine[Any, Any, None],
    failed: Callable[[], Screen],
) -> None:
    try:
        await mail
    except (PortalError, MailError) as error:
        log.error("linking.code_not_sent", error=type(error).__name__, reason=str(error))
        screen = failed()
        if not await edit(context, message_id, screen):
            await send(context, screen)
    finally:
        if asked.warns_owner:
            await context.services.code_delivery.warn_owner(asked.email, context.language)


def warn_owner(context: Context, checked: Checked) -> None:
    """Has the owner of an address told of wrong codes, where that is due."""
    if isinstance(checked, WrongCode) and checked.warns_owner:
        context.afterwards(context.services.code_delivery.warn_owner(checked.warns_owner, context.language))


async def give_code(context: Context, action: GiveCode) -> Screen:
    """Takes an attempt at the code."""
    checked = await context.services.linking.check(context.chat.chat_id, action.code, action.long_code)
    if isinstance(checked, AddressProven):
        delete_typed(context)
        return await finish_linking(context, FinishLinking())
    warn_owner(context, checked)
    until = context.local(checked.until) if isinstance(checked, TooOften) else None
    return linking.code_refused(context.t, checked, until)


def delete_typed(context: Context) -> None:
    """Deletes the message with a code that was used."""
    update = context.incoming
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
        context.afterwards(_tell_of_new_link(context, linked))
    if not linked.links:
        return linking.no_account(context.t, context.services.company.name)
    if context.chat.language is None:  # a notice has no update to read a language from
        async with context.services.database.write() as session:
            await chats.set_language(session, chat_id, context.language, context.services.clock())
    await context.reload()
    made = {(link.contact_id, link.account_id) for link in linked.links}
    return linking.linked(
        context.t, tuple(link for link in context.chat.links if (link.contact_id, link.account_id) in made)
    )


async def _tell_of_new_link(context: Context, linked: Linked) -> None:
    """Tells the mailbox, and the other chats that are linked through it."""
    me = context.chat.chat_id
    await tell_chats(
        context, linked.others, lambda t: account.new_link(t, context.first_name, me), through=linked.proven
    )
    language = linked.language or context.language
    await context.services.alerts.linked(linked.email, language, first_name=context.first_name)
