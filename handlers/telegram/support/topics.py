"""The topic of a conversation in the staff's forum: created, created again where it was deleted, and reopened."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import structlog
from telegram.error import TelegramError

from handlers.context import Context
from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.screens.support import Subject
from handlers.telegram.failures import Failure, FailureKind, classify, is_topic_closed, is_topic_gone
from handlers.telegram.messages import send_text
from handlers.telegram.render import render
from handlers.telegram.reply import repeated
from portal.models import Part
from services.company import Company
from storage import support
from storage.support import Conversation
from texts.catalogue import Texts, texts_in

RELAY_SECONDS = 600.0
"""How long a relayed message is tried: a group takes about 20 messages a minute, and the update waits meanwhile."""
_MOST_REPAIRS = 4

log = structlog.get_logger()

ResultT = TypeVar("ResultT")


class ConversationOver(Exception):
    """The conversation ended meanwhile."""


class StaffUnreachable(Exception):
    """Nothing can be relayed: the staff's chat is gone, is no forum, or the bot has no right to manage its topics."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def staff_texts(company: Company) -> Texts:
    """Return the texts in the language of the staff: the company's."""
    return texts_in(company.language)


def subject_text(part: Part | None, number: str) -> str:
    """Return the paper in question as it is stored; empty for none."""
    return f"{part or ''} {number}" if number else ""


def subject_of(context: Context, conversation: Conversation) -> Subject:
    """Return what a conversation of this chat is about."""
    part, _, number = conversation.subject.partition(" ")
    link = context.chat.link(conversation.link_id) if conversation.link_id is not None else None
    account = link.account_name if link else ""
    return Subject(account, Part(part) if part in set(Part) else None, number)


async def in_topic(context: Context, conversation: Conversation, send: Callable[[int], Awaitable[ResultT]]) -> ResultT:
    """Send something to the topic of a conversation of this chat; create or repair the topic where that is needed.

    Args:
        send: sends it, given the id of the topic.

    Raises:
        ConversationOver: the conversation ended meanwhile.
        StaffUnreachable: as its docstring says.
        TelegramError: the message itself was refused, or the call failed for ``RELAY_SECONDS``.
    """
    to = conversation.staff_chat
    for _ in range(_MOST_REPAIRS):
        topic = conversation.topic_id
        try:
            if topic is None:
                conversation = await _create(context, conversation, gone=None)
                continue
            if not conversation.is_subject_told:
                await _announce(context, conversation, topic)
                conversation = await _read_again(context, conversation)
            return await repeated(context, partial(send, topic), to=to, seconds=RELAY_SECONDS)
        except TelegramError as error:
            failure = classify(error)
            if is_topic_gone(failure):
                conversation = await _create(context, conversation, gone=topic)
            elif is_topic_closed(failure) and topic is not None:
                await _manage(context, to, partial(context.bot.reopen_forum_topic, to, topic))
            elif is_unusable(failure):
                raise StaffUnreachable(failure) from error
            else:
                raise
    raise StaffUnreachable(Failure(FailureKind.REFUSED, "the topic is closed or deleted again and again"))


def is_unusable(failure: Failure) -> bool:
    """Return whether a failure concerns the staff's chat or the bot's rights in it, and no single message."""
    return failure.is_recipient_gone or failure.kind is FailureKind.MIGRATED or "rights" in failure.reason.lower()


async def _create(context: Context, conversation: Conversation, *, gone: int | None) -> Conversation:
    """Create the topic, unless another process has; ``gone`` is the one that was deleted, or None."""
    to = conversation.staff_chat
    name = screens.topic_name(context.language, subject_of(context, conversation))
    created = await _manage(context, to, partial(context.bot.create_forum_topic, to, name))
    topic = created.message_thread_id
    async with context.services.database.write() as session:
        is_ours = await support.set_topic(session, conversation.conversation_id, gone, topic)
    if not is_ours:
        with suppress(TelegramError):
            await context.bot.delete_forum_topic(to, topic)
    elif gone is not None:
        context.services.support["topic_recreated"] += 1
        log.warning("support.topic_recreated", reason="its topic was deleted")
    conversation = await _read_again(context, conversation)
    if is_ours:
        await _announce(context, conversation, topic, is_recreated=gone is not None, has_name=True)
        conversation = await _read_again(context, conversation)
    return conversation


async def _read_again(context: Context, conversation: Conversation) -> Conversation:
    async with context.services.database.read() as session:
        found = await support.find(session, conversation.conversation_id)
    if found is None or not found.is_open:
        raise ConversationOver
    return found


async def _announce(
    context: Context, conversation: Conversation, topic: int, *, is_recreated: bool = False, has_name: bool = False
) -> None:
    """Tell the staff what the conversation is about, and name the topic after it."""
    to, subject, t = conversation.staff_chat, subject_of(context, conversation), staff_texts(context.services.company)
    header = render(screens.topic_header(t, context.language, subject, is_recreated=is_recreated))
    send = partial(send_text, context.bot, to, header, thread_id=topic)
    await repeated(context, send, to=to, seconds=RELAY_SECONDS)
    if not has_name:
        name = screens.topic_name(context.language, subject)
        with suppress(TelegramError):  # such as TOPIC_NOT_MODIFIED; the header says the same
            await context.bot.edit_forum_topic(to, topic, name=name)
    async with context.services.database.write() as session:
        await support.subject_told(session, conversation.conversation_id)


async def _manage(context: Context, to: int, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Make a call that needs the right to manage topics; whatever refuses it, nothing can be relayed."""
    try:
        return await repeated(context, call, to=to, seconds=RELAY_SECONDS)
    except TelegramError as error:
        failure = classify(error)
        if failure.may_pass or is_topic_gone(failure):
            raise
        raise StaffUnreachable(failure) from error


async def tell_topic(context: Context, staff_chat: int, topic: int, screen: Screen) -> None:
    """Tell the staff something in a topic; a failure is logged, as nobody else can be told."""
    send = partial(send_text, context.bot, staff_chat, render(screen), thread_id=topic)
    try:
        await repeated(context, send, to=staff_chat)
    except TelegramError as error:
        log.warning("support.staff_not_told", reason=classify(error).reason)
