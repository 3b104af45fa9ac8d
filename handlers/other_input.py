"""Messages that are no text in a private chat: pictures, voice messages and files, and commands in groups."""

import structlog
from msgspec.structs import replace
from telegram import Message, Update
from telegram.error import TelegramError

from handlers import support_input
from handlers.context import Context
from handlers.screens import failures, linking, questions
from handlers.screens.screen import Screen
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.reply import send
from handlers.text_input import answer, log_foreign_context, read, resolved
from services.understanding.resolving import SEARCHES, AboutBot, BadAddress, Greeting, NoCode, NotUnderstood
from storage import chats
from storage.tables import Awaited

log = structlog.get_logger()

_NO_REQUEST = (NotUnderstood, NoCode, BadAddress, Greeting, AboutBot)
"""What a caption may mean that requests nothing."""


async def on_other(update: Update, context: Context) -> None:
    """Handle a sticker, a voice message, a picture: answer once, also for an album of ten.

    A caption is read as a text; the answer then says that the file was not.
    """
    if not context.is_private:
        log_foreign_context(context)
        return
    message = update.effective_message
    if message and message.via_bot and message.via_bot.id == context.bot.id:
        return  # a result of inline mode, which the person sent into this chat
    if message and await support_input.take(context, message, is_edit=False):
        return
    if message and message.media_group_id:
        now = context.services.clock()
        async with context.services.database.write() as session:
            is_first = await chats.first_of_album(session, context.chat.chat_id, message.media_group_id, now)
        if not is_first:
            return
    caption = (message.caption if message else "") or ""
    meaning = read(context, caption)
    if isinstance(meaning, _NO_REQUEST):
        await answer(context, _unsupported(context))
    else:
        await answer(context, await resolved(context, caption, meaning), lead=context.t("trouble.only_caption"))


async def on_other_edit(update: Update, context: Context) -> None:
    """Handle the edit of a picture or its caption: relay it to the staff; the bot itself reads none."""
    message = update.effective_message
    if context.is_private and message is not None:
        await support_input.take(context, message, is_edit=True)


def _unsupported(context: Context) -> Screen:
    """Return the screen that says that only texts are read, and what is awaited."""
    t, awaiting = context.t, context.awaiting
    if awaiting is None or awaiting.what in SEARCHES:
        return failures.unsupported_message(t, context.chat.current)
    company = context.services.company.name
    if awaiting.what in (Awaited.EMAIL, Awaited.COPY_EMAIL):
        screen = linking.bad_email(t, 0, company, is_copy=awaiting.what is Awaited.COPY_EMAIL)
    else:
        screen = linking.no_code_in_text(t) if awaiting.what is Awaited.CODE else questions.code_awaited(t)
    return replace(screen, lead=t("trouble.only_text_awaited"))


async def on_group(_update: Update, context: Context) -> None:
    """Answer a command in a group that names the bot or replies to it, with a button to the private chat.

    Any other command may be another bot's. Where Telegram refuses the answer (a closed topic), nothing is sent.
    """
    message = context.incoming.effective_message if context.incoming else None
    if message is None or not message.text or not _is_addressed(context, message):
        return
    try:
        await send(context, linking.group_welcome(context.t, context.bot.username), to=message.chat_id)
    except TelegramError as error:
        if classify(error).kind is not FailureKind.REFUSED:
            raise
        log.info("group.not_answered", reason=classify(error).reason)


def _is_addressed(context: Context, message: Message) -> bool:
    name = (message.text or "").split()[0].partition("@")[2]
    if name:
        return name.lower() == context.bot.username.lower()
    replied = message.reply_to_message
    return replied is not None and replied.from_user is not None and replied.from_user.id == context.bot.id
