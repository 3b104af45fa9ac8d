"""Every way in, in one ordered table: the first route that fits takes the update."""

import asyncio
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
from handlers.screens import trouble
from handlers.telegram.callback_data import BadButton, decode
from handlers.telegram.reply import answer_tap, show
from handlers.text_input import log_foreign, on_group, on_other, on_text
from services.security import SecurityEvent

# Business, guest and channel messages never come this far: nothing here answers in somebody else's place.
_PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGES
_NEW = filters.UpdateType.MESSAGE
_SERVICE = filters.StatusUpdate.ALL

Handler = BaseHandler[Update, Context, None]


def routes() -> list[Handler]:
    """The table. Every handler blocks: what escapes into a task of its own escapes the chat's order too."""
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
    """Lays the table into an application."""
    application.add_handlers(routes())
    application.add_error_handler(on_error)


async def on_command(update: Update, context: Context) -> None:
    """A command, by either of its names."""
    if not context.is_private:
        log_foreign(context)
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
    """A button. Its answer is started at once and runs beside the screen; in a group there is nothing to tap."""
    if not context.is_private:
        log_foreign(context)
        await answer_tap(context)
        return
    answered = asyncio.create_task(answer_tap(context))
    try:
        data = update.callback_query.data if update.callback_query else None
        await perform(context, decode(data or ""))
    except BadButton:
        context.services.security.record(SecurityEvent.FORGED_BUTTON, cause="unreadable", chat_id=context.chat.chat_id)
        await show(context, trouble.old_button(context.t))
    finally:
        await answered
