"""What a person writes during a conversation with the staff: relayed to its topic, except commands and codes."""

from functools import partial

import structlog
from telegram import Message
from telegram.error import TelegramError

from handlers.actions import Action
from handlers.context import Context
from handlers.dispatch import perform
from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.reply import repeated, send
from handlers.telegram.support.messages import copy_message, edit_copy, mark_relayed
from handlers.telegram.support.topics import RELAY_SECONDS, ConversationOver, StaffUnreachable, in_topic
from handlers.text_actions import GiveCode, GiveCopyCode, GiveRevokeCode
from handlers.views.support import close_ended
from services.understanding import commands
from services.understanding.codes import codes_in
from services.understanding.words import ends_conversation
from storage import support
from storage.linking import code_history
from storage.support import Conversation, EndReason

_LONGEST = 2_000
"""Characters in which a code is looked for."""

log = structlog.get_logger()


async def take(context: Context, message: Message, *, is_edit: bool) -> bool:
    """Relay a message of a chat in conversation. Returns: False if the bot itself answers it.

    The bot answers a command, words that end the conversation, what it has asked for since, and a code that it has
    mailed.
    """
    conversation, staff_chat = context.chat.conversation, context.services.company.staff_chat
    if conversation is None or conversation.staff_chat != staff_chat:
        return False
    text = message.text
    if text is not None and not is_edit and (context.awaiting is not None or _is_for_bot(text)):
        return False
    if text is not None and (code := await _code_action(context, text)):
        await perform(context, code)
        return True
    return await _relay(context, conversation.conversation_id, message, is_edit=is_edit)


def _is_for_bot(text: str) -> bool:
    """Return whether a text is a command, or words that end the conversation."""
    return commands.slashed(text) is not None or ends_conversation(text)


async def _code_action(context: Context, text: str) -> Action | None:
    """Return the action that compares a code, while one is valid: the staff must not read it. None for no code."""
    found = codes_in(text[:_LONGEST])
    if not found:
        return None
    async with context.services.database.read() as session:
        live = await code_history.newest_live(session, context.chat.chat_id, context.services.clock())
    if live is None:
        return None
    if live.for_link is not None:
        return GiveCopyCode(live.for_link, found.short, found.long)
    return GiveRevokeCode(found.short, found.long) if live.for_chat else GiveCode(found.short, found.long)


async def _relay(context: Context, conversation_id: int, message: Message, *, is_edit: bool) -> bool:
    replied = message.reply_to_message
    ids = [message.message_id, *([replied.message_id] if replied else [])]
    async with context.services.database.read() as session:
        conversation = await support.find(session, conversation_id)
        known = await support.staff_messages(session, conversation_id, ids)
    copy_id = known.get(message.message_id)
    if copy_id is not None and not is_edit:
        return True  # the update came again
    if copy_id is None and is_edit:
        return False  # it was not relayed: a command, a code, or from before the conversation
    if conversation is None or not await _is_valid(context, conversation):
        await send(context, screens.over(context.t))
        return True
    if copy_id is not None and await _edit(context, conversation, message, copy_id):
        return True
    reply_to = known.get(replied.message_id) if replied else None
    is_first = conversation.topic_id is None
    failed = await _copy(context, conversation, message, reply_to)
    if failed is not None:
        await send(context, failed)
    elif is_first:
        await send(context, screens.first_relayed(context.t))
    else:
        context.run_in_background(mark_relayed(context.bot, message))
    return True


async def _is_valid(context: Context, conversation: Conversation) -> bool:
    """Return whether the conversation is open, and about an account that is still linked."""
    if not conversation.is_open:
        return False
    if conversation.link_id is None or context.chat.link(conversation.link_id) is not None:
        return True
    async with context.services.database.write() as session:
        await support.end_for_links(session, [conversation.link_id], context.services.clock())
    context.run_in_background(close_ended(context))
    return False


async def _edit(context: Context, conversation: Conversation, message: Message, copy_id: int) -> bool:
    """Change the staff's copy of a message. Returns: False if the copy is gone, so that the message is copied anew."""
    call = partial(edit_copy, context.bot, message, conversation.staff_chat, copy_id)
    try:
        await repeated(context, call, to=conversation.staff_chat, seconds=RELAY_SECONDS)
    except TelegramError as error:
        failure = classify(error)
        if failure.kind is FailureKind.STALE:
            return False
        if failure.kind is not FailureKind.NOT_MODIFIED:
            _count(context, "not_in_time" if failure.may_pass else "refused", failure.reason)
            await send(context, screens.edit_not_relayed(context.t))
        return True
    context.services.support["edited"] += 1
    return True


async def _copy(context: Context, conversation: Conversation, message: Message, reply_to: int | None) -> Screen | None:
    """Copy a message to the topic. Returns: what the person is told where that failed."""

    async def copy(topic: int) -> int:
        return await copy_message(context.bot, message, conversation.staff_chat, thread_id=topic, reply_to=reply_to)

    company, t = context.services.company, context.t
    try:
        sent = await in_topic(context, conversation, copy)
    except ConversationOver:
        return screens.over(t)
    except StaffUnreachable as error:
        _count(context, "unreachable", error.failure.reason)
        async with context.services.database.write() as session:
            await support.end(session, conversation.conversation_id, EndReason.UNREACHABLE, context.services.clock())
        return screens.not_relayed(t, company.name, company.support)
    except TelegramError as error:
        failure = classify(error)
        _count(context, "not_in_time" if failure.may_pass else "refused", failure.reason)
        return screens.not_in_time(t) if failure.may_pass else screens.cannot_relay(t)
    async with context.services.database.write() as session:
        now = context.services.clock()
        await support.remember(session, conversation.conversation_id, message.message_id, sent, now)
    context.services.support["to_staff"] += 1
    return None


def _count(context: Context, outcome: str, reason: str) -> None:
    context.services.support[outcome] += 1
    level = log.error if outcome == "unreachable" else log.warning
    level("support.not_relayed", to="staff", outcome=outcome, reason=reason)
