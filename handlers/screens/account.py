"""Linked accounts, other chats, revocation, unlinking, and the stored personal data."""

import datetime
from collections.abc import Mapping, Sequence

from handlers.actions import ChooseAccount, Forget, Revoke, ShowAccounts, ShowMyData, Start, StartLinking, Unlink
from handlers.screens.linking import code_validity
from handlers.screens.notice_settings import SUBSCRIPTION_NAMES, quiet_range
from handlers.screens.screen import Button, Keyboard, Screen, clip
from services.linking.code_results import CodeRequested
from services.notices.event_recorder import SUBSCRIPTIONS
from services.retention import Category, kept
from storage.chats import ChatState, LinkState
from storage.linking.shared_addresses import OtherChat
from storage.notices.delivery_preferences import DeliveryPreferences
from storage.personal_data import StoredPersonalData
from texts.catalogue import Texts, message_id
from texts.escaping import safe_text


def accounts(
    t: Texts,
    links: Sequence[LinkState],
    emails: Mapping[int, str],
    other_chats: Sequence[OtherChat],
    *,
    sealed: int = 0,
) -> Screen:
    """Show the accounts, with the current one first, and the other chats linked through the same addresses.

    An account that is linked through two addresses appears twice, with the addresses.

    Args:
        links: the chat's links; at least one.
        emails: the address of each link, by link id.
        other_chats: each with its time of linking in the company's time zone.
        sealed: how many further links no key opens.
    """
    names = [link.account_name for link in links]

    def name(link: LinkState) -> str:
        if names.count(link.account_name) == 1:
            return link.account_name
        return t("account.through", account=link.account_name, email=emails.get(link.link_id, ""))

    facts = [t("account.current", account=name(links[0]))]
    facts += [t("account.other", account=name(link)) for link in links[1:]]
    facts += [t.plural("account.sealed", sealed)] if sealed else []
    if other_chats:
        facts += ["", t.plural("account.neighbours", len(other_chats))]
        facts += [_other_chat_line(t, other_chat) for other_chat in other_chats]
    rows = [(Button(clip(safe_text(name(link)), 60), ChooseAccount(link.link_id)),) for link in links[1:]]
    rows += [(Button(t("button.revoke", name=clip(_display_name(t, n), 30)), Revoke(n.chat_id)),) for n in other_chats]
    rows += [(Button(t("button.link_another"), StartLinking()),), (Button(t("button.unlink"), Unlink()),)]
    rows.append((Button(t("button.home"), Start()),))
    return Screen(t("account.title"), facts=tuple(facts), keyboard=tuple(rows))


def confirm_revoke(t: Texts, other_chat: OtherChat) -> Screen:
    """Ask for confirmation before another chat loses its links."""
    yes = Button(t("button.yes_revoke"), Revoke(other_chat.chat_id, sure=True))
    no = Button(t("button.no_keep"), ShowAccounts())
    fact = t("account.sure_to_revoke", name=_display_name(t, other_chat))
    return Screen(t("account.revoke_title"), facts=(fact,), keyboard=((yes, no),))


def revoked(t: Texts, company: str) -> Screen:
    """Notify a chat that another one removed its links."""
    return Screen(facts=(t("account.was_revoked", company=company),), keyboard=_link(t))


def other_revoked(t: Texts, other_chat: OtherChat) -> Screen:
    """Notify a chat that another chat of the same address lost its links."""
    fact = t("account.other_revoked", name=_display_name(t, other_chat), email=other_chat.email)
    return Screen(t("account.alert_title"), facts=(fact,), keyboard=_accounts(t))


def new_link(t: Texts, first_name: str, chat_id: int) -> Screen:
    """Notify a chat that another one was linked through the same address; the first button revokes that link.

    Args:
        first_name: the Telegram name of the new chat's person; may be empty.
        chat_id: the new chat.
    """
    name = safe_text(first_name) or t("account.unnamed")
    revoke = Button(t("button.revoke", name=clip(name, 30)), Revoke(chat_id))
    fact = t("account.new_link", name=name)
    return Screen(t("account.alert_title"), facts=(fact,), keyboard=((revoke,), *_accounts(t)))


def revoke_code_sent(t: Texts, asked: CodeRequested) -> Screen:
    """Ask for the code that was mailed to confirm a revocation."""
    key = message_id("account.revoke_long_code_sent") if asked.is_long else message_id("account.revoke_code_sent")
    facts = (t(key, email=asked.email), code_validity(t, asked.minutes))
    return Screen(t("account.revoke_title"), facts=facts, keyboard=((Button(t("button.no_keep"), ShowAccounts()),),))


def revoke_code_late(t: Texts, until: datetime.datetime) -> Screen:
    """Report that the code for a revocation follows by itself, until ``until`` in the company's time zone."""
    fact = t("account.revoke_code_late", time=t.formats.time(until))
    return Screen(t("account.revoke_title"), facts=(fact,), keyboard=((Button(t("button.no_keep"), ShowAccounts()),),))


