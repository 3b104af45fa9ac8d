"""Send screens as answers: as a new message, or in place of the message whose button was tapped.

A notice stays: what its buttons answer is a message of its own, which quotes the notice.

An answer is repeated for about ``ANSWER_SECONDS`` while its failure may pass, also where it may have arrived: a doubled
answer harms nobody, none at all does. Meanwhile the chat's later updates wait, and those of other chats do not.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import structlog
from telegram.error import TelegramError

from handlers.context import Context
from handlers.screens.offered import with_offered_buttons
from handlers.screens.screen import Screen
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.messages import edit_text, send_text
from handlers.telegram.rich_messages import deliver, render_for
from handlers.telegram.tapped_notice import is_below_notice
from services.retries import with_retries

ANSWER_SECONDS = 30.0
TAP_SECONDS = 10.0
"""How long stopping a button's spinner is tried: Telegram forgets the tap."""
_DELETED_AT_ONCE = 100
"""Messages of one call of deleteMessages (Bot API)."""
_FIRST_PAUSE_SECONDS = 0.5
_JITTER_SECONDS = 0.5
_CERTAINLY_NOT_DONE = (FailureKind.NOT_DONE, FailureKind.TOO_MANY, FailureKind.MISCONFIGURED)

log = structlog.get_logger()

ResultT = TypeVar("ResultT")


async def show(context: Context, screen: Screen, *, link: int | None = None) -> int:
    """Answer with a screen: edit the message whose button was tapped, else send a new one.

    Args:
        link: the link whose account the screen is about.

    Returns:
        The id of the message with the screen.

    Raises:
        LinkGone: the link was removed during the wait before a retry.
    """
    query = context.incoming.callback_query if context.incoming else None
    message = query.message if query is not None else None
    if query is not None and message is not None and is_below_notice(query):
        return await _answer_notice(context, screen, message.message_id, query.data or "", link)
    if message is not None and await edit(context, message.message_id, screen, link=link):
        return message.message_id
    return await send(context, screen, link=link)


async def _answer_notice(context: Context, screen: Screen, notice_id: int, data: str, link: int | None) -> int:
    """Answer below a notice. A button that is tapped repeatedly has one answer, which is edited."""
    answers, key = context.services.recent.notice_answers, (context.chat.chat_id, notice_id, data)
    earlier = answers.get(key)
    if earlier is not None and await edit(context, earlier, screen, link=link):
        return earlier
    sent = await send(context, screen, link=link, reply_to=notice_id)
    answers.set(key, sent)
    return sent


async def send(
    context: Context, screen: Screen, *, to: int | None = None, link: int | None = None, reply_to: int | None = None,
    is_notice: bool = False,
) -> int:  # fmt: skip
    """Send a screen as a message of its own, to this chat or another.

    Args:
        to: the other chat. An answer to the chat of the update goes to the topic that the update came from.
        link: as for ``show``.
        reply_to: the message to quote, or None.
        is_notice: as for ``render``.

    Returns:
        The id of the message.
    """
    rich = context.services.rich_support
    chat = context.incoming.effective_chat if context.incoming else None
    chat_id = to or context.chat.chat_id
    wants_tables = context.chat.wants_tables and chat_id == context.chat.chat_id
    screen = with_offered_buttons(screen, context.features)
    rendered = render_for(rich, screen, wants_tables=wants_tables, is_notice=is_notice)
    thread_id = context.thread_id if chat is not None and chat.id == chat_id else None

    def send_to(thread_id: int | None) -> Callable[[], Awaitable[int]]:
        send_one = partial(send_text, context.bot, chat_id, thread_id=thread_id, reply_to=reply_to)
        return partial(deliver, rich, rendered, send_one)

    try:
        return await _deliver(context, send_to(thread_id), chat_id, link)
    except TelegramError as error:
        # The topic was closed or deleted. A group gets no answer elsewhere, a person does.
        if thread_id is None or not context.is_private or classify(error).kind is not FailureKind.REFUSED:
            raise
    return await _deliver(context, send_to(None), chat_id, link)


