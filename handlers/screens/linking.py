"""Linking: an address, a code, the accounts, and one question."""

import datetime
from dataclasses import replace

from handlers.actions import (
    AnswerNoticeOffer,
    ChooseAccount,
    FinishLinking,
    ResendCode,
    ShowHelp,
    StartLinking,
)
from handlers.screens.lists import reading
from handlers.screens.screen import Button, Keyboard, Screen, clip
from handlers.screens.trouble import tried_at
from services.linking.code_limits import TooOften
from services.linking.code_results import Checked, CodeRequested, CodeWithdrawn, OtherCodeKind, WrongCode
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import plain


def welcome(t: Texts, company: str) -> Screen:
    """A new person's first screen: what this is, and the one thing to do."""
    ways = ((Button(t("button.link"), StartLinking()),), (Button(t("button.help"), ShowHelp()),))
    return Screen(t("welcome.title", company=company), facts=(t("welcome.what", company=company),), keyboard=ways)


def home(t: Texts, link: LinkState) -> Screen:
    """A linked person's first screen."""
    return Screen(plain(clip(link.account_name, 60)), facts=(t("home.what"),), keyboard=_reading(t, link))


def ask_email(t: Texts, company: str, *, is_another: bool) -> Screen:
    """The next text is an address."""
    return Screen(
        t("link.title"), facts=(t("link.ask_another") if is_another else t("link.ask_email", company=company),)
    )


def bad_email(t: Texts) -> Screen:
    """What was typed is no address."""
    return Screen(facts=(t("link.bad_email"),))


def code_sent(t: Texts, asked: CodeRequested, company: str, *, again: bool) -> Screen:
    """The same words whether the portal knows the address or not."""
    title = t("link.new_code_title") if again else t("link.code_title")
    return Screen(
        title,
        facts=code_facts(t, asked, t("link.code_sent", email=asked.email, company=company), company),
        note=t("link.no_mail", company=company),
        keyboard=_codes(t),
    )


def code_facts(t: Texts, asked: CodeRequested, sent: str, company: str) -> tuple[str, ...]:
    """What to type: ``sent`` says it of a short code. A long one may stand in an earlier mail; whether one was sent now
    is not said, since that would tell whether somebody has used a code of the address."""
    if asked.is_long:
        return (t("link.long_code_sent", email=asked.email, company=company),)
    return sent, t.plural("link.code_validity", asked.minutes)


def code_not_sent(t: Texts, at: datetime.datetime) -> Screen:
    """Nothing could be mailed, to anybody."""
    return Screen(facts=(t("link.code_not_sent"),), note=tried_at(t, at), keyboard=_codes(t, again=True))


def too_soon(t: Texts, seconds: int) -> Screen:
    """A code was sent a moment ago."""
    return Screen(facts=(t.plural("link.too_soon", seconds),), keyboard=_codes(t))


def too_often(t: Texts, until: datetime.datetime) -> Screen:
    """No more codes for a while; ``until`` is in the chat's time zone."""
    retry = Button(t("button.retry"), ResendCode())
    return Screen(facts=(t("link.too_often", time=t.formats.time(until)),), keyboard=((retry,),))


def code_refused(t: Texts, checked: Checked, until: datetime.datetime | None) -> Screen:
    """A code was typed, and does not open anything; ``until`` is the end of the wait of who may type no more."""
    if isinstance(checked, TooOften) and until is not None:
        return too_often(t, until)
    return Screen(facts=(refusal_words(t, checked, until),), keyboard=_codes(t))


def refusal_words(t: Texts, checked: Checked, until: datetime.datetime | None) -> str:
    """Why a typed code was not taken, and what to do."""
    match checked:
        case WrongCode(left) if left:
            return t.plural("link.wrong_code", left)
        case WrongCode():
            return t("link.burnt_code")
        case OtherCodeKind(is_long):
            return t("link.code_is_long") if is_long else t("link.no_code_in_text")
        case CodeWithdrawn():
            return t("link.code_withdrawn")
        case TooOften() if until is not None:
            return t("link.too_often", time=t.formats.time(until))
    return t("link.expired_code")


def no_code_in_text(t: Texts) -> Screen:
    """A code is awaited, and what was typed has none."""
    return Screen(facts=(t("link.no_code_in_text"),), keyboard=_codes(t))


def expired_code(t: Texts) -> Screen:
    """There is no code that could be right."""
    return Screen(facts=(t("link.expired_code"),), keyboard=_codes(t))


def proof_kept(t: Texts, until: datetime.datetime, at: datetime.datetime) -> Screen:
    """The code was right, the portal did not answer: the proof stays."""
    retry = Button(t("button.retry"), FinishLinking())
    fact = t("link.proof_kept", time=t.formats.time(until))
    return Screen(facts=(fact,), note=tried_at(t, at), keyboard=((retry,),))


def no_account(t: Texts, company: str) -> Screen:
    """The portal knows the address, and no account is open for it."""
    another = Button(t("button.other_address"), StartLinking())
    return Screen(facts=(t("link.no_account", company=company),), keyboard=((another,),))


def linked(t: Texts, links: tuple[LinkState, ...]) -> Screen:
    """Which account to show, where there are several; else the question at once."""
    if len(links) == 1 and links[0].subscriptions is not None:
        return replace(home(t, links[0]), title=t("link.done_with", account=clip(links[0].account_name, 50)))
    if len(links) == 1:
        return offer_notices(t, links[0], title=t("link.done"), accounts=1)
    rows = tuple((Button(clip(plain(link.account_name), 50), ChooseAccount(link.link_id)),) for link in links)
    return Screen(t("link.done"), facts=(t.plural("link.which", len(links)),), keyboard=rows)


def offer_notices(t: Texts, link: LinkState, title: str, accounts: int) -> Screen:
    """Asked once, plainly, for all the accounts just linked: whether to be told of new invoices."""
    yes = Button(t("button.yes_tell"), AnswerNoticeOffer(link.link_id, yes=True))
    no = Button(t("button.no_tell"), AnswerNoticeOffer(link.link_id, yes=False))
    return Screen(
        title,
        facts=(t("link.account", account=link.account_name), t.plural("link.ask_wish", accounts)),
        keyboard=((yes, no),),
    )


def notice_answer(t: Texts, link: LinkState, *, yes: bool) -> Screen:
    """The answer, and where to read on."""
    fact = t("link.wish_yes") if yes else t("link.wish_no")
    return Screen(plain(clip(link.account_name, 60)), facts=(fact, t("home.what")), keyboard=_reading(t, link))


def _codes(t: Texts, *, again: bool = False) -> Keyboard:
    resend = Button(t("button.retry") if again else t("button.resend"), ResendCode())
    return ((resend,), (Button(t("button.other_address"), StartLinking()),))


def _reading(t: Texts, link: LinkState) -> Keyboard:
    return (*reading(t, link), (Button(t("button.help"), ShowHelp()),))
