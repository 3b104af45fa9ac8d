"""The command menu of a chat whose language is not its client's.

Commands of both languages work without it, so errors of Telegram are ignored.
"""

from contextlib import suppress

from telegram import BotCommandScopeChat
from telegram.error import TelegramError

from handlers.commands import menu
from handlers.context import Context
from texts.language import Language


async def set_menu(context: Context, chosen: Language) -> None:
    """Set the menu of the chosen language; remove the chat's menu if the client has that language."""
    if Language.of_client(context.client_language, context.services.company.language) is chosen:
        await reset_menu(context)
        return
    with suppress(TelegramError):
        await context.bot.set_my_commands(menu(chosen), scope=BotCommandScopeChat(context.chat.chat_id))


async def reset_menu(context: Context) -> None:
    """Remove the chat's menu: Telegram then shows that of the client's language."""
    with suppress(TelegramError):
        await context.bot.delete_my_commands(scope=BotCommandScopeChat(context.chat.chat_id))
