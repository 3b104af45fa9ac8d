"""What a person writes during a conversation with the staff: relayed to its topic, except commands and codes."""

from functools import partial

from telegram import Message
from telegram.error import TelegramError

from handlers.actions import Action
from handlers.commands import BY_WORD
from handlers.context import Context
from handlers.dispatch import perform
from handlers.number_input import is_own_number
from handlers.screens import support as screens
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.reply import repeated, send
from handlers.telegram.support.messages import copy_message, edit_copy, mark_relayed
from handlers.telegram.support.relay import count, is_valid, relay
from handlers.telegram.support.topics import RELAY_SECONDS
from handlers.text_actions import GiveCode, GiveCopyCode, GiveRevokeCode
from handlers.views.support import close_ended
from services.understanding import commands
from services.understanding.code_sentences import speaks_of_else
from services.understanding.codes import codes_in
from services.understanding.numbers import number_in
from services.understanding.resolving import (
    CODES,
    SEARCHES,
    AddressTyped,
    AnotherAddress,
    AnotherCode,
    BadAddress,
    CodeTyped,
    Leave,
    SeveralCodes,
    understand,
)
from services.understanding.words import ends_conversation
from storage import support
from storage.linking import code_history
from storage.support import Conversation

_LONGEST = 2_000
"""Characters in which a code is looked for."""
_ANSWERS = (AddressTyped, CodeTyped, SeveralCodes, AnotherCode, AnotherAddress, Leave)
"""What answers the bot where it awaits an address or a code; the staff get every other text."""


async def take(context: Context, message: Message, *, is_edit: bool) -> bool:
    """Relay a message of a chat in conversation. Returns: False if the bot itself answers it.

    The bot answers a command, words that end the conversation, what it has asked for since, and a code that it has
    mailed, which no forwarded message is.
    """
    conversation, staff_chat = context.chat.conversation, context.services.company.staff_chat
    if conversation is None or conversation.staff_chat != staff_chat:
        return False
    text = message.text
    if text is not None and not is_edit and (_is_for_bot(text) or _is_awaited(context, message, text)):
        return False
    if text is not None and message.forward_origin is None and (code := await _code_action(context, text)):
        await perform(context, code)
        return True
    return await _relay(context, conversation.conversation_id, message, is_edit=is_edit)


def _is_for_bot(text: str) -> bool:
    """Return whether a text is a command, or words that end the conversation."""
    return commands.slashed(text) is not None or ends_conversation(text)


def _is_awaited(context: Context, message: Message, text: str) -> bool:
    """Return whether a text answers what the bot has asked for since the conversation began."""
    awaiting = context.awaiting
    if awaiting is None or awaiting.what in SEARCHES:
        return awaiting is not None
    if awaiting.what in CODES and message.forward_origin is not None:
        return False
    meaning = understand(text, awaiting.what, BY_WORD, is_linked=context.chat.current is not None)
    return isinstance(meaning, _ANSWERS) or (isinstance(meaning, BadAddress) and "@" in text)


async def _code_action(context: Context, text: str) -> Action | None:
    """Return the action that compares a code, while one is valid: the staff must not read it. None for no code.

    A sentence about something else, and the number of an own order or invoice, are meant for the staff.
    """
    text = text[:_LONGEST]
    found = codes_in(text)
    if not found or speaks_of_else(text):
        return None
    async with context.services.database.read() as session:
        live = await code_history.newest_live(session, context.chat.chat_id, context.services.clock())
    if live is None or await _is_own_number(context, text):
        return None
    if live.for_link is not None:
        return GiveCopyCode(live.for_link, found.short, found.long)
    return GiveRevokeCode(found.short, found.long) if live.for_chat else GiveCode(found.short, found.long)


async def _is_own_number(context: Context, text: str) -> bool:
    number, current = number_in(text), context.chat.current
    is_number = number is not None and not codes_in(text).is_named
    return number is not None and is_number and current is not None and await is_own_number(context, current, number)


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
    if conversation is None or not await is_valid(context, conversation):
        context.run_in_background(close_ended(context))
        await send(context, screens.over(context.t))
        return True
    if copy_id is not None and await _edit(context, conversation, message, copy_id):
        return True
    reply_to = known.get(replied.message_id) if replied else None
    is_first = conversation.topic_id is None

    async def copy(topic: int) -> int:
        return await copy_message(context.bot, message, conversation.staff_chat, thread_id=topic, reply_to=reply_to)

    failed = await relay(context, conversation, message.message_id, copy)
    if failed is not None:
        await send(context, failed)
    elif is_first:
        await send(context, screens.first_relayed(context.t))
    else:
        context.run_in_background(mark_relayed(context.bot, message.chat_id, message.message_id))
    return True


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
            count(context, "not_in_time" if failure.may_pass else "refused", failure.reason)
            await send(context, screens.edit_not_relayed(context.t))
        return True
    context.services.support["edited"] += 1
    return True
