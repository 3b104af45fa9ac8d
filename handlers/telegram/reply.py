"""Answers: a screen is sent, or takes the place of the one that was tapped."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from telegram import LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from handlers.context import Context
from handlers.screens.screen import Screen
from handlers.telegram.outcome import NotDone
from handlers.telegram.render import render

_LONGEST_WAIT = 30
_PAUSE = 0.5
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_NOT_MODIFIED = "message is not modified"

ResultT = TypeVar("ResultT")


async def show(context: Context, screen: Screen, *, link: int | None = None) -> None:
    """Answers with a screen: in place where a button was tapped, else as a message.

    Args:
        link: the link whose account the screen is about.

    Raises:
        LinkGone: the link was removed while Telegram made us wait.
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
    sent = await patiently(
        context,
        lambda: context.bot.send_message(
            chat_id=to or context.chat.chat_id,
            text=message.html,
            parse_mode=ParseMode.HTML,
            link_preview_options=_NO_PREVIEW,
            api_kwargs=message.reply_markup,
        ),
        link=link,
    )
    return sent.message_id


async def edit(context: Context, message_id: int, screen: Screen, *, link: int | None = None) -> bool:
    """Puts a screen in the place of a message; ``False`` where Telegram cannot: it is gone, too old, or a document."""
    message = render(screen)
    try:
        await patiently(
            context,
            lambda: context.bot.edit_message_text(
                chat_id=context.chat.chat_id,
                message_id=message_id,
                text=message.html,
                parse_mode=ParseMode.HTML,
                link_preview_options=_NO_PREVIEW,
                api_kwargs=message.reply_markup,
            ),
            repeatable=True,
            link=link,
        )
    except BadRequest as error:
        return _NOT_MODIFIED in error.message.lower()
    return True


async def answer_tap(context: Context) -> None:
    """Stops the button's spinner. That it cannot be stopped (a stale query, a 429) must not spoil the screen."""
    query = context.incoming.callback_query if context.incoming else None
    if query is None:
        return
    with suppress(TelegramError):
        await query.answer()


async def delete(context: Context, message_id: int) -> None:
    """Deletes a message where Telegram permits it (48 hours); where it does not, it stays."""
    try:
        await context.bot.delete_message(context.chat.chat_id, message_id)
    except TelegramError:
        return


async def patiently(
    context: Context, call: Callable[[], Awaitable[ResultT]], *, repeatable: bool = False, link: int | None = None
) -> ResultT:
    """Makes a call to Telegram, and once more where it was certainly not done, or may be done twice.

    After a 429 it was not done, and Telegram says when it will be; notices wait that
    long too. After a time-out it may have been: only what is ``repeatable`` (an edit) is then tried again.
    """
    try:
        return await call()
    except RetryAfter as error:
        told = error.retry_after
        wait = told if isinstance(told, int) else told.total_seconds()
        await context.services.bulk_limiter.halt(datetime.timedelta(seconds=wait))
        if wait > _LONGEST_WAIT:
            raise
    except BadRequest:
        raise
    except NetworkError as error:
        if not (repeatable or isinstance(error, NotDone)):
            raise
        wait = _PAUSE
    await asyncio.sleep(wait)
    if link is not None:
        await context.reload()
        context.link(link)
    return await call()
