"""Interpret messages: commands, codes, addresses, numbers, search texts, and unsupported messages."""

import asyncio
import datetime

import structlog
from telegram import Message, Update
from telegram.error import TelegramError

from handlers import actions, question_input, text_actions
from handlers.actions import Action
from handlers.commands import BY_NAME, BY_WORD
from handlers.context import Context
from handlers.dispatch import code_action, not_linked, perform
from handlers.screens import failures, linking, questions
from handlers.screens.screen import Screen
from handlers.telegram.failures import FailureKind, classify
from handlers.telegram.reply import send, show
from handlers.views import invitations
from handlers.views.linking import open_after_linking
from handlers.views.search import usable_links
from portal.errors import PortalError
from services import papers
from services.security import SecurityEvent
from services.understanding import commands
from services.understanding.codes import Codes
from services.understanding.dates import searched_date
from services.understanding.numbers import NumberText
from services.understanding.payloads import InvitationOpened, PaperOpened
from services.understanding.resolving import (
    CODES,
    AddressTyped,
    BadAddress,
    CodeTyped,
    CommandNamed,
    Greeting,
    Leave,
    Meaning,
    NoCode,
    NotUnderstood,
    NumberTyped,
    SearchTyped,
    SeveralCodes,
    UnaskedAddress,
    UnknownCommand,
    understand,
)
from storage import chats
from storage.chats import Awaiting, LinkState
from storage.tables import Awaited
from texts.language import Language

log = structlog.get_logger()

_LOOK_UP_SECONDS = 4.0
"""The longest look-up of a number before it is compared with the awaited code: a portal that hangs must not keep a
person from linking."""
_LATE = datetime.timedelta(hours=1)
"""How long after a code's end a text may still be meant as one."""


async def on_text(update: Update, context: Context) -> None:
    """Handle a text, also an edited one, if the edit changes the text of the chat's last message."""
    if not context.is_private:
        log_foreign_context(context)
        return
    message = update.effective_message
    text = (message.text if message else "") or ""
    is_edit = update.edited_message is not None
    if message and not context.services.recent.is_new_text(
        context.chat.chat_id,
        message.message_id,
        text,
        update_id=update.update_id,
        sent_at=message.date,
        is_edit=is_edit,
    ):
        return
    awaiting = _awaiting(context)
    meaning = understand(text, awaiting.what if awaiting else None, BY_WORD, is_linked=context.chat.current is not None)
    result = await _in_words(context, text, meaning) or await _action_or_screen(context, meaning, awaiting)
    if isinstance(result, Action):
        await perform(context, result)
    else:
        await show(context, result)


async def _in_words(context: Context, text: str, meaning: Meaning) -> Action | Screen | None:
    """Return what answers a question in words: a text that awaits nothing, and is more than one word or no number."""
    current = context.chat.current
    if current is None or context.awaiting is not None or text.lstrip().startswith(("/", "\\")):
        return None
    is_question = isinstance(meaning, CommandNamed | NumberTyped) and len(text.split()) > 1
    if not is_question and not isinstance(meaning, NotUnderstood):
        return None
    return await question_input.answer_to(context, current, text, may_be_number=isinstance(meaning, NumberTyped))


def _awaiting(context: Context) -> Awaiting | None:
    """Return what the chat awaits; None also if it is about a link that is gone."""
    awaiting = context.awaiting
    if awaiting is not None and awaiting.link_id is not None and context.chat.link(awaiting.link_id) is None:
        return None
    return awaiting


