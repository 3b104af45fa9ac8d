"""The routing table: the first handler that matches an update takes it."""

from typing import Any

from telegram import Update
from telegram.ext import (
    Application,
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    InlineQueryHandler,
    MessageHandler,
    filters,
)

from handlers.actions import Action, SendPdf
from handlers.block_status import on_membership
from handlers.context import Context
from handlers.dispatch import perform
from handlers.error_handler import on_error
from handlers.inline import on_inline
from handlers.other_input import on_group, on_other, on_other_edit
from handlers.screens import failures
from handlers.staff_input import on_staff_message
from handlers.telegram.callback_data import InvalidCallbackData, decode
from handlers.telegram.reply import answer_tap, show
from handlers.text_input import log_foreign_context, on_text
from handlers.views.pdf import was_just_sent
from services.security import SecurityEvent

# Excludes business, guest and channel messages: the bot does not answer for another person.
_PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGES
_NEW = filters.UpdateType.MESSAGE
_SERVICE = filters.StatusUpdate.ALL

Handler = BaseHandler[Update, Context, None]


def routes(staff_chat: int | None = None) -> list[Handler]:
    """Return the table. Every handler blocks: a task of its own would break the order of the chat's updates.

    Args:
        staff_chat: the staff's forum, the only group whose messages are relayed; None where there is none.
    """
    staff = [filters.Chat(staff_chat) & filters.UpdateType.MESSAGES & filters.IS_TOPIC_MESSAGE] if staff_chat else []
    return [
        *(MessageHandler(in_topic, on_staff_message) for in_topic in staff),
        MessageHandler(filters.ChatType.GROUPS & filters.UpdateType.MESSAGES & filters.COMMAND, on_group),
        CallbackQueryHandler(on_tap),
        InlineQueryHandler(on_inline),
        MessageHandler(_PRIVATE & filters.TEXT, on_text),
        MessageHandler(_PRIVATE & _NEW & ~_SERVICE, on_other),
        MessageHandler(_PRIVATE & filters.UpdateType.EDITED_MESSAGE, on_other_edit),
        ChatMemberHandler(on_membership, ChatMemberHandler.MY_CHAT_MEMBER),
    ]


def register(application: Application[Any, Context, Any, Any, Any, Any], staff_chat: int | None) -> None:
    """Add the routing table and the error handler to an application; ``staff_chat`` as for ``routes``."""
    application.add_handlers(routes(staff_chat))
    application.add_error_handler(on_error)


async def on_tap(update: Update, context: Context) -> None:
    """Handle a tapped button: stop its spinner at once, in parallel with the screen."""
    action = _tapped(update)
    is_repeated = isinstance(action, SendPdf) and was_just_sent(context, action)
    context.run_in_background(answer_tap(context, context.t("pdf.just_sent") if is_repeated else ""))
    if not context.is_private:
        log_foreign_context(context)
    elif action is None:
        context.services.security.record(SecurityEvent.FORGED_BUTTON, cause="unreadable", chat_id=context.chat.chat_id)
        await show(context, failures.old_button(context.t))
    else:
        await perform(context, action)


def _tapped(update: Update) -> Action | None:
    """Return the action of the tapped button; None if its data cannot be read."""
    data = update.callback_query.data if update.callback_query else None
    try:
        return decode(data or "")
    except InvalidCallbackData:
        return None
