"""The command menu of a chat whose language is not its client's.

Commands of both languages work without it, so the last error of Telegram is ignored.
"""

from contextlib import suppress

from telegram import BotCommandScopeChat
from telegram.error import TelegramError

from handlers.commands import menu
from handlers.context import Context
from handlers.telegram.reply import repeated
from texts.language import Language


async def set_menu(context: Context, chosen: Language) -> None:
    """Set the menu of the chosen language; remove the chat's menu if the client has that language."""
    if Language.of_client(context.client_language, context.services.company.language) is chosen:
        await reset_menu(context)
        return
    scope = BotCommandScopeChat(context.chat.chat_id)
    with suppress(TelegramError):
        await repeated(context, lambda: context.bot.set_my_commands(menu(chosen, context.features), scope=scope))


async def reset_menu(context: Context) -> None:
    """Remove the chat's menu: Telegram then shows that of the client's language."""
    scope = BotCommandScopeChat(context.chat.chat_id)
    with suppress(TelegramError):
        await repeated(context, lambda: context.bot.delete_my_commands(scope=scope))
