"""The routing table: the first handler that matches an update takes it."""

from typing import Any

from telegram import Update
from telegram.ext import (
    Application,
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from handlers.block_status import on_membership
from handlers.commands import BY_NAME
from handlers.context import Context
from handlers.dispatch import not_linked, perform
from handlers.error_handler import on_error
from handlers.screens import failures
from handlers.telegram.callback_data import InvalidCallbackData, decode
from handlers.telegram.reply import answer_tap, show
from handlers.text_input import log_foreign_context, on_group, on_other, on_text
from services.security import SecurityEvent

# Excludes business, guest and channel messages: the bot does not answer for another person.
_PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGES
_NEW = filters.UpdateType.MESSAGE
_SERVICE = filters.StatusUpdate.ALL

Handler = BaseHandler[Update, Context, None]


def routes() -> list[Handler]:
    """Return the table. Every handler blocks: a task of its own would break the order of the chat's updates."""
    names = list(BY_NAME)
    return [
        MessageHandler(filters.ChatType.GROUPS & filters.UpdateType.MESSAGES & filters.COMMAND, on_group),
        CommandHandler(names, on_command, filters=_PRIVATE),
        CallbackQueryHandler(on_tap),
        MessageHandler(_PRIVATE & filters.TEXT, on_text),
        MessageHandler(_PRIVATE & _NEW & ~_SERVICE, on_other),
        ChatMemberHandler(on_membership, ChatMemberHandler.MY_CHAT_MEMBER),
    ]


def register(application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Add the routing table and the error handler to an application."""
    application.add_handlers(routes())
    application.add_error_handler(on_error)


async def on_command(update: Update, context: Context) -> None:
    """Handle a command, by either of its names."""
    if not context.is_private:
        log_foreign_context(context)
        return
    text = (update.effective_message.text if update.effective_message else "") or ""
    command = BY_NAME[text.split()[0][1:].split("@")[0].lower()]
    if command.action is not None:
        await perform(context, command.action)
    elif context.chat.current is None or command.of_link is None:
        await show(context, not_linked(context))
    else:
        await perform(context, command.of_link(context.chat.current.link_id))


async def on_tap(update: Update, context: Context) -> None:
    """Handle a tapped button: stop its spinner at once, in parallel with the screen."""
    context.run_in_background(answer_tap(context))
    if not context.is_private:
        log_foreign_context(context)
        return
    try:
        data = update.callback_query.data if update.callback_query else None
        await perform(context, decode(data or ""))
    except InvalidCallbackData:
        context.services.security.record(SecurityEvent.FORGED_BUTTON, cause="unreadable", chat_id=context.chat.chat_id)
        await show(context, failures.old_button(context.t))
