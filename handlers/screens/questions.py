"""Answers to texts that leave a question, or that the bot cannot take for what it awaits."""

from collections.abc import Sequence

from handlers.actions import Action, ShowCopy, ShowHelp, ShowNotices, Start, StartLinking
from handlers.screens.lists import list_buttons, period_text
from handlers.screens.screen import Button, Keyboard, Screen, clip
from handlers.screens.support import a_person, person_button
from portal.models import Part
from services.understanding.questions.questions import Intent, Question, State
from storage.chats import LinkState
from storage.tables import Awaited
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

_LEFT = {
    Awaited.EMAIL: message_id("left.email"),
    Awaited.CODE: message_id("left.code"),
    Awaited.ORDER_SEARCH: message_id("left.search"),
    Awaited.INVOICE_SEARCH: message_id("left.search"),
    Awaited.COPY_EMAIL: message_id("left.copy"),
    Awaited.COPY_CODE: message_id("left.copy"),
    Awaited.REVOKE_CODE: message_id("left.revocation"),
}


def left(t: Texts, what: Awaited | None, link: LinkState | None) -> Screen:
    """Confirm that a question was left; None for ``what`` means that nothing was asked."""
    if what is None and link is not None:
        notices = (Button(t("button.notices"), ShowNotices()),)
        facts = (t("left.nothing"), t("left.notices"))
        return Screen(facts=facts, keyboard=(*_where_to(t, link), notices))
    return Screen(facts=(t(_LEFT[what]) if what else t("left.nothing"),), keyboard=_where_to(t, link))


def yes_or_no(t: Texts, link: LinkState | None) -> Screen:
    """Say that a yes or no has to be tapped."""
    return Screen(facts=(t("trouble.yes_or_no"),), keyboard=_where_to(t, link))


def tap_the_list(t: Texts, link: LinkState | None) -> Screen:
    """Say how a list is used: its buttons open the entries and the pages."""
    return Screen(facts=(t("trouble.tap_the_list"),), keyboard=_where_to(t, link))


def welcome_thanks(t: Texts, link: LinkState | None) -> Screen:
    """Answer thanks."""
    return Screen(facts=(t("courtesy.thanks"),), keyboard=_where_to(t, link))


def about_bot(t: Texts, company: str, support: str, link: LinkState | None) -> Screen:
    """Say what answers here, and how to reach a person; ``support`` may be empty."""
    return Screen(facts=(t("about.bot", company=company), a_person(t, company, support)), keyboard=_where_to(t, link))


def several_codes(t: Texts) -> Screen:
    """Ask for one code: the text has several, and none was compared."""
    return Screen(facts=(t("code.several"),), keyboard=_help(t))


def code_awaited(t: Texts) -> Screen:
    """Report that a text is not the code that a bookkeeper's copy or a revocation awaits."""
    return Screen(facts=(t("code.awaited"),), keyboard=_help(t))


def unasked_address(t: Texts, link: LinkState) -> Screen:
    """Report that no address is awaited, and offer to link one."""
    another = (Button(t("button.link_another"), StartLinking()),)
    copy = (Button(t("button.copy"), ShowCopy(link.link_id)),)
    return Screen(facts=(t("trouble.unasked_address"),), keyboard=(another, copy, *list_buttons(t, link)))


def unknown_command(t: Texts, word: str, suggestion: str, link: LinkState | None) -> Screen:
    """Report that a command does not exist; ``suggestion`` is the nearest one with its slash, or empty."""
    name = clip(word, 32)
    fact = (
        t("trouble.unknown_command_near", name=name, command=suggestion)
        if suggestion
        else t("trouble.unknown_command", name=name)
    )
    return Screen(facts=(fact,), keyboard=(*_where_to(t, link), (person_button(t),)))


def which(t: Texts, readings: Sequence[tuple[Question, Action]]) -> Screen:
    """Ask which of several readings is meant, or say that only a person can change what one of them is about."""
    is_to_be_discussed = any(question.intent is Intent.PERSON for question, _ in readings)
    fact = t("question.to_be_discussed") if is_to_be_discussed else t("question.which")
    of_papers = [each for each in readings if each[0].intent is not Intent.PERSON]
    buttons = tuple((Button(clip(_name(t, question), 60), action),) for question, action in of_papers)
    return Screen(facts=(fact,), keyboard=(*buttons, *_help(t)))


def which_account(t: Texts, choices: Sequence[tuple[LinkState, Action]]) -> Screen:
    """Ask which of several accounts is meant."""
    buttons = tuple((Button(clip(safe_text(link.account_name), 60), action),) for link, action in choices)
    return Screen(facts=(t("question.which_account"),), keyboard=(*buttons, *_help(t)))


def _name(t: Texts, question: Question) -> str:
    """Return the name of a reading, for its button."""
    if question.intent is Intent.BALANCE:
        return t("button.balance")
    if question.number is not None:
        return t("question.number", number=question.number)
    if question.amount is not None:
        return t("question.amount", amount=t.formats.number(question.amount))
    if question.start or question.end:
        return period_text(t, question.start, question.end)
    if question.part is Part.ORDERS:
        return t("button.orders")
    return t("button.unpaid") if question.state is State.UNPAID else t("button.invoices")


def _help(t: Texts) -> Keyboard:
    return ((Button(t("button.help"), ShowHelp()), person_button(t)),)


def _where_to(t: Texts, link: LinkState | None) -> Keyboard:
    lists = list_buttons(t, link) if link else ((Button(t("button.link"), StartLinking()),),)
    return (*lists, (Button(t("button.home"), Start()), Button(t("button.help"), ShowHelp())))
