"""Relay one message of a person to the topic of their conversation, and count what became of it."""

from collections.abc import Awaitable, Callable

import structlog
from telegram.error import TelegramError

from handlers.context import Context
from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.telegram.failures import classify
from handlers.telegram.support.topics import ConversationOver, StaffUnreachable, in_topic
from storage import support
from storage.support import Conversation, EndReason

log = structlog.get_logger()


async def is_valid(context: Context, conversation: Conversation) -> bool:
    """Return whether the conversation is open, and about an account that is still linked; end it if it is not."""
    if not conversation.is_open:
        return False
    if conversation.link_id is None or context.chat.link(conversation.link_id) is not None:
        return True
    async with context.services.database.write() as session:
        await support.end_for_links(session, [conversation.link_id], context.services.clock())
    return False


async def relay(
    context: Context,
    conversation: Conversation,
    message_id: int,
    copy: Callable[[int], Awaitable[int]],
    *,
    refused: Screen | None = None,
) -> Screen | None:
    """Copy a message of the person to the topic, and remember it.

    Args:
        copy: sends the copy, given the id of the topic, and returns the copy's id.
        refused: what the person is told where Telegram refuses the message; None for its usual words.

    Returns:
        What the person is told where that failed.
    """
    company, t = context.services.company, context.t
    try:
        sent = await in_topic(context, conversation, copy)
    except ConversationOver:
        return screens.over(t)
    except StaffUnreachable as error:
        count(context, "unreachable", error.failure.reason)
        async with context.services.database.write() as session:
            await support.end(session, conversation.conversation_id, EndReason.UNREACHABLE, context.services.clock())
        return screens.not_relayed(t, company.name, company.support)
    except TelegramError as error:
        failure = classify(error)
        count(context, "not_in_time" if failure.may_pass else "refused", failure.reason)
        return screens.not_in_time(t) if failure.may_pass else refused or screens.cannot_relay(t)
    async with context.services.database.write() as session:
        now = context.services.clock()
        await support.remember(session, conversation.conversation_id, message_id, sent, now)
    context.services.support["to_staff"] += 1
    return None


def count(context: Context, outcome: str, reason: str) -> None:
    """Count and log that a message was not relayed."""
    context.services.support[outcome] += 1
    level = log.error if outcome == "unreachable" else log.warning
    level("support.not_relayed", to="staff", outcome=outcome, reason=reason)