def revoke_failed(t: Texts, reason: str, chat_id: int) -> Screen:
    """Report why another chat was not revoked; ``reason`` is a sentence."""
    again = Button(t("button.retry"), Revoke(chat_id, sure=True))
    no = Button(t("button.no_keep"), ShowAccounts())
    return Screen(t("account.revoke_title"), facts=(reason,), keyboard=((again,), (no,)))


def confirm_unlink(t: Texts, links: Sequence[LinkState]) -> Screen:
    """Ask for confirmation before the chat loses its links."""
    facts = (*(t("order.line", line=link.account_name) for link in links), "", t("account.sure_to_unlink"))
    yes, no = Button(t("button.yes_unlink"), Unlink(sure=True)), Button(t("button.no_keep"), Start())
    return Screen(t("account.unlink_title"), facts=facts, keyboard=((yes, no),))


def confirm_unlink_account(t: Texts, link: LinkState) -> Screen:
    """Ask for confirmation before the chat loses its links to one of several accounts."""
    facts = (t("order.line", line=link.account_name), "", t("account.sure_to_unlink_one"))
    yes, no = Button(t("button.yes_unlink"), Unlink(sure=True, link=link.link_id)), Button(t("button.no_keep"), Start())
    return Screen(t("account.unlink_one_title"), facts=facts, keyboard=((yes, no),))


def unlinked(t: Texts) -> Screen:
    """Confirm that the links were removed."""
    fact = t("account.unlinked", days=str(kept(Category.UNLINKED).days))
    return Screen(facts=(fact,), keyboard=_link(t))


def no_stored_data(t: Texts) -> Screen:
    """Report that no data of this chat is stored."""
    return Screen(t("data.title"), facts=(t("data.nothing"),), keyboard=_link(t))


def my_data(
    t: Texts,
    chat: ChatState,
    stored: StoredPersonalData | None,
    preferences: DeliveryPreferences,
    copies: Sequence[str],
) -> Screen:
    """List the stored personal data of this chat.

    Args:
        stored: with ``since`` in the company's time zone; None if the chat has no row.
        copies: addresses of the bookkeeper's copies.
    """
    facts = [t("data.chat", chat=str(chat.chat_id))]
    if stored:
        facts.append(t("data.since", date=t.formats.long_date(stored.since.date())))
        facts += [t("data.first_name", name=stored.first_name)] if stored.first_name else []
        facts += [t("data.email", email=email) for email in stored.emails]
    for link in chat.links:
        facts.append(t("data.account", account=link.account_name))
        if link.subscriptions:
            names = ", ".join(t(SUBSCRIPTION_NAMES[kind]) for kind in SUBSCRIPTIONS if kind in link.subscriptions)
            facts.append(t("data.wishes", wishes=names))
    facts += [t("data.copy", email=email) for email in copies]
    if preferences.quiet:
        facts.append(t("data.quiet", hours=quiet_range(t, preferences.quiet)))
    if preferences.timezone:
        facts.append(t("quiet.zone", zone=t.formats.city(preferences.timezone)))
    if stored and stored.saved_answers:
        facts.append(t.plural("data.saved_answers", stored.saved_answers))
    if stored and stored.calendar_feeds:
        facts.append(t.plural("data.calendar_feeds", stored.calendar_feeds))
    facts += [t("data.language", language=t("language.name")), t.plural("data.page_size", chat.page_size)]
    files, erase = Button(t("button.data_files"), ShowMyData(files=True)), Button(t("button.forget"), Forget())
    return Screen(t("data.title"), facts=tuple(facts), note=t("data.note"), keyboard=((files,), (erase,)))


def json_caption(t: Texts) -> Screen:
    """Say what the JSON file is."""
    return Screen(facts=(t("data.json"),))


def csv_caption(t: Texts) -> Screen:
    """Say what the CSV file is."""
    return Screen(facts=(t("data.csv"),))


def confirm_forget(t: Texts) -> Screen:
    """Ask for confirmation before all data of the chat is erased."""
    yes, no = Button(t("button.yes_forget"), Forget(sure=True)), Button(t("button.no_keep"), Start())
    return Screen(t("forget.title"), facts=(t("forget.sure"),), keyboard=((yes, no),))


def forgotten(t: Texts) -> Screen:
    """Confirm the erasure, and say what stays, and what only Telegram can erase."""
    hours = kept(Category.CODES) // datetime.timedelta(hours=1)
    stays = t("forget.stays", hours=str(hours), days=str(kept(Category.GUESSES).days))
    facts = (t("forget.done"), "", stays, "", t("forget.telegram"))
    return Screen(t("forget.title"), facts=facts, keyboard=_link(t))


def _link(t: Texts) -> Keyboard:
    return ((Button(t("button.link"), StartLinking()),),)


def _accounts(t: Texts) -> Keyboard:
    return ((Button(t("button.accounts"), ShowAccounts()),),)


def _other_chat_line(t: Texts, other_chat: OtherChat) -> str:
    date = t.formats.long_date(other_chat.linked_at.date())
    return t("account.neighbour", name=_display_name(t, other_chat), date=date)


def _display_name(t: Texts, other_chat: OtherChat) -> str:
    return safe_text(other_chat.first_name) or t("account.unnamed")
