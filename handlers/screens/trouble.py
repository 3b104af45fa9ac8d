"""What is said when something is not there, not allowed, not linked, or not working."""

import datetime

from handlers.actions import (
    Action,
    AskSearch,
    ChooseAccount,
    ConfirmAddress,
    ListInvoices,
    ListOrders,
    ShowHelp,
    Start,
    StartLinking,
)
from handlers.screens.lists import reading
from handlers.screens.screen import Button, Keyboard, Screen, clip
from storage.chats import LinkState
from texts.catalogue import Texts
from texts.escaping import plain


def portal_down(t: Texts, retry: Action, at: datetime.datetime) -> Screen:
    """The portal does not answer, or too late; the first button tries again."""
    facts = (t("trouble.portal_down"),)
    return Screen(t("trouble.portal_title"), facts=facts, note=tried_at(t, at), keyboard=_again(t, retry))


def portal_broken(t: Texts, retry: Action, at: datetime.datetime) -> Screen:
    """The portal answers, but not what it should."""
    return Screen(facts=(t("trouble.portal_broken"),), note=tried_at(t, at), keyboard=_again(t, retry))


def not_ready(t: Texts, retry: Action, at: datetime.datetime) -> Screen:
    """The document is still being made."""
    return Screen(facts=(t("trouble.not_ready"),), note=tried_at(t, at), keyboard=_again(t, retry))


def tried_at(t: Texts, at: datetime.datetime) -> str:
    """When it was tried: a second try that fails too must not look as if nothing had happened."""
    return t("trouble.tried_at", time=t.formats.exact_time(at))


def refused(t: Texts, company: str) -> Screen:
    """The portal will not, and trying again changes nothing."""
    return Screen(facts=(t("trouble.refused", company=company),), keyboard=_help(t))


def forbidden(t: Texts, account: str, company: str) -> Screen:
    """The account is linked, this part of it is not this person's to see."""
    home = Button(t("button.home"), Start())
    return Screen(facts=(t("trouble.forbidden", account=account, company=company),), keyboard=((home,), *_help(t)))


def failed(t: Texts, retry: Action | None, at: datetime.datetime) -> Screen:
    """Something broke on our side."""
    return Screen(facts=(t("trouble.failed"),), note=tried_at(t, at), keyboard=_again(t, retry) if retry else ())


def not_found(t: Texts, link: LinkState, number: str) -> Screen:
    """Nothing on this account has this number."""
    return Screen(
        facts=(t("trouble.not_found", number=clip(number, 40), account=link.account_name),), keyboard=reading(t, link)
    )


def account_gone(t: Texts, account: str) -> Screen:
    """The portal says that the account is not this person's any more."""
    return Screen(facts=(t("trouble.account_gone", account=account),), keyboard=_link(t))


def several(t: Texts, number: str, choices: tuple[Button, ...]) -> Screen:
    """An order and an invoice have the same number."""
    return Screen(facts=(t("search.several", number=number),), keyboard=(choices,))


def not_linked(t: Texts, company: str) -> Screen:
    """What was asked for needs a link."""
    return Screen(facts=(t("trouble.not_linked", company=company),), keyboard=_link(t))


def confirm_address(t: Texts, link: LinkState) -> Screen:
    """A link that nobody used for long: a new code comes first."""
    confirm = Button(t("button.confirm_address"), ConfirmAddress(link.link_id))
    return Screen(facts=(t("link.confirm_again", account=link.account_name),), keyboard=((confirm,), *_help(t)))


def link_gone(t: Texts, current: LinkState) -> Screen:
    """A button of an account that this chat is linked to no more."""
    way = Button(clip(plain(current.account_name), 50), ChooseAccount(current.link_id))
    return Screen(facts=(t("trouble.link_gone"),), keyboard=((way,),))


def old_button(t: Texts) -> Screen:
    """A button that an older version made."""
    return Screen(facts=(t("trouble.old_button"),), keyboard=((Button(t("button.home"), Start()),),))


def not_understood(t: Texts, link: LinkState) -> Screen:
    """A text that is no command and no number."""
    return Screen(
        facts=(t("trouble.not_understood"),), keyboard=(*reading(t, link), (Button(t("button.help"), ShowHelp()),))
    )


def only_text(t: Texts, link: LinkState | None) -> Screen:
    """A sticker, a voice, a picture: nothing that can be read here."""
    return Screen(facts=(t("trouble.only_text"),), keyboard=(*(reading(t, link) if link else ()), *_help(t)))


def unread(t: Texts) -> Screen:
    """More messages at once than are read."""
    return Screen(facts=(t("trouble.unread"),))


def ask_search(t: Texts, action: AskSearch) -> Screen:
    """The next text is searched for."""
    if action.invoices:
        back = Button(t("button.all_invoices"), ListInvoices(action.link))
        return Screen(facts=(t("search.ask_invoices"),), keyboard=((back,),))
    back = Button(t("button.all_orders"), ListOrders(action.link))
    return Screen(facts=(t("search.ask_orders"),), keyboard=((back,),))


def in_private(t: Texts, username: str) -> Screen:
    """A group gets the way into the private chat, never data."""
    way = Button(t("button.private"), url=f"https://t.me/{username}")
    return Screen(facts=(t("group.private"),), keyboard=((way,),))


def _again(t: Texts, retry: Action) -> Keyboard:
    return ((Button(t("button.retry"), retry),),)


def _help(t: Texts) -> Keyboard:
    return ((Button(t("button.help"), ShowHelp()),),)


def _link(t: Texts) -> Keyboard:
    return ((Button(t("button.link"), StartLinking()),),)
