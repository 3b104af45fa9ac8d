"""The conversation with the company's staff: what a person sees of it, and what the staff see in the topic."""

from msgspec import Struct

from handlers.actions import EndConversation, PassOn, Start, TalkToPerson
from handlers.screens.screen import Button, Keyboard, Screen, clip
from portal.models import Part
from storage.support import EndReason
from texts.catalogue import Texts, message_id, texts_in
from texts.escaping import safe_text
from texts.language import Language

_TOPIC_LENGTH = 128
"""Characters of a topic's name (Bot API, createForumTopic)."""
_ACCOUNT_LENGTH = 80
_TOLD_STAFF = {
    EndReason.PERSON: message_id("staff.ended_person"),
    EndReason.STAFF: message_id("staff.ended_staff"),
    EndReason.UNLINKED: message_id("staff.ended_unlinked"),
    EndReason.FORGOTTEN: message_id("staff.ended_forgotten"),
    EndReason.IDLE: message_id("staff.ended_idle"),
    EndReason.REPLACED: message_id("staff.ended_replaced"),
    EndReason.UNREACHABLE: message_id("staff.ended_unreachable"),
}


class Subject(Struct, frozen=True):
    """What a conversation is about: an account, empty for none, and perhaps an order or an invoice of it."""

    account: str = ""
    part: Part | None = None
    number: str = ""


def person_button(t: Texts, link: int = 0, part: Part | None = None, number: str = "") -> Button:
    """Return the button that leads to a person; its arguments are those of ``TalkToPerson``."""
    return Button(t("button.person"), TalkToPerson(link, part, number))


def a_person(t: Texts, company: str, support: str) -> str:
    """Return the line that says how to reach a person; ``support`` may be empty."""
    return t("help.support", support=support) if support else t("help.no_support", company=company)


def end_keyboard(t: Texts) -> Keyboard:
    """Return the button that ends the conversation."""
    return ((Button(t("button.end_conversation"), EndConversation()),),)


def contact(t: Texts, company: str, support: str) -> Screen:
    """Tell how to reach a person, where nothing is relayed; ``support`` may be empty."""
    return Screen(t("person.title"), facts=(a_person(t, company, support),), keyboard=_home(t))


def begun(t: Texts, company: str, subject: Subject, *, unsent: int | None = None, is_passed_on: bool = False) -> Screen:
    """Ask for a message, and tell what the staff will see.

    Args:
        unsent: the id of the message whose sentence began the conversation, which a button relays; None for none.
        is_passed_on: that message was relayed.
    """
    if subject.account:
        relayed = t("person.relayed_account", company=company, account=clip(subject.account, _ACCOUNT_LENGTH))
    else:
        relayed = t("person.relayed", company=company)
    facts = [t("person.write", company=company), "", relayed]
    if subject.number:
        is_invoice = subject.part is Part.INVOICES
        number = subject.number
        facts.append(
            t("person.relayed_invoice", number=number) if is_invoice else t("person.relayed_order", number=number)
        )
    facts.append(t("person.how"))
    keyboard = end_keyboard(t)
    if unsent is not None:
        keyboard = ((Button(t("button.pass_on"), PassOn(unsent)),), *keyboard)
    note = t("person.passed_on") if is_passed_on else t("person.not_sent") if unsent is not None else ""
    return Screen(t("person.title"), facts=tuple(facts), note=note, keyboard=keyboard)


def first_relayed(t: Texts) -> Screen:
    """Confirm the first message of a conversation."""
    return Screen(facts=(t("person.first_relayed"),), keyboard=end_keyboard(t))


def ended(t: Texts, why: EndReason) -> Screen:
    """Confirm the end of a conversation that the person ended, or report that it ended otherwise."""
    told = {EndReason.STAFF: t("person.ended_by_staff"), EndReason.IDLE: t("person.ended_idle")}
    return Screen(facts=(told.get(why, t("person.ended")),), keyboard=_again(t))


def no_conversation(t: Texts) -> Screen:
    """Report that there is no conversation to end."""
    return Screen(facts=(t("person.no_conversation"),), keyboard=_again(t))


def over(t: Texts) -> Screen:
    """Report that a message was not relayed, because the conversation has just ended."""
    return Screen(facts=(t("person.over"),), keyboard=_again(t))


def not_relayed(t: Texts, company: str, support: str) -> Screen:
    """Report that nothing can be relayed, and how to reach a person otherwise; ``support`` may be empty."""
    facts = (t("person.not_relayed"), a_person(t, company, support))
    return Screen(facts=facts, keyboard=_home(t))


def not_in_time(t: Texts) -> Screen:
    """Report that Telegram did not take a message in time."""
    return Screen(facts=(t("person.not_in_time"),), keyboard=end_keyboard(t))


def cannot_relay(t: Texts) -> Screen:
    """Report that a message of this kind cannot be relayed."""
    return Screen(facts=(t("person.cannot_relay"),), keyboard=end_keyboard(t))


def write_again(t: Texts) -> Screen:
    """Report that the message that began the conversation cannot be relayed any more, such as a deleted one."""
    return Screen(facts=(t("person.write_again"),), keyboard=end_keyboard(t))


def edit_not_relayed(t: Texts) -> Screen:
    """Report that a change of a relayed message was not relayed."""
    return Screen(facts=(t("person.edit_not_relayed"),), keyboard=end_keyboard(t))


def topic_name(language: Language, subject: Subject) -> str:
    """Return the name of a topic: language, number and account, in the order in which a narrow list needs them."""
    parts = (language.value.upper(), safe_text(subject.number), safe_text(subject.account))
    return clip(" · ".join(part for part in parts if part), _TOPIC_LENGTH)


def topic_header(t: Texts, language: Language, subject: Subject, *, is_recreated: bool = False) -> Screen:
    """Tell the staff who writes: the account, the language and the paper in question, and never more."""
    facts = [t("staff.recreated"), ""] if is_recreated else []
    facts.append(t("staff.account", account=subject.account) if subject.account else t("staff.no_account"))
    facts.append(t("staff.language", language=texts_in(language)("language.name")))
    if subject.number:
        is_invoice, number = subject.part is Part.INVOICES, subject.number
        facts.append(t("staff.invoice", number=number) if is_invoice else t("staff.order", number=number))
    return Screen(facts=tuple(facts), note=t("staff.how"))


def staff_told_of_end(t: Texts, why: EndReason) -> Screen:
    """Tell the staff that a conversation ended, and why."""
    return Screen(facts=(t(_TOLD_STAFF[why]),))


def staff_not_relayed(t: Texts, reason: str) -> Screen:
    """Tell the staff that Telegram refuses a message; ``reason`` is Telegram's own."""
    return Screen(facts=(t("staff.refused", reason=clip(reason, 200)),))


def staff_message(t: Texts, message: str) -> Screen:
    """Tell the staff something; ``message`` is the id of a message without values."""
    return Screen(facts=(t(message),))


def _home(t: Texts) -> Keyboard:
    return ((Button(t("button.home"), Start()),),)


def _again(t: Texts) -> Keyboard:
    return ((Button(t("button.home"), Start()), person_button(t)),)
