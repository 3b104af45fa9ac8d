"""Interpret typed texts: commands, codes, addresses, numbers, questions and search texts."""

from msgspec.structs import replace
from telegram import Update

from handlers import account_input, actions, question_input, support_input, text_actions
from handlers.account_input import NamedLinks
from handlers.actions import Action
from handlers.commands import BY_NAME, BY_WORD, is_command_offered
from handlers.context import Context
from handlers.dispatch import perform
from handlers.number_input import code_or_number, late_code, open_number, slashed
from handlers.screens import failures, linking, questions
from handlers.screens.screen import Screen
from handlers.telegram.reply import show
from handlers.views import invitations
from handlers.views.home import not_linked
from handlers.views.linking import open_after_linking
from handlers.views.search import account_named, date_in
from portal.models import Part
from services.features import Feature
from services.security import SecurityEvent
from services.understanding import commands
from services.understanding.codes import Codes
from services.understanding.payloads import InvitationOpened, PaperOpened
from services.understanding.resolving import (
    CODES,
    SEARCH_COMMANDS,
    AboutBot,
    AddressTyped,
    AnotherAddress,
    AnotherCode,
    BadAddress,
    CodeTyped,
    CommandNamed,
    Greeting,
    Leave,
    Meaning,
    NoCode,
    NotUnderstood,
    NumberTyped,
    PointsAtList,
    SearchTyped,
    SeveralCodes,
    UnaskedAddress,
    UnknownCommand,
    YesOrNo,
    understand,
)
from storage.chats import Awaiting, LinkState
from storage.tables import Awaited

_WORDS_OF_COMMANDS = frozenset({"compte", "oublier"})
"""Commands that their words name even where a question in words has another reading: ``changer de compte``."""

_LOOK_UPS = (actions.OpenNumber, text_actions.OpenNumberOr)
"""Actions that look for a text as a search does."""


async def on_text(update: Update, context: Context) -> None:
    """Handle a text, also an edited one, if the edit changes the text of the chat's last message."""
    if not context.is_private:
        log_foreign_context(context)
        return
    message = update.effective_message
    text = (message.text if message else "") or ""
    is_edit = update.edited_message is not None
    if message and await support_input.take(context, message, is_edit=is_edit):
        return
    if message and not context.services.recent.is_new_text(
        context.chat.chat_id,
        message.message_id,
        text,
        update_id=update.update_id,
        sent_at=message.date,
        is_edit=is_edit,
    ):
        return
    await answer(context, await resolved(context, text, read(context, text)))


async def answer(context: Context, result: Action | Screen, *, lead: str = "") -> None:
    """Perform an action or show a screen; ``lead`` as for ``perform``."""
    if isinstance(result, Action):
        await perform(context, result, lead=lead)
    else:
        await show(context, replace(result, lead=lead) if lead else result)


def read(context: Context, text: str) -> Meaning:
    """Return what a text means in the chat, by itself."""
    awaiting = _awaiting(context)
    return understand(text, awaiting.what if awaiting else None, BY_WORD, is_linked=context.chat.current is not None)


async def resolved(context: Context, text: str, meaning: Meaning) -> Action | Screen:
    """Return the action that a text requests, also as a question in words, or the screen that says why it is none."""
    awaiting = _awaiting(context)
    asked = _asked_meanwhile(context, text, meaning, awaiting)
    is_text = asked is not None and not isinstance(asked, InvitationOpened | PaperOpened)
    if is_text and (named := await account_input.links_named(context, text)):
        result = await _of_named(context, named)
        is_asked = isinstance(result, Action) and not isinstance(result, (*_LOOK_UPS, actions.ChooseAccount))
        if awaiting is None or is_asked:
            return result
    if asked is not None and (answered := await _in_words(context, text, asked)):
        return answered
    if isinstance(meaning, SearchTyped) and awaiting is not None and awaiting.link_id is not None:
        return text_actions.SearchFor(
            awaiting.link_id,
            awaiting.what is Awaited.INVOICE_SEARCH,
            _searched(context, meaning.query),
            await _instead_of_search(context, text),
        )
    return await _action_or_screen(context, meaning, awaiting)


