"""Send screens as answers: as a new message, or in place of the message whose button was tapped."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from telegram.error import TelegramError

from handlers.context import Context
from handlers.screens.screen import Screen
from handlers.telegram.failures import Failure, FailureKind, classify
from handlers.telegram.messages import edit_text, send_text
from handlers.telegram.render import render

_LONGEST_WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.5

ResultT = TypeVar("ResultT")


async def show(context: Context, screen: Screen, *, link: int | None = None) -> None:
    """Answer with a screen: edit the message whose button was tapped, else send a new one.

    Args:
        link: the link whose account the screen is about.

    Raises:
        LinkGone: the link was removed during the wait before a retry.
    """
    query = context.incoming.callback_query if context.incoming else None
    message = query.message if query is not None else None
    if message is not None and await edit(context, message.message_id, screen, link=link):
        return
    await send(context, screen, link=link)


async def send(context: Context, screen: Screen, *, to: int | None = None, link: int | None = None) -> int:
    """Send a screen as a message of its own, to this chat or another; ``link`` as for ``show``.

    Returns: the id of the message.
    """
    message = render(screen)
    return await retry_once(context, lambda: send_text(context.bot, to or context.chat.chat_id, message), link=link)


async def edit(context: Context, message_id: int, screen: Screen, *, link: int | None = None) -> bool:
    """Replace a message with a screen; ``link`` as for ``show``.

    Returns:
        False if Telegram cannot edit it: it is gone, too old, or a document.
    """
    message = render(screen)
    try:
        await retry_once(
            context,
            lambda: edit_text(context.bot, context.chat.chat_id, message_id, message),
            repeatable=True,
            link=link,
        )
    except TelegramError as error:
        match classify(error).kind:
            case FailureKind.NOT_MODIFIED:
                return True
            case FailureKind.STALE | FailureKind.REFUSED:
                return False
        raise
    return True


async def answer_tap(context: Context) -> None:
    """Stop the button's spinner. Ignores every failure (a stale query, a 429): the screen matters more."""
    query = context.incoming.callback_query if context.incoming else None
    if query is None:
        return
    with suppress(TelegramError):
        await query.answer()


async def delete(context: Context, message_id: int) -> None:
    """Delete a message if Telegram permits it (48 hours); else leave it."""
    try:
        await context.bot.delete_message(context.chat.chat_id, message_id)
    except TelegramError:
        return


async def retry_once(
    context: Context, call: Callable[[], Awaitable[ResultT]], *, repeatable: bool = False, link: int | None = None
) -> ResultT:
    """Make a call to Telegram, and make it again if the first one was certainly not done, or if it is repeatable.

    After a 429 it waits as long as Telegram asks, up to 30 s, else 0.5 s.

    Args:
        repeatable: whether the call may be done twice (an edit): then it is also repeated after a time-out.
        link: a link that must still exist before the second call.

    Raises:
        TelegramError: the second call failed, or a second call is not permitted.
        LinkGone: the link was removed meanwhile.
    """
    try:
        return await _halting_notices(context, call)
    except TelegramError as error:
        pause = _pause(classify(error), repeatable=repeatable)
        if pause is None:
            raise
    await asyncio.sleep(pause)
    if link is not None:
        await context.reload()
        context.link(link)
    return await _halting_notices(context, call)


async def _halting_notices(context: Context, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Make a call; after a 429, halt all notices for as long as Telegram asks."""
    try:
        return await call()
    except TelegramError as error:
        failure = classify(error)
        if failure.kind is FailureKind.TOO_MANY and failure.retry_after is not None:
            await context.services.bulk_limiter.halt(failure.retry_after)
        raise


def _pause(failure: Failure, *, repeatable: bool) -> float | None:
    """Return the seconds before the second call, or None if there must be none."""
    match failure.kind:
        case FailureKind.TOO_MANY if failure.retry_after is not None:
            seconds = failure.retry_after.total_seconds()
            return seconds if seconds <= _LONGEST_WAIT_SECONDS else None
        case FailureKind.NOT_DONE:
            return _PAUSE_SECONDS
        case FailureKind.UNCLEAR if repeatable:
            return _PAUSE_SECONDS
    return None
