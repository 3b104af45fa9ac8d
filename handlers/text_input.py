"""Interpret messages without a command: codes, addresses, numbers, search texts, and unsupported messages."""

from telegram import Update

from handlers.actions import (
    Action,
    GiveCode,
    GiveCopyCode,
    GiveCopyEmail,
    GiveEmail,
    GiveRevokeCode,
    ListInvoices,
    ListOrders,
    OpenNumber,
)
from handlers.commands import BY_NAME
from handlers.context import Context
from handlers.dispatch import not_linked, perform
from handlers.screens import failures, linking
from handlers.screens.screen import Screen
from handlers.telegram.reply import send, show
from services.security import SecurityEvent
from services.understanding import code_in, email_in, long_code_in, number_in
from storage import chats
from storage.tables import Awaited
from texts.escaping import strip_controls

MAX_SEARCH_LENGTH = 100


async def on_text(update: Update, context: Context) -> None:
    """Handle a text that is no command."""
    if not context.is_private:
        log_foreign_context(context)
        return
    text = (update.effective_message.text if update.effective_message else "") or ""
    result = _interpret(context, text)
    if isinstance(result, Action):
        await perform(context, result)
    else:
        await show(context, result)


def _interpret(context: Context, text: str) -> Action | Screen:
    """Return the action that a text requests, given what the chat awaits, or the screen that says why it is none."""
    awaiting, current = context.awaiting, context.chat.current
    awaited = awaiting.what if awaiting else None
    code, email, number = code_in(text) or "", email_in(text), number_in(text)
    long_code = long_code_in(text) or ""
    is_code = bool(code or long_code)
    if awaited is Awaited.CODE and is_code:
        return GiveCode(code, long_code)
    if awaited is Awaited.REVOKE_CODE and is_code:
        return GiveRevokeCode(code, long_code)
    if email and (awaited in (Awaited.CODE, Awaited.EMAIL) or current is None):
        return GiveEmail(email)
    if awaiting and awaiting.link_id is not None and context.chat.link(awaiting.link_id):
        query = strip_controls(text)[:MAX_SEARCH_LENGTH]
        if awaited is Awaited.INVOICE_SEARCH:
            return ListInvoices(awaiting.link_id, query=query)
        if awaited is Awaited.ORDER_SEARCH:
            return ListOrders(awaiting.link_id, query=query)
        if awaited is Awaited.COPY_EMAIL:
            return GiveCopyEmail(awaiting.link_id, email) if email else linking.bad_email(context.t)
        if awaited is Awaited.COPY_CODE and is_code:
            return GiveCopyCode(awaiting.link_id, code, long_code)
    if current and number:
        return OpenNumber(current.link_id, number)
    if awaited is Awaited.CODE:
        return linking.no_code_in_text(context.t)
    if awaited is Awaited.EMAIL:
        return linking.bad_email(context.t)
    if current is None:
        was_asked = context.chat.awaiting is not None and context.chat.awaiting.what is Awaited.CODE
        return linking.expired_code(context.t) if is_code and was_asked else not_linked(context)
    return failures.not_understood(context.t, current)


async def on_other(update: Update, context: Context) -> None:
    """Handle a sticker, a voice message, a picture: answer once, also for an album of ten."""
    if not context.is_private:
        log_foreign_context(context)
        return
    message = update.effective_message
    if message and message.media_group_id:
        now = context.services.clock()
        async with context.services.database.write() as session:
            is_first = await chats.first_of_album(session, context.chat.chat_id, message.media_group_id, now)
        if not is_first:
            return
    await show(context, failures.unsupported_message(context.t, context.chat.current))


def log_foreign_context(context: Context) -> None:
    """Write to the security log that an update came from another place than the person's private chat."""
    context.services.security.record(SecurityEvent.FOREIGN_CONTEXT)


async def on_group(_update: Update, context: Context) -> None:
    """Answer a command in a group with a button to the private chat, if it is the bot's or names the bot."""
    message = context.incoming.effective_message if context.incoming else None
    if message is None or not message.text:
        return
    name, _, addressed = message.text.split()[0][1:].partition("@")
    is_ours = addressed.lower() == context.bot.username.lower() if addressed else name.lower() in BY_NAME
    if is_ours:
        await send(context, linking.group_welcome(context.t, context.bot.username), to=message.chat_id)
