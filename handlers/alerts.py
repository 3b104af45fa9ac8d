"""Notify the other chats of an address of new links, revocations and changes of the bookkeeper's copy."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from telegram.error import TelegramError

from handlers.context import Context
from handlers.screens.screen import Screen
from handlers.telegram.reply import send
from storage import chats
from texts.catalogue import Texts, texts_in
from texts.language import Language

log = structlog.get_logger()


async def notify_chats(
    context: Context, chat_ids: Iterable[int], screen: Callable[[Texts], Screen], *, email: str = ""
) -> None:
    """Send each chat a screen in its language, side by side: one that Telegram refuses delays no other.

    Args:
        email: the address through which the chats are linked. A chat is left out if that link ended at the portal or is
            idle: it must not learn who else uses the address. Empty means no check.
    """
    await asyncio.gather(*(_notify(context, chat_id, screen, email) for chat_id in chat_ids))


async def _notify(context: Context, chat_id: int, screen: Callable[[Texts], Screen], email: str) -> None:
    async with context.services.database.read() as session:
        chat = await chats.load(session, chat_id)
    if email and not await context.services.access.has_valid_link(chat, email):
        return
    language = Language.stored(chat.language) if chat.language else context.services.company.language
    try:
        await send(context, screen(texts_in(language)), to=chat_id, is_notice=True)
    except TelegramError as error:
        log.warning("alert.not_sent", error=type(error).__name__)
