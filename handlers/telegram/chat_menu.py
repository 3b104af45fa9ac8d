"""The command menu of one chat, where its language is not its client's. It is cosmetic: commands of both languages work
either way, so that it could not be set is no error."""

from contextlib import suppress

from telegram import BotCommandScopeChat
from telegram.error import TelegramError

from handlers.commands import menu
from handlers.context import Context
from texts.language import Language


async def fit_menu(context: Context, chosen: Language) -> None:
    """Shows the chosen language's commands; the client's own list where it speaks that language anyway."""
    if Language.of_client(context.client_language, context.services.company.language) is chosen:
        await drop_menu(context)
        return
    with suppress(TelegramError):
        await context.bot.set_my_commands(menu(chosen), scope=BotCommandScopeChat(context.chat.chat_id))


async def drop_menu(context: Context) -> None:
    """Goes back to the client's language."""
    with suppress(TelegramError):
        await context.bot.delete_my_commands(scope=BotCommandScopeChat(context.chat.chat_id))