async def _action_or_screen(context: Context, meaning: Meaning, awaiting: Awaiting | None) -> Action | Screen:
    """Return the action that a text requests, or the screen that says why it is none."""
    t, current = context.t, context.chat.current
    match meaning:
        case CommandNamed(name):
            return _command(context, name)
        case UnknownCommand(word, nearest):
            return questions.unknown_command(t, word, _slashed(context, nearest), current)
        case InvitationOpened(token):
            return await invitations.claim(context, token)
        case PaperOpened(part, number) if current:
            return actions.OpenNumber(current.link_id, number, part)
        case PaperOpened():
            return await open_after_linking(context, meaning)
        case Leave():
            return text_actions.Leave()
        case Greeting():
            return actions.Start()
        case CodeTyped(code, long_code, number):
            return await _code_or_number(context, code, long_code, number)
        case SeveralCodes():
            return questions.several_codes(t)
        case AddressTyped(email):
            if awaiting is not None and awaiting.what is Awaited.COPY_EMAIL and awaiting.link_id is not None:
                return text_actions.GiveCopyEmail(awaiting.link_id, email)
            return text_actions.GiveEmail(email)
        case UnaskedAddress(email) if _late_code(context) is Awaited.CODE:
            return text_actions.GiveEmail(email)
        case UnaskedAddress() if current:
            return questions.unasked_address(t, current)
        case BadAddress():
            return linking.bad_email(t)
        case SearchTyped(query) if awaiting is not None and awaiting.link_id is not None:
            return text_actions.SearchFor(
                awaiting.link_id, awaiting.what is Awaited.INVOICE_SEARCH, _searched(context, query)
            )
        case NumberTyped(number, code) if current:
            return _open_number(context, current, number, code)
        case NoCode():
            is_for_linking = awaiting is not None and awaiting.what is Awaited.CODE
            return linking.no_code_in_text(t) if is_for_linking else questions.code_awaited(t)
    codes = meaning.codes if isinstance(meaning, NotUnderstood) else Codes()
    company = context.services.company
    if current is None and codes and _late_code(context) is Awaited.CODE:
        return linking.expired_code(t)
    if current is None:
        return failures.not_understood_unlinked(t, company.name, company.support)
    return failures.not_understood(t, current, company.name, company.support)


def _searched(context: Context, text: str) -> str:
    """Return a typed date as the portal's search finds it; any other text as it is."""
    return searched_date(text, context.today, month_first=context.language is Language.EN) or text


def _command(context: Context, name: str) -> Action | Screen:
    command = BY_NAME[name]
    if command.action is not None:
        return command.action
    if context.chat.current is None or command.of_link is None:
        return not_linked(context)
    return command.of_link(context.chat.current.link_id)


def _slashed(context: Context, name: str | None) -> str:
    """Return a command as the chat's language writes it, such as ``/factures``; empty for None."""
    return f"/{BY_NAME[name].names[context.language]}" if name else ""


def _late_code(context: Context) -> Awaited | None:
    """Return which code the chat awaited until at most an hour ago; None for none, and while one is awaited."""
    awaiting, now = context.chat.awaiting, context.services.clock()
    if awaiting is None or awaiting.what not in CODES or not awaiting.until <= now <= awaiting.until + _LATE:
        return None
    return awaiting.what


def _open_number(context: Context, current: LinkState, number: NumberText, code: str = "") -> Action:
    nearest = None if number.has_digit else commands.nearest(number.text.lower(), BY_WORD)
    late = (
        number.text if _late_code(context) is Awaited.CODE and number.text.isdigit() and len(number.text) == 6 else ""
    )
    return actions.OpenNumber(
        current.link_id,
        _searched(context, number.text),
        number.part,
        code or late,
        suggestion=_slashed(context, nearest),
    )


async def _code_or_number(context: Context, code: str, long_code: str, number: NumberText | None) -> Action:
    """Open an own order or invoice with this number; compare any other text with the awaited code.

    Which numbers are the chat's own does not depend on the code, so the look-up reveals nothing about it; and whatever
    is compared costs an attempt.
    """
    current = context.chat.current
    if number is not None and current is not None and await _is_own_number(context, current, number):
        return _open_number(context, current, number, code or long_code)
    return code_action(context, code, long_code)


async def _is_own_number(context: Context, current: LinkState, number: NumberText) -> bool:
    """Return whether an account has this number; False also if the portal does not answer in time."""
    if context.services.access.is_idle(current):
        return False
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            links = usable_links(context, current.link_id)
            return bool(await papers.find_exactly(context.services.portal, links, number.text))
    except (PortalError, TimeoutError):
        return False


async def on_other(update: Update, context: Context) -> None:
    """Handle a sticker, a voice message, a picture: answer once, also for an album of ten."""
    if not context.is_private:
        log_foreign_context(context)
        return
    message = update.effective_message
    if message and message.via_bot and message.via_bot.id == context.bot.id:
        return  # a result of inline mode, which the person sent into this chat
    if message and message.media_group_id:
        now = context.services.clock()
        async with context.services.database.write() as session:
            is_first = await chats.first_of_album(session, context.chat.chat_id, message.media_group_id, now)
        if not is_first:
            return
    await show(context, failures.unsupported_message(context.t, context.chat.current))


def log_foreign_context(context: Context) -> None:
    """Write to the security log that an update came from another place than the person's private chat."""
    context.services.security.record(SecurityEvent.FOREIGN_CONTEXT)


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