async def edit(context: Context, message_id: int, screen: Screen, *, link: int | None = None) -> bool:
    """Replace a message with a screen; ``link`` as for ``show``.

    Returns:
        False if Telegram cannot edit it: it is gone, too old, or a document.
    """
    rich, chat_id = context.services.rich_support, context.chat.chat_id
    screen = with_offered_buttons(screen, context.features)
    rendered = render_for(rich, screen, wants_tables=context.chat.wants_tables)
    edit_one = partial(edit_text, context.bot, chat_id, message_id)
    try:
        await _deliver(context, lambda: deliver(rich, rendered, edit_one), chat_id, link)
    except TelegramError as error:
        match classify(error).kind:
            case FailureKind.NOT_MODIFIED:
                return True
            case FailureKind.STALE | FailureKind.REFUSED:
                return False
        raise
    return True


async def answer_tap(context: Context, text: str = "") -> None:
    """Stop the button's spinner, and show a short text over the chat unless it is empty.

    Ignores the last failure (a stale query, an outage): the screen matters more.
    """
    query = context.incoming.callback_query if context.incoming else None
    if query is None:
        return
    with suppress(TelegramError):
        await repeated(context, partial(query.answer, text or None), seconds=TAP_SECONDS)


async def delete(context: Context, message_id: int) -> None:
    """Delete a message if Telegram permits it (48 hours); else leave it."""
    with suppress(TelegramError):
        await repeated(context, lambda: context.bot.delete_message(context.chat.chat_id, message_id))


async def delete_messages(context: Context, message_ids: Sequence[int]) -> None:
    """Delete messages of the chat, younger than 48 hours; log those that Telegram did not delete."""
    for start in range(0, len(message_ids), _DELETED_AT_ONCE):
        some = message_ids[start : start + _DELETED_AT_ONCE]
        try:
            await repeated(context, partial(context.bot.delete_messages, context.chat.chat_id, some))
        except TelegramError as error:
            log.warning("forget.messages_left", count=len(some), kind=classify(error).kind)


async def _deliver(context: Context, call: Callable[[], Awaitable[ResultT]], chat_id: int, link: int | None) -> ResultT:
    """Send an answer; log and count it if it cannot be delivered in time."""
    try:
        result = await repeated(context, call, to=chat_id, link=link)
    except TelegramError as error:
        failure = classify(error)
        if failure.may_pass:
            context.services.undelivered[failure.kind] += 1
            log.warning("answer.not_delivered", kind=failure.kind, error=type(error).__name__)
        raise
    context.services.recent.unanswered.discard(chat_id)
    return result


async def repeated(
    context: Context,
    call: Callable[[], Awaitable[ResultT]],
    *,
    to: int | None = None,
    is_repeatable: bool = True,
    link: int | None = None,
    seconds: float | None = None,
) -> ResultT:
    """Make a call to Telegram, and make it again for about ``seconds`` while its failure may pass.

    The pauses grow from 0.5 s to 5 s; after a 429 the pause is as long as Telegram asks, and ends with the time.

    Args:
        to: the chat that the call is for, if not this one.
        is_repeatable: whether the call may be done twice. Else only a call that was certainly not done is repeated, and
            not after a 429 that is longer than the time.
        link: a link that must still exist before each further call.
        seconds: ``ANSWER_SECONDS`` by default.

    Raises:
        TelegramError: the last failure.
        LinkGone: the link was removed meanwhile.
    """
    seconds = ANSWER_SECONDS if seconds is None else seconds
    ends = time.monotonic() + seconds
    has_failed = False

    async def attempt() -> ResultT:
        nonlocal has_failed
        if has_failed and link is not None:
            await context.reload()
            context.link(link)
        try:
            return await call()
        except TelegramError as error:
            has_failed = True
            if pause := classify(error).too_many_pause:
                await context.services.bulk_limiter.report_too_many(to or context.chat.chat_id, pause)
            raise

    def pause_after(error: Exception) -> bool | float:
        """Return the seconds to wait, True for the usual pause, or False for no further call."""
        if not isinstance(error, TelegramError):
            return False
        failure, left = classify(error), max(0.0, ends - time.monotonic())
        if not failure.may_pass or not (is_repeatable or failure.kind in _CERTAINLY_NOT_DONE):
            return False
        requested = failure.too_many_pause.total_seconds() if failure.too_many_pause else None
        if requested is not None and requested > left and not is_repeatable:
            return False
        context.services.give_back_slot()
        return True if requested is None else min(requested, left) + random.uniform(0, _JITTER_SECONDS)

    return await with_retries(
        attempt, on=pause_after, seconds=seconds, wait_initial=_FIRST_PAUSE_SECONDS, wait_jitter=_JITTER_SECONDS
    )
