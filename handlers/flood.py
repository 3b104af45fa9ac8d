"""Notify chats whose messages were dropped because they sent too many at once."""

from typing import Any

from telegram import Update
from telegram.ext import Application

from handlers.context import Context
from handlers.screens import failures
from handlers.telegram.reply import send


async def on_flood(update: Update, application: Application[Any, Context, Any, Any, Any, Any]) -> None:
    """Notify the private chat of a dropped update; send nothing to a group."""
    context = Context.from_update(update, application)
    if not context.is_private:
        return
    try:
        await context.refresh_data()
        await send(context, failures.messages_dropped(context.t))
    except Exception as error:
        await application.process_error(update, error)
