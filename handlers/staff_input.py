"""What the staff write in the topics of their forum: relayed to the person of the topic, with a first name."""

from functools import partial

import structlog
from telegram import Message, MessageEntity, Update
from telegram.error import TelegramError
from telegram.ext import filters

from handlers.commands import END
from handlers.context import Context
from handlers.screens import support as screens
from handlers.screens.screen import Screen
from handlers.screens.support import end_keyboard
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.render import render
from handlers.telegram.reply import repeated
from handlers.telegram.support.messages import copy_message, edit_copy
from handlers.telegram.support.topics import RELAY_SECONDS, staff_texts, tell_topic
from handlers.views.support import close_ended
from storage import support
from storage.support import Conversation, EndReason
from texts.catalogue import message_id, texts_in
from texts.language import Language

_NOTE = "//"
"""How a message begins that stays among the staff."""

log = structlog.get_logger()


async def on_staff_message(update: Update, context: Context) -> None:
    """Handle a message in a topic of the staff's forum. One in a topic of the staff's own, or in none, is ignored."""
    message = update.effective_message
    if message is None or not message.is_topic_message or message.message_thread_id is None or _is_of_bot(message):
        return
    staff_chat, topic = message.chat_id, message.message_thread_id
    async with context.services.database.read() as session:
        conversation = await support.find_by_topic(session, staff_chat, topic)
    if conversation is None:
        return
    command = _command(message, context.bot.username)
    if message.forum_topic_closed or command in END.names.values():
        await _end(context, conversation)
    elif filters.StatusUpdate.ALL.check_update(update) or (message.text or message.caption or "").startswith(_NOTE):
        return
    elif command is not None:
        await _tell(context, conversation, message_id("staff.unknown_command"))
    elif not conversation.is_open or conversation.chat_id is None:
        if update.edited_message is None:
            await _tell(context, conversation, message_id("staff.over"))
    else:
        await _relay(context, conversation, conversation.chat_id, message, is_edit=update.edited_message is not None)


def _is_of_bot(message: Message) -> bool:
    """Return whether a bot wrote it; an anonymous administrator has the group as ``sender_chat``."""
    is_anonymous = message.sender_chat is not None and message.sender_chat.id == message.chat_id
    return message.from_user is None or (message.from_user.is_bot and not is_anonymous)


def _command(message: Message, username: str) -> str | None:
    """Return the command with which a message begins, for this bot; None for none."""
    entity = next(iter(message.entities), None)
    if entity is None or entity.type != MessageEntity.BOT_COMMAND or entity.offset != 0:
        return None
    name, _, bot = message.parse_entity(entity)[1:].partition("@")
    return name.lower() if not bot or bot.lower() == username.lower() else None


async def _end(context: Context, conversation: Conversation) -> None:
    async with context.services.database.write() as session:
        has_ended = await support.end(session, conversation.conversation_id, EndReason.STAFF, context.services.clock())
    if has_ended:
        await close_ended(context)


async def _relay(
    context: Context, conversation: Conversation, chat_id: int, message: Message, *, is_edit: bool
) -> None:
    replied = message.reply_to_message
    ids = [message.message_id, *([replied.message_id] if replied else [])]
    async with context.services.database.read() as session:
        known = await support.person_messages(session, conversation.conversation_id, ids)
    copy_id = known.get(message.message_id)
    if copy_id is not None and not is_edit:
        return  # the update came again
    t = texts_in(Language.stored(conversation.language))
    markup = render(Screen(keyboard=end_keyboard(t))).reply_markup
    name = _name(context, message)
    reply_to = known.get(replied.message_id) if replied else None
    edit = partial(edit_copy, context.bot, message, chat_id, copy_id or 0, name=name, markup=markup)
    copy = partial(copy_message, context.bot, message, chat_id, name=name, reply_to=reply_to, markup=markup)
    try:
        if copy_id is not None:
            try:
                await repeated(context, edit, to=chat_id, seconds=RELAY_SECONDS)
            except TelegramError as error:
                if classify(error).kind is FailureKind.NOT_MODIFIED:
                    return
                if classify(error).kind is not FailureKind.STALE:
                    raise
            else:
                context.services.support["edited"] += 1
                return
        sent = await repeated(context, copy, to=chat_id, seconds=RELAY_SECONDS)
    except TelegramError as error:
        await _not_relayed(context, conversation, error)
        return
    async with context.services.database.write() as session:
        now = context.services.clock()
        await support.remember(session, conversation.conversation_id, sent, message.message_id, now)
    context.services.support["to_person"] += 1


def _name(context: Context, message: Message) -> str:
    """Return the first name of who wrote it; the company's for an anonymous administrator."""
    person = message.from_user
    return context.services.company.name if person is None or person.is_bot else person.first_name


async def _not_relayed(context: Context, conversation: Conversation, error: TelegramError) -> None:
    failure = classify(error)
    outcome = "blocked" if failure.is_recipient_gone else "not_in_time" if failure.may_pass else "refused"
    context.services.support[outcome] += 1
    log.warning("support.not_relayed", to="person", outcome=outcome, reason=failure.reason)
    if outcome == "refused":
        screen = screens.staff_not_relayed(staff_texts(context.services.company), failure.reason)
        await tell_topic(context, conversation.staff_chat, conversation.topic_id or 0, screen)
        return
    ids = {"blocked": message_id("staff.blocked"), "not_in_time": message_id("staff.not_in_time")}
    await _tell(context, conversation, ids[outcome])


async def _tell(context: Context, conversation: Conversation, message: str) -> None:
    screen = screens.staff_message(staff_texts(context.services.company), message)
    await tell_topic(context, conversation.staff_chat, conversation.topic_id or 0, screen)
