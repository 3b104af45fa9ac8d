"""Show "typing…" in a chat whose answer takes long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from telegram.constants import ChatAction
from telegram.error import TelegramError

from handlers.context import Context

_SLOW_SECONDS = 1.0
_MOST_AT_ONCE = 16
"""Chats that see it at once: while a crowd waits for the portal, the calls are left to the answers of others."""
_REPEAT_SECONDS = 4.5  # Telegram shows a chat action for 5 s


_shown: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def typing_indicator(context: Context) -> AsyncIterator[None]:
    """Show "typing…" from 1 s on while the body runs. A faster body costs one timer, and no task."""
    task: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal task
        if len(_shown) < _MOST_AT_ONCE:
            task = asyncio.create_task(_repeat(context))
            _shown.add(task)
            task.add_done_callback(_shown.discard)

    timer = asyncio.get_running_loop().call_later(_SLOW_SECONDS, begin)
    try:
        yield
    finally:
        timer.cancel()
        if task is not None:
            task.cancel()


async def _repeat(context: Context) -> None:
    while True:
        with suppress(TelegramError):
            await context.bot.send_chat_action(
                context.chat.chat_id, ChatAction.TYPING, message_thread_id=context.thread_id
            )
        await asyncio.sleep(_REPEAT_SECONDS)
