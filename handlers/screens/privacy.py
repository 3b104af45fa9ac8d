"""Privacy: the sentence before an address is asked for, the policy in parts, the consents, the notice of a change."""

import datetime
from collections.abc import Sequence

from msgspec import Struct

from handlers.actions import (
    Action,
    EndConversation,
    PrivacyPart,
    SetInline,
    ShowCalendar,
    ShowCopy,
    ShowNotices,
    ShowPrivacy,
    Start,
    Unlink,
)
from handlers.screens.notice_settings import SUBSCRIPTION_NAMES
from handlers.screens.screen import Button, Keyboard, Screen, clip, rows_of
from services.privacy.policy import PolicySection, Topic
from storage.tables import ConsentPurpose
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text

BEFORE_ADDRESS = message_id("privacy.before_address")
"""Says why an address is asked for and what is kept. It is also the wording of the consent to access."""
_TOPICS = {
    None: (Topic.WHO, Topic.WHAT),
    PrivacyPart.WHERE: (Topic.WHERE, Topic.CHANGES),
    PrivacyPart.KEPT: (Topic.KEPT,),
    PrivacyPart.RIGHTS: (Topic.RIGHTS,),
}
"""The topics of each part: the whole policy is longer than a message."""
_PART_NAMES = {
    PrivacyPart.KEPT: message_id("button.privacy_kept"),
    PrivacyPart.WHERE: message_id("button.privacy_where"),
    PrivacyPart.RIGHTS: message_id("button.privacy_rights"),
    PrivacyPart.CONSENTS: message_id("button.consents"),
}


def before_address(t: Texts, company: str) -> str:
    """Return the sentence that every screen has which asks for an address, or offers to link."""
    return t(BEFORE_ADDRESS, company=company)


def privacy_button(t: Texts) -> Button:
    """Return the button to the policy, which belongs on the same screens."""
    return Button(t("button.privacy"), ShowPrivacy())


def policy(t: Texts, sections: Sequence[PolicySection], part: PrivacyPart | None, *, date: str, url: str) -> Screen:
    """Show a part of the policy.

    Args:
        part: None for the first part; not ``CONSENTS``.
        date: the policy's version, in words.
        url: the public page; empty where there is none.
    """
    shown = [section for section in sections if section.topic in _TOPICS[part]]
    paragraphs = [each for section in shown for each in (section.heading.upper(), *section.paragraphs)]
    facts = [line for paragraph in paragraphs for line in (paragraph, "")][:-1]
    title = t("policy.dated_title", date=date)
    return Screen(title, facts=tuple(facts), note=t("policy.page", url=url) if url else "", keyboard=_parts(t, part))


class ShownConsent(Struct, frozen=True):
    """A consent in force.

    Args:
        account: the account's name; empty for one about the whole chat.
        link: the link of that account; 0 for none.
        since: when it was given, in the company's time zone; None if that was before consents were recorded.
    """

    purpose: str
    account: str
    link: int
    since: datetime.date | None


def consents(t: Texts, given: Sequence[ShownConsent], *, may_answer_elsewhere: bool) -> Screen:
    """Show what the chat agreed to, with a button to withdraw each.

    Args:
        may_answer_elsewhere: the person withdrew the answers in other chats, and may allow them again.
    """
    buttons = list(dict.fromkeys(_withdrawal(t, consent) for consent in given))
    if may_answer_elsewhere:
        buttons.append(Button(t("button.inline_on"), SetInline(on=True)))
    lines = tuple(t("order.line", line=_consent_line(t, consent)) for consent in given)
    facts = lines or (t("consents.none"),)
    note = t("consents.how") if given else ""
    keyboard = (*rows_of(buttons, 1), *_parts(t, PrivacyPart.CONSENTS))
    return Screen(t("consents.title"), facts=facts, note=note, keyboard=keyboard)


def _consent_line(t: Texts, consent: ShownConsent) -> str:
    account = clip(safe_text(consent.account), 60)
    match consent.purpose:
        case ConsentPurpose.ACCESS:
            line = t("consents.access", account=account)
        case ConsentPurpose.COPY:
            line = t("consents.copy", account=account)
        case ConsentPurpose.CALENDAR:
            line = t("consents.calendar", account=account)
        case ConsentPurpose.SUPPORT:
            line = t("consents.support")
        case ConsentPurpose.INLINE:
            line = t("consents.inline")
        case subscription:
            line = t("consents.notice", notice=t(SUBSCRIPTION_NAMES[subscription]), account=account)
    return t("consents.since", consent=line, date=t.formats.long_date(consent.since)) if consent.since else line


def _withdrawal(t: Texts, consent: ShownConsent) -> Button:
    """Return the button that leads to where a consent is withdrawn."""
    action: Action
    match consent.purpose:
        case ConsentPurpose.ACCESS:
            return Button(t("button.unlink"), Unlink())
        case ConsentPurpose.COPY:
            name, action = t("copy.title"), ShowCopy(consent.link)
        case ConsentPurpose.CALENDAR:
            name, action = t("calendar.title"), ShowCalendar(consent.link)
        case ConsentPurpose.SUPPORT:
            return Button(t("button.end_conversation"), EndConversation())
        case ConsentPurpose.INLINE:
            return Button(t("button.inline_off"), SetInline(on=False))
        case _:
            return Button(t("button.notices"), ShowNotices())
    return Button(clip(f"{name} · {safe_text(consent.account)}", 60), action)


def _parts(t: Texts, shown: PrivacyPart | None) -> Keyboard:
    """Return the buttons of the other parts, and of the first screen."""
    parts = [Button(t(name), ShowPrivacy(part)) for part, name in _PART_NAMES.items() if part is not shown]
    if shown is not None:
        parts.insert(0, privacy_button(t))
    return (*rows_of(parts, 2), (Button(t("button.home"), Start()),))


def policy_changed(t: Texts, company: str, version: datetime.date) -> Screen:
    """Notify a chat of a new version of the policy."""
    fact = t("policy.changed", company=company, date=t.formats.long_date(version))
    return Screen(t("policy.title"), facts=(fact,), keyboard=((privacy_button(t),),))
