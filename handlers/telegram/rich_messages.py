"""Send screens as rich messages to the chats that chose tables, and as text messages wherever that does not work."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from msgspec import Struct
from telegram.error import TelegramError

from handlers.rich_support import RichSupport
from handlers.screens.screen import Screen
from handlers.telegram.failures import FailureKind, RichRefusal, classify, rich_refusal
from handlers.telegram.render import Message, render
from handlers.telegram.render_rich import RichMessage, gains, render_rich

log = structlog.get_logger()

ResultT = TypeVar("ResultT")


class Rendered(Struct, frozen=True):
    """A screen as a text message and, where the chat gets one, as a rich message."""

    text: Message
    rich: RichMessage | None = None


def render_for(support: RichSupport, screen: Screen, *, wants_tables: bool, is_notice: bool = False) -> Rendered:
    """Render a screen for a chat.

    Args:
        wants_tables: whether the chat chose tables.
        is_notice: as for ``render``.
    """
    text = render(screen, is_notice=is_notice)
    if not (wants_tables and support.is_available and gains(screen)):
        return Rendered(text)
    rich = render_rich(screen, is_notice=is_notice)
    support.outcomes["too_long"] += rich is None
    return Rendered(text, rich)


async def deliver(
    support: RichSupport, rendered: Rendered, call: Callable[[Message | RichMessage], Awaitable[ResultT]]
) -> ResultT:
    """Send or edit a message by ``call``; where its rich form is refused, at once as text.

    A refusal counts only if the text is then accepted: else it was about the chat, not about the form.

    Raises:
        TelegramError: that of the last call.
    """
    if rendered.rich is None or not support.is_available:
        return await call(rendered.text)
    try:
        result = await call(rendered.rich)
    except TelegramError as error:
        refusal, reason = rich_refusal(error), error.message
        if refusal is None:
            raise
    else:
        support.outcomes["sent"] += 1
        return result
    try:
        result = await call(rendered.text)
    except TelegramError as error:
        if classify(error).kind is FailureKind.NOT_MODIFIED:
            _record(support, refusal, reason)
        raise
    _record(support, refusal, reason)
    return result


def _record(support: RichSupport, refusal: RichRefusal, reason: str) -> None:
    support.outcomes[refusal] += 1
    if refusal is RichRefusal.CONTENT:
        log.warning("telegram.rich_message_refused", reason=reason)
    elif support.is_available:
        support.is_available = False
        log.warning("telegram.rich_messages_unknown", reason=reason)