def _asked_meanwhile(context: Context, text: str, meaning: Meaning, awaiting: Awaiting | None) -> Meaning | None:
    """Return what a text means that may be a question in words; None for what answers the question that was asked."""
    if awaiting is None:
        return meaning
    is_no_answer = isinstance(meaning, NoCode) or (isinstance(meaning, BadAddress) and "@" not in text)
    is_number_in_words = isinstance(meaning, NumberTyped) and awaiting.what in CODES and len(text.split()) > 1
    if is_no_answer or is_number_in_words:
        return understand(text, None, BY_WORD, is_linked=context.chat.current is not None)
    return None


async def _of_named(context: Context, named: NamedLinks) -> Action | Screen:
    """Return what a text requests of the account that it names, or ask which of several is meant."""
    results = [(link, await _of_account(context, link, named)) for link in named.links]
    return account_input.one_of(context, results)


async def _of_account(context: Context, link: LinkState, named: NamedLinks) -> Action | Screen:
    """Return what the rest of a text requests in a chat where this account is the current one."""
    if account_input.is_choice(named):
        return actions.ChooseAccount(link.link_id)
    chat = context.chat
    context.chat = replace(chat, links=(link, *(each for each in chat.links if each != link)))
    try:
        meaning = understand(named.rest, None, BY_WORD, is_linked=True)
        answered = await _in_words(context, named.rest, meaning, is_rest=True)
        answered = answered or await _action_or_screen(context, meaning, None)
    finally:
        context.chat = chat
    return account_input.of_account(link, answered)


async def _instead_of_search(context: Context, text: str) -> Action | None:
    """Return what a text requests that is searched for, in case nothing is found: ``aide``, ``combien je dois``."""
    if named := await account_input.links_named(context, text):
        found = await _of_named(context, named)
        return found if isinstance(found, Action) and not isinstance(found, _LOOK_UPS) else None
    meaning = understand(text, None, BY_WORD, is_linked=True)
    if isinstance(meaning, NumberTyped) and (meaning.number.has_digit or len(text.split()) == 1):
        return None
    result = await _in_words(context, text, meaning)
    if result is None and isinstance(meaning, CommandNamed | Greeting):
        result = actions.Start() if isinstance(meaning, Greeting) else _command(context, meaning.name)
    return result if isinstance(result, Action) and not isinstance(result, _LOOK_UPS) else None


async def _in_words(context: Context, text: str, meaning: Meaning, *, is_rest: bool = False) -> Action | Screen | None:
    """Return what answers a question in words; None if the text is none.

    A single word that may be a number is a question only as the rest of a text that names an account.
    """
    current = context.chat.current
    if isinstance(meaning, CommandNamed) and (meaning.name in _WORDS_OF_COMMANDS or len(text.split()) == 1):
        return None
    if Feature.QUESTIONS not in context.features:
        return None
    if isinstance(meaning, UnaskedAddress) and current:
        return await question_input.answer_to_address(context, current, text, meaning.email)
    if (command := commands.slashed(text)) is not None:
        text = _with_argument(*command, meaning)
    has_more = is_rest or len(text.split()) > 1
    is_question = isinstance(meaning, CommandNamed | NumberTyped | UnknownCommand) and has_more
    if not is_question and not (text and isinstance(meaning, NotUnderstood | AboutBot)):
        return None
    if current is None:
        return await question_input.answer_to_unlinked(context, text)
    number = open_number(context, current, meaning.number) if isinstance(meaning, NumberTyped) else None
    return await question_input.answer_to(context, current, text, number)


def _with_argument(name: str, argument: str, meaning: Meaning) -> str:
    """Return a command and its words as a question, such as ``factures impayées``; empty for one without words.

    The one word after ``/recherche`` is searched for, whatever else it may mean.
    """
    if name in SEARCH_COMMANDS and isinstance(meaning, NumberTyped) and len(argument.split()) == 1:
        return ""
    is_list = isinstance(meaning, CommandNamed) and BY_NAME[meaning.name].of_link is not None
    has_words = any(c.isalpha() for c in argument) and (is_list or isinstance(meaning, UnknownCommand))
    return f"{name} {argument}" if has_words or isinstance(meaning, NumberTyped) else ""


