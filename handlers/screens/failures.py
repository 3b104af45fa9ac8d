"""Screens for requests that failed: each says what failed, and has a button with the next step."""

import datetime

from msgspec.structs import replace

from handlers.actions import Action, ChooseAccount, ResendCode, ShowHelp, Start, StartLinking
from handlers.screens.lists import list_buttons
from handlers.screens.privacy import before_address, privacy_button
from handlers.screens.screen import Button, Keyboard, Screen, clip
from handlers.screens.support import a_person, person_button
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import safe_text


def portal_down(t: Texts, retry: Action, at: datetime.datetime) -> Screen:
    """Report that the portal did not answer in time; ``at`` is the time of the attempt, in the company's time zone."""
    facts = (t("trouble.portal_down"),)
    return Screen(t("trouble.portal_title"), facts=facts, note=attempt_time(t, at), keyboard=_retry(t, retry))


def portal_away(t: Texts, retry: Action, at: datetime.datetime, tried_at: datetime.datetime) -> Screen:
    """Report that the request was not passed on, because the portal did not answer others.

    Args:
        at: the time of the request, so that a second one looks different from the first.
        tried_at: when the portal was last tried. Both are in the company's time zone.
    """
    times = {"time": t.formats.exact_time(at), "tried": t.formats.exact_time(tried_at)}
    facts, note = (t("trouble.portal_down"),), t("trouble.last_tried_at", **times)
    return Screen(t("trouble.portal_title"), facts=facts, note=note, keyboard=_retry(t, retry))


def saved_answer(t: Texts, screen: Screen, retry: Action, read_at: datetime.datetime, now: datetime.datetime) -> Screen:
    """Mark a screen that shows what the portal answered earlier, because it does not answer now.

    Args:
        retry: asks the portal again.
        read_at: when the portal answered.
        now: the time of the attempt; both are in the chat's time zone.
    """
    time = t.formats.time(read_at)
    if read_at.date() == now.date():
        lead = t("saved.today", time=time)
    else:
        lead = t("saved.earlier", day=t.formats.day(read_at.date(), now.date()), time=time)
    note = "\n".join(part for part in (screen.note, attempt_time(t, now)) if part)
    return replace(screen, lead=lead, note=note, keyboard=(*screen.keyboard, *_retry(t, retry)))


def portal_broken(t: Texts, retry: Action, at: datetime.datetime) -> Screen:
    """Report that the portal's answer breaks its contract; ``at`` as for ``portal_down``."""
    return Screen(
        t("trouble.portal_title"),
        facts=(t("trouble.portal_broken"),),
        note=attempt_time(t, at),
        keyboard=_retry(t, retry),
    )


def not_ready(t: Texts, retry: Action, at: datetime.datetime) -> Screen:
    """Report that the portal is still creating the document; ``at`` as for ``portal_down``."""
    return Screen(facts=(t("trouble.not_ready"),), note=attempt_time(t, at), keyboard=_retry(t, retry))


def attempt_time(t: Texts, at: datetime.datetime) -> str:
    """Return the time of the attempt, with seconds, so that a second failure looks different from the first."""
    return t("trouble.tried_at", time=t.formats.exact_time(at))


def refused(t: Texts, company: str) -> Screen:
    """Report that the portal refuses the request; a retry would fail too."""
    return Screen(facts=(t("trouble.refused", company=company),), keyboard=_help(t))


def forbidden(t: Texts, account: str, company: str) -> Screen:
    """Report that the contact may not see this part of the linked account."""
    home = Button(t("button.home"), Start())
    return Screen(facts=(t("trouble.forbidden", account=account, company=company),), keyboard=((home,), *_help(t)))


def internal_error(t: Texts, retry: Action | None, at: datetime.datetime) -> Screen:
    """Report an error of the bot; None for ``retry`` means that no button can repeat the request."""
    keyboard = _retry(t, retry) if retry else _help(t)
    return Screen(facts=(t("trouble.failed"),), note=attempt_time(t, at), keyboard=keyboard)


def answered_late(t: Texts, retry: Action | None, at: datetime.datetime) -> Screen:
    """Report that Telegram did not accept an answer; ``retry`` as for ``internal_error``, ``at`` its last attempt."""
    fact = t("trouble.answered_late") if retry else t("trouble.answered_late_text")
    return Screen(facts=(fact,), note=attempt_time(t, at), keyboard=_retry(t, retry) if retry else _help(t))


