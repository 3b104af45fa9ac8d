"""Linking: first screens, address, code, choice of the account, and the offer of notices."""

import datetime
from collections.abc import Sequence

from msgspec.structs import replace

from handlers.actions import (
    AnswerNoticeOffer,
    ChooseAccount,
    ChooseLanguage,
    ConfirmAddress,
    FinishLinking,
    ResendCode,
    ShowAccounts,
    ShowHelp,
    ShowNotices,
    ShowSettings,
    Start,
    StartLinking,
)
from handlers.screens.failures import attempt_time
from handlers.screens.lists import list_buttons
from handlers.screens.privacy import before_address, privacy_button
from handlers.screens.screen import Button, Keyboard, Screen, clip, rows_of
from handlers.screens.settings import portal_buttons
from portal.models import MenuLink
from services.linking.code_limits import TooOften
from services.linking.code_results import CheckResult, CodeRequested, CodeWithdrawn, OlderCode, OtherCodeKind, WrongCode
from storage.chats import LinkState
from texts.catalogue import Texts, texts_in
from texts.escaping import safe_text
from texts.language import Language


def welcome(t: Texts, company: str, links: Sequence[MenuLink], *, is_sealed: bool = False) -> Screen:
    """Show a chat without a link what the bot is, how to link an account, and the portal's ``links`` for newcomers.

    Args:
        is_sealed: The chat has a link that no key opens; said in place of what the bot is.
    """
    more = (Button(t("button.help"), ShowHelp()), privacy_button(t))
    others = [each for each in Language.offered() if each is not t.language]
    languages = rows_of([Button(texts_in(each)("language.name"), ChooseLanguage(each)) for each in others], 3)
    keyboard = ((Button(t("button.link"), StartLinking()),), *portal_buttons(t, links), more, *languages)
    fact = t("link.sealed", company=company) if is_sealed else t("welcome.what", company=company)
    note = before_address(t, company)
    return Screen(t("welcome.title", company=company), facts=(fact,), note=note, keyboard=keyboard)


def group_welcome(t: Texts, username: str) -> Screen:
    """Show a group the button to the private chat; a group gets no data."""
    button = Button(t("button.private"), url=f"https://t.me/{username}")
    return Screen(facts=(t("group.private"),), keyboard=((button,),))


def home(t: Texts, link: LinkState) -> Screen:
    """Show a linked chat what it can read."""
    return Screen(safe_text(clip(link.account_name, 60)), facts=(t("home.what"),), keyboard=_home_buttons(t, link))


def ask_email(t: Texts, company: str, *, is_another: bool) -> Screen:
    """Ask for an address; ``is_another`` means that the chat already has a link."""
    fact = t("link.ask_another") if is_another else t("link.ask_email", company=company)
    back = (Button(t("button.home"), Start()), privacy_button(t))
    return Screen(t("link.title"), facts=(fact,), note=before_address(t, company), keyboard=(back,))


def bad_email(t: Texts, count: int, company: str, *, is_copy: bool) -> Screen:
    """Report that a text is not the awaited address.

    Args:
        count: the words of the text with an ``@``: none, one that is no address, or several.
        is_copy: a bookkeeper's address is awaited.
    """
    if count == 0:
        fact = t("copy.need_email") if is_copy else t("link.need_email", company=company)
    else:
        fact = t("link.bad_email") if count == 1 else t("link.several_emails")
    note = t("copy.before_address") if is_copy else before_address(t, company)
    return Screen(facts=(fact,), note=note, keyboard=((*_help(t), privacy_button(t)),))


def code_sent(t: Texts, asked: CodeRequested, company: str, *, again: bool) -> Screen:
    """Ask for the code, in the same words whether or not the portal knows the address.

    For a long code they do not say whether a mail was sent just now: that would reveal whether a code was used.

    Args:
        again: whether the person asked for another code.
    """
    if asked.is_long:
        facts: tuple[str, ...] = (t("link.long_code_sent", email=asked.email, company=company),)
    else:
        sent = t("link.code_sent", email=asked.email, company=company)
        facts = (sent, code_validity(t, asked.minutes))
    title = t("link.new_code_title") if again else t("link.code_title")
    return Screen(title, facts=facts, note=t("link.no_mail", company=company), keyboard=_code_buttons(t))


