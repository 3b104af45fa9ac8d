"""What a chat is told that sent more than is read at once."""

from typing import Any

from telegram import Update
from telegram.ext import Application

from handlers.context import Context
from handlers.screens import trouble
from handlers.telegram.reply import send


async def tell_unread(update: Update, application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Tells the chat of an update that its last messages were not read; a group is told nothing."""
    context = Context.from_update(update, application)
    if not context.is_private:
        return
    try:
        await context.refresh_data()
        await send(context, trouble.unread(context.t))
    except Exception as error:
        await application.process_error(update, error)