def not_found(t: Texts, link: LinkState, number: str) -> Screen:
    """Report that the account has no order and no invoice with this number."""
    fact = t("trouble.not_found", number=clip(number, 40), account=link.account_name)
    return Screen(facts=(fact,), keyboard=(*list_buttons(t, link), *_help(t)))


def account_gone(t: Texts, account: str) -> Screen:
    """Report that the contact has lost the account at the portal."""
    return Screen(facts=(t("trouble.account_gone", account=account),), keyboard=(*_link(t), *_help(t)))


def not_linked(t: Texts, company: str, *, awaits_code: bool = False, is_sealed: bool = False) -> Screen:
    """Report that the request needs a link.

    Args:
        awaits_code: Only the mailed code is missing.
        is_sealed: The chat has a link that no key opens.
    """
    if awaits_code:
        buttons = (Button(t("button.resend"), ResendCode()),), (Button(t("button.other_address"), StartLinking()),)
        return Screen(facts=(t("link.code_missing"),), keyboard=buttons)
    fact = t("link.sealed", company=company) if is_sealed else t("trouble.not_linked", company=company)
    return _linking_needed(t, company, fact)


def not_understood_unlinked(t: Texts, company: str, support: str, *, is_sealed: bool = False) -> Screen:
    """Answer a text in a chat without a link: it has to be linked first; ``support`` may be empty."""
    first = t("link.sealed", company=company) if is_sealed else t("trouble.not_linked", company=company)
    screen = _linking_needed(t, company, first, a_person(t, company, support))
    return replace(screen, keyboard=(*screen.keyboard, *_help(t)))


def _linking_needed(t: Texts, company: str, *facts: str) -> Screen:
    """Return a screen that offers to link: the next text may be the address."""
    keyboard = ((Button(t("button.link"), StartLinking()), privacy_button(t)),)
    return Screen(facts=facts, note=before_address(t, company), keyboard=keyboard)


def link_gone(t: Texts, current: LinkState) -> Screen:
    """Report that the button belongs to a removed link, and offer the current account."""
    button = Button(clip(safe_text(current.account_name), 50), ChooseAccount(current.link_id))
    return Screen(facts=(t("trouble.link_gone"),), keyboard=((button,),))


def old_button(t: Texts) -> Screen:
    """Report that this version cannot read the button's callback data."""
    return Screen(facts=(t("trouble.old_button"),), keyboard=((Button(t("button.home"), Start()),),))


def not_offered(t: Texts, company: str, link: LinkState | None) -> Screen:
    """Report that the company switched off what was asked for; None for ``link`` means a chat without a link."""
    lists = list_buttons(t, link) if link else ((Button(t("button.home"), Start()),),)
    return Screen(facts=(t("trouble.not_offered", company=company),), keyboard=(*lists, *_help(t)))


def not_understood(t: Texts, link: LinkState, company: str, support: str) -> Screen:
    """Report that a text is no command and no number, with an example and a person; ``support`` may be empty."""
    facts = (t("trouble.not_understood"), a_person(t, company, support))
    return Screen(facts=facts, keyboard=(*list_buttons(t, link), *_help(t)))


def unsupported_message(t: Texts, link: LinkState | None) -> Screen:
    """Report that the bot reads text only; None for ``link`` means a chat without a link."""
    if link is None:
        return Screen(facts=(t("trouble.only_text_unlinked"),), keyboard=(*_link(t), *_help(t)))
    return Screen(facts=(t("trouble.only_text"),), keyboard=(*list_buttons(t, link), *_help(t)))


def messages_dropped(t: Texts) -> Screen:
    """Report that the chat sent more messages at once than the bot reads."""
    return Screen(facts=(t("trouble.unread"),), keyboard=((Button(t("button.home"), Start()),),))


def _retry(t: Texts, action: Action) -> Keyboard:
    return ((Button(t("button.retry"), action),),)


def _help(t: Texts) -> Keyboard:
    return ((Button(t("button.help"), ShowHelp()), person_button(t)),)


def _link(t: Texts) -> Keyboard:
    return ((Button(t("button.link"), StartLinking()),),)