def code_validity(t: Texts, minutes: int) -> str:
    """Say how long a code is valid, in hours if these are whole."""
    if minutes % 60:
        return t.plural("link.code_validity", minutes)
    return t.plural("link.code_validity_hours", minutes // 60)


def code_late(t: Texts, asked: CodeRequested, company: str, until: datetime.datetime) -> Screen:
    """Report that no mail can be sent for the moment, to any address, and that the code follows by itself.

    Args:
        until: the time until which it is tried, in the company's time zone.
    """
    fact = t("link.code_late", email=asked.email, company=company, time=t.formats.time(until))
    return Screen(t("link.code_title"), facts=(fact,), keyboard=_code_buttons(t, again=True))


def code_not_sent(t: Texts, at: datetime.datetime) -> Screen:
    """Report that no mail can be sent at present, to any address."""
    return Screen(facts=(t("link.code_not_sent"),), note=attempt_time(t, at), keyboard=_code_buttons(t, again=True))


def too_soon(t: Texts, seconds: int) -> Screen:
    """Report that the next code can be requested in ``seconds``."""
    return Screen(facts=(t.plural("link.too_soon", seconds),), keyboard=_code_buttons(t))


def too_often(t: Texts, until: datetime.datetime) -> Screen:
    """Report that a limit of codes is reached until ``until``, in the company's time zone."""
    retry = Button(t("button.retry"), ResendCode())
    return Screen(facts=(t("link.too_often", time=t.formats.time(until)),), keyboard=((retry,), _help(t)))


def code_refused(t: Texts, checked: CheckResult, until: datetime.datetime | None) -> Screen:
    """Report why a code was refused; ``until`` as for ``refusal_reason``."""
    if isinstance(checked, TooOften) and until is not None:
        return too_often(t, until)
    return Screen(facts=(refusal_reason(t, checked, until),), keyboard=_code_buttons(t))


def refusal_reason(t: Texts, checked: CheckResult, until: datetime.datetime | None) -> str:
    """Return why a code was refused, and what to do.

    Args:
        until: the end of the wait after ``TooOften``, in the company's time zone; None for any other result.
    """
    match checked:
        case WrongCode(left) if left:
            return t.plural("link.wrong_code", left)
        case WrongCode():
            return t("link.burnt_code")
        case OtherCodeKind(is_long):
            return t("link.code_is_long") if is_long else t("link.no_code_in_text")
        case OlderCode():
            return t("link.older_code")
        case CodeWithdrawn():
            return t("link.code_withdrawn")
        case TooOften() if until is not None:
            return t("link.too_often", time=t.formats.time(until))
    return t("link.expired_code")


def no_code_in_text(t: Texts) -> Screen:
    """Report that a code is awaited, and that the text contains none."""
    return Screen(facts=(t("link.no_code_in_text"),), keyboard=_code_buttons(t))


def expired_code(t: Texts) -> Screen:
    """Report that the chat has no valid code."""
    return Screen(facts=(t("link.expired_code"),), keyboard=_code_buttons(t))


def portal_down_after_code(t: Texts, until: datetime.datetime, at: datetime.datetime) -> Screen:
    """Report that the code was right, but that the portal did not answer.

    Args:
        until: the time until which linking can be finished without another code.
        at: the time of the attempt; both in the company's time zone.
    """
    retry = Button(t("button.retry"), FinishLinking())
    fact = t("link.proof_kept", time=t.formats.time(until))
    return Screen(facts=(fact,), note=attempt_time(t, at), keyboard=((retry,), _help(t)))


def no_account(t: Texts, company: str) -> Screen:
    """Report that the portal has no open account for the address."""
    another = Button(t("button.other_address"), StartLinking())
    keyboard = ((another,), _help(t))
    return Screen(facts=(t("link.no_account", company=company),), keyboard=keyboard)


def linked(t: Texts, links: tuple[LinkState, ...], unasked: int = 1) -> Screen:
    """Confirm the new links: ask which account to show or, for one account, whether to send notices.

    Args:
        unasked: the accounts of the chat for which the offer of notices has no answer yet.
    """
    if len(links) == 1 and links[0].subscriptions is not None:
        return replace(home(t, links[0]), title=t("link.done_with", account=clip(links[0].account_name, 50)))
    if len(links) == 1:
        return offer_notices(t, links[0], title=t("link.done"), accounts=unasked)
    rows = tuple((Button(clip(safe_text(link.account_name), 50), ChooseAccount(link.link_id)),) for link in links)
    return Screen(t("link.done"), facts=(t.plural("link.which", len(links)),), keyboard=rows)


def offer_notices(t: Texts, link: LinkState, title: str, accounts: int) -> Screen:
    """Ask once whether to send notices of new invoices, for all the accounts just linked.

    Args:
        link: the link that the screen names.
        accounts: the number of accounts that the answer applies to.
    """
    yes = Button(t("button.yes_tell"), AnswerNoticeOffer(link.link_id, yes=True))
    no = Button(t("button.no_tell"), AnswerNoticeOffer(link.link_id, yes=False))
    return Screen(
        title,
        facts=(t("link.account", account=link.account_name), t.plural("link.ask_wish", accounts)),
        keyboard=((yes, no),),
    )


def notice_answer(t: Texts, link: LinkState, *, yes: bool, accounts: int) -> Screen:
    """Confirm the answer to the offer of notices; ``accounts``: as for ``offer_notices``."""
    fact = t.plural("link.wish_yes", accounts) if yes else t.plural("link.wish_no", accounts)
    return Screen(safe_text(clip(link.account_name, 60)), facts=(fact, t("home.what")), keyboard=_home_buttons(t, link))


def confirm_address(t: Texts, link: LinkState) -> Screen:
    """Ask the person to confirm the address of an idle link by a new code."""
    confirm = Button(t("button.confirm_address"), ConfirmAddress(link.link_id))
    keyboard = ((confirm,), _help(t))
    return Screen(facts=(t("link.confirm_again", account=link.account_name),), keyboard=keyboard)


def _help(t: Texts) -> tuple[Button, ...]:
    return (Button(t("button.help"), ShowHelp()),)


def _code_buttons(t: Texts, *, again: bool = False) -> Keyboard:
    resend = Button(t("button.retry") if again else t("button.resend"), ResendCode())
    return ((resend,), (Button(t("button.other_address"), StartLinking()),))


def _home_buttons(t: Texts, link: LinkState) -> Keyboard:
    accounts, notices = Button(t("button.my_accounts"), ShowAccounts()), Button(t("button.notices"), ShowNotices())
    more = (Button(t("button.settings"), ShowSettings()), Button(t("button.help"), ShowHelp()))
    return (*list_buttons(t, link), (accounts, notices), more)
