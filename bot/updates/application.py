"""PTB's application with the routing table, and which chats the order of updates knows as linked."""

from collections.abc import Awaitable, Callable, Set
from typing import cast

from telegram.ext import ApplicationBuilder, ContextTypes, ExtBot

from bot.bot_api.request import AiohttpRequest
from bot.settings import Settings
from bot.updates.handling import OdobotApplication
from bot.updates.ordering import PerChatOrder
from handlers.context import Context, Services
from handlers.routes import register
from storage import chats
from storage.database import Database


def linked_chats(database: Database, staff_chat: int | None) -> Callable[[Set[int]], Awaitable[Set[int]]]:
    """Return a function that returns those of some chats that are linked; the staff's chat counts as linked."""

    async def linked_among(chat_ids: Set[int]) -> Set[int]:
        async with database.read() as session:
            linked = await chats.linked_among(session, chat_ids)
        return linked if staff_chat is None or staff_chat not in chat_ids else linked | {staff_chat}

    return linked_among


def make_application(
    settings: Settings,
    services: Services,
    order: PerChatOrder,
    request: AiohttpRequest,
    get_updates_request: AiohttpRequest,
) -> OdobotApplication:
    """Make PTB's application with the routing table, on the given requests."""
    bot: ExtBot[None] = ExtBot(
        settings.telegram_token.get_secret_value(),
        base_url=f"{settings.telegram_api_url}/bot",
        base_file_url=f"{settings.telegram_api_url}/file/bot",
        request=request,
        get_updates_request=get_updates_request,
    )
    # PTB calls this to make bot_data.
    services_for_ptb = cast("type[Services]", lambda: services)
    application = (
        ApplicationBuilder()
        .application_class(OdobotApplication)
        .bot(bot)
        .updater(None)
        .concurrent_updates(order)
        .context_types(ContextTypes(context=Context, bot_data=services_for_ptb))
        .job_queue(None)
        .build()
    )
    assert isinstance(application, OdobotApplication)
    register(application, settings.staff_chat)
    return application
