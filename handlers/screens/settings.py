"""Language, rows per page, the portal's menu, and help."""

from collections.abc import Sequence

from handlers.actions import (
    ChooseLanguage,
    ListStyle,
    ShowNotices,
    ShowPortal,
    ShowPrivacy,
    ShowSettings,
    Start,
    StartLinking,
)
from handlers.screens.lists import list_buttons
from handlers.screens.screen import Button, Keyboard, Screen, choice
from handlers.screens.support import a_person, person_button
from portal.models import MenuLink
from services.company import Company
from services.features import Feature
from storage.chats import LinkState
from texts.catalogue import Texts, message_id, texts_in
from texts.language import Language

PAGE_SIZES = (5, 10)
_LINK_TITLES = {
    "login": message_id("portal.login"),
    "forgot_password": message_id("portal.forgot_password"),
    "learn_more": message_id("portal.learn_more"),
    "guide_fr": message_id("portal.guide_fr"),
    "guide_en": message_id("portal.guide_en"),
}


def language(t: Texts) -> Screen:
    """Ask for the language; each is named in itself."""
    rows = tuple(
        (choice(texts_in(each)("language.name"), each is t.language, ChooseLanguage(each)),)
        for each in Language.offered()
    )
    return Screen(
        t("language.title"), facts=(t("language.ask"),), keyboard=(*rows, (Button(t("button.home"), Start()),))
    )


def language_chosen(t: Texts, keyboard: Keyboard) -> Screen:
    """Confirm the language, in that language."""
    return Screen(facts=(t("language.chosen"),), keyboard=keyboard)


def settings(t: Texts, page_size: int, wants_tables: bool | None) -> Screen:
    """Show the language, the number of rows per page and the style of lists, with buttons to change them.

    Args:
        wants_tables: whether the chat chose lists as tables; None hides that choice.
    """
    facts = (t("settings.language", language=t("language.name")), t.plural("settings.page_size", page_size))
    sizes = tuple(choice(t.plural("button.page_size", n), n == page_size, ShowSettings(n)) for n in PAGE_SIZES)
    languages = tuple(
        choice(texts_in(each)("language.name"), each is t.language, ChooseLanguage(each)) for each in Language.offered()
    )
    notices = (Button(t("button.notices"), ShowNotices()), Button(t("button.home"), Start()))
    if wants_tables is None:
        return Screen(t("settings.title"), facts=facts, keyboard=(languages, sizes, notices))
    style = t("settings.tables") if wants_tables else t("settings.lines")
    styles = (
        choice(t("button.lines"), not wants_tables, ShowSettings(lists=ListStyle.LINES)),
        choice(t("button.tables"), wants_tables, ShowSettings(lists=ListStyle.TABLES)),
    )
    return Screen(
        t("settings.title"),
        facts=(*facts, style),
        note=t("settings.tables_hint"),
        keyboard=(languages, sizes, styles, notices),
    )


def portal_buttons(t: Texts, links: Sequence[MenuLink], *, is_customer: bool = False) -> Keyboard:
    """Return the portal's buttons for who cannot sign in yet; no rows where the portal has none of them.

    Args:
        is_customer: leaves out what is for who is not a customer yet.
    """
    urls = {link.key: link.url for link in links}
    rows = (("login", "forgot_password"), () if is_customer else ("learn_more",))
    shown = (tuple(Button(t(_LINK_TITLES[key]), url=urls[key]) for key in row if urls.get(key)) for row in rows)
    return tuple(row for row in shown if row)


def portal(t: Texts, company: str, links: Sequence[MenuLink]) -> Screen:
    """Show the portal's menu in its order; an entry with an unknown key keeps the portal's title."""
    rows = tuple(
        (Button(t(_LINK_TITLES[link.key]) if link.key in _LINK_TITLES else link.title, url=link.url),) for link in links
    )
    fact = t("portal.what", company=company) if links else t("portal.empty")
    return Screen(t("portal.title"), facts=(fact,), keyboard=(*rows, (Button(t("button.home"), Start()),)))


def help_page(t: Texts, company: Company, link: LinkState | None, links: Sequence[MenuLink]) -> Screen:
    """Explain how to reach orders and invoices.

    Args:
        link: the current account; None without a link.
        links: the portal's menu, empty where it is not known.
    """
    lines: tuple[tuple[Feature | None, str], ...] = (
        (Feature.ORDERS, t("help.orders")),
        (None, t("help.invoices")),
        (Feature.BALANCE, t("help.balance")),
        (Feature.STATEMENT, t("help.statement")),
        (None, t("help.numbers")),
        (Feature.SEARCH, t("help.search")),
        (Feature.QUESTIONS, t("help.in_words")),
        (None, t("help.accounts")),
        (None, t("help.settings")),
        (None, t("help.person")),
    )
    facts = [*(line for feature, line in lines if feature is None or feature in company.features), ""]
    facts += [t("help.on_portal", company=company.name), ""]
    facts.append(a_person(t, company.name, company.support))
    buttons = list_buttons(t, link) if link else ((Button(t("button.link"), StartLinking()),),)
    more = (Button(t("button.portal"), ShowPortal()), Button(t("button.privacy"), ShowPrivacy()))
    return Screen(
        t("help.title"),
        facts=tuple(facts),
        keyboard=(*buttons, *portal_buttons(t, links, is_customer=link is not None), more, (person_button(t),)),
    )
