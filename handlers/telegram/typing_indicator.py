"""Show "typing…" in a chat whose answer takes long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from telegram.constants import ChatAction
from telegram.error import TelegramError

from handlers.context import Context

_SLOW_SECONDS = 1.0
_REPEAT_SECONDS = 4.5  # Telegram shows a chat action for 5 s


@asynccontextmanager
async def typing_indicator(context: Context) -> AsyncIterator[None]:
    """Show "typing…" from 1 s on while the body runs. A faster body costs one timer, and no task."""
    tasks: list[asyncio.Task[None]] = []
    timer = asyncio.get_running_loop().call_later(
        _SLOW_SECONDS, lambda: tasks.append(asyncio.create_task(_repeat(context)))
    )
    try:
        yield
    finally:
        timer.cancel()
        for task in tasks:
            task.cancel()


async def _repeat(context: Context) -> None:
    while True:
        with suppress(TelegramError):
            await context.bot.send_chat_action(
                context.chat.chat_id, ChatAction.TYPING, message_thread_id=context.thread_id
            )
        await asyncio.sleep(_REPEAT_SECONDS)