def _awaiting(context: Context) -> Awaiting | None:
    """Return what the chat awaits; None also if it is about a link that is gone."""
    awaiting = context.awaiting
    if awaiting is not None and awaiting.link_id is not None and context.chat.link(awaiting.link_id) is None:
        return None
    return awaiting


async def _action_or_screen(context: Context, meaning: Meaning, awaiting: Awaiting | None) -> Action | Screen:
    """Return the action that a text requests, or the screen that says why it is none."""
    t, current, company = context.t, context.chat.current, context.services.company
    match meaning:
        case CommandNamed(name):
            return _command(context, name)
        case UnknownCommand(word, nearest):
            return questions.unknown_command(t, word, slashed(context, nearest), current)
        case InvitationOpened(token):
            return await invitations.claim(context, token)
        case PaperOpened(part, number) if current:
            return actions.OpenNumber(current.link_id, number, part)
        case PaperOpened(Part.ORDERS) if Feature.ORDERS not in context.features:
            return failures.not_offered(t, company.name, current)
        case PaperOpened():
            return await open_after_linking(context, meaning)
        case Leave():
            return text_actions.Leave()
        case PointsAtList():
            return questions.tap_the_list(t, current)
        case YesOrNo():
            return questions.yes_or_no(t, current)
        case Greeting(is_thanks=True):
            return questions.welcome_thanks(t, current)
        case Greeting():
            return actions.Start()
        case AboutBot():
            return questions.about_bot(t, company.name, company.support, current)
        case AnotherCode():
            return actions.ResendCode()
        case AnotherAddress():
            return actions.StartLinking()
        case CodeTyped(code, long_code, number):
            return await code_or_number(context, code, long_code, number)
        case SeveralCodes():
            return questions.several_codes(t)
        case AddressTyped(email, is_for_linking):
            if (
                not is_for_linking
                and awaiting is not None
                and awaiting.what is Awaited.COPY_EMAIL
                and awaiting.link_id is not None
            ):
                return text_actions.GiveCopyEmail(awaiting.link_id, email)
            return text_actions.GiveEmail(email)
        case UnaskedAddress(email) if late_code(context) is Awaited.CODE:
            return text_actions.GiveEmail(email)
        case UnaskedAddress() if current:
            return questions.unasked_address(t, current)
        case BadAddress(count):
            is_copy = awaiting is not None and awaiting.what is Awaited.COPY_EMAIL
            return linking.bad_email(t, count, company.name, is_copy=is_copy)
        case NumberTyped(number, code) if current:
            return account_named(context, number.text) or open_number(context, current, number, code)
        case NoCode():
            is_for_linking = awaiting is not None and awaiting.what is Awaited.CODE
            return linking.no_code_in_text(t) if is_for_linking else questions.code_awaited(t)
    codes = meaning.codes if isinstance(meaning, NotUnderstood) else Codes()
    if current is None and codes and late_code(context) is Awaited.CODE:
        return linking.expired_code(t)
    if current is None:
        is_sealed = bool(context.chat.sealed_links)
        return failures.not_understood_unlinked(t, company.name, company.support, is_sealed=is_sealed)
    return failures.not_understood(t, current, company.name, company.support)


def _searched(context: Context, text: str) -> str:
    """Return a typed date as the portal's search finds it; any other text as it is."""
    return date_in(context, text) or text


def _command(context: Context, name: str) -> Action | Screen:
    command = BY_NAME[name]
    if not is_command_offered(command, context.features):
        return failures.not_offered(context.t, context.services.company.name, context.chat.current)
    if command.action is not None:
        return command.action
    if context.chat.current is None or command.of_link is None:
        return not_linked(context)
    return command.of_link(context.chat.current.link_id)


def log_foreign_context(context: Context) -> None:
    """Write to the security log that an update came from another place than the person's private chat."""
    context.services.security.record(SecurityEvent.FOREIGN_CONTEXT)
