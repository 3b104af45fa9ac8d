"""What other chats are told of what happens in this one: of links, revocations and copies through the same mailbox."""

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


async def tell_chats(
    context: Context, chat_ids: Iterable[int], screen: Callable[[Texts], Screen], *, through: str = ""
) -> None:
    """Sends each chat a screen in its language. One that cannot be reached does not keep it from the others.

    Args:
        through: the address through which the chats are linked: one whose link has ended at the portal, or was not used
            for long, hears nothing of who else reads that mailbox.
    """
    for chat_id in chat_ids:
        async with context.services.database.read() as session:
            chat = await chats.load(session, chat_id)
        if through and not await context.services.access.holds_through(chat, through):
            continue
        language = Language(chat.language) if chat.language else context.services.company.language
        try:
            await send(context, screen(texts_in(language)), to=chat_id)
        except TelegramError as error:
            log.warning("alert.not_sent", error=type(error).__name__)
